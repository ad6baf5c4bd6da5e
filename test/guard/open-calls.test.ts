import { expect, test } from 'vitest';
import { OpenCalls } from '../../guard/open-calls.ts';

test('waits for the calls that have begun by then, and for no later one', async () => {
  const calls = new OpenCalls();
  await calls.ended();
  const [first, second] = [calls.begin(), calls.begin()];
  let ended = false;
  const waiting = calls.ended().then(() => {
    ended = true;
  });
  calls.begin();
  calls.end(first);
  await Promise.resolve();
  expect(ended).toBe(false);
  calls.end(second);
  await waiting;
});

test('does not wait for calls that have ended before', async () => {
  const calls = new OpenCalls();
  calls.end(calls.begin());
  await calls.ended();
});
