import { spawnSync } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { openMemorySwitch } from './open-switch.ts';

describe('nothing is kept', () => {
  test('of signals that are read after their run, and of calls that no longer wait', () => {
    const program = fileURLToPath(new URL('leaks.mjs', import.meta.url));
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', program], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const { late, waiting } = JSON.parse(stdout) as { late: number; waiting: number };
    expect(late).toBeLessThan(2);
    expect(waiting).toBeLessThan(5); // the records that a memory keeps, among them
  }, 120_000);
});

test('a signal that is first read when its run is over has fired, and says why; one read before is as it was', async () => {
  const { killSwitch } = await openMemorySwitch();
  const over = await killSwitch.run({ agentId: 'bot' }, (run) => run);
  expect(over.signal.aborted).toBe(true);
  expect(over.signal.reason).toMatchObject({
    verdict: 'block',
    agentId: 'bot',
    cause: { kind: 'fault', code: 'CLOSED', message: expect.stringContaining('this run has ended') },
  });
  const read = await killSwitch.run({ agentId: 'bot' }, (run) => [run, run.signal] as const);
  expect(read[0].signal).toBe(read[1]);
  expect(read[1].aborted).toBe(false);
});

test('a signal that is first read when its action is over leaves no listener on the caller’s', async () => {
  const { killSwitch } = await openMemorySwitch({ agentId: 'bot' });
  const contexts: Array<{ readonly signal: AbortSignal }> = [];
  const action = killSwitch.action({
    name: 'mail.read',
    effect: 'read',
    execute: (_: null, given) => contexts.push(given),
  });
  const caller = new AbortController();
  for (let call = 0; call < 3; call += 1) await action.attempt(null, { signal: caller.signal });
  expect(contexts.map(({ signal }) => signal.aborted)).toEqual([false, false, false]);
  expect(getEventListeners(caller.signal, 'abort')).toEqual([]);
});
