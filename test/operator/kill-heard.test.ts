import { expect, onTestFinished, test } from 'vitest';
import { KILL_RETURN_MS } from '../../flags/index.ts';
import { openControlPlane } from '../../operator/index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import { deadExecutor } from './cli/executors.ts';

test('an aborted signal ends the waiting and not the kill; onRecorded is called as soon as that is recorded', async () => {
  const store = memoryStore();
  const control = await openControlPlane({ store: memoryControlStore(store), operator: { id: 'ann' } });
  onTestFinished(() => control.close());
  await control.init();
  await deadExecutor(store);
  const ending = new AbortController();
  const told: number[] = [];
  const since = performance.now();
  const answer = await control.kill({
    target: 'all',
    waitMs: 600_000,
    signal: ending.signal,
    onRecorded({ epoch }) {
      told.push(epoch);
      ending.abort();
      throw new Error('whoever is told cannot undo it');
    },
  });
  // no confirmed action starts after it has returned
  expect(performance.now() - since).toBeGreaterThanOrEqual(KILL_RETURN_MS - 1);
  expect(told).toEqual([2]);
  expect(answer).toMatchObject({ epoch: 2, kill: { is_active: true }, acknowledgements: { total: 1, drained: 0 } });
  const again = await control.kill({ target: 'all', waitMs: 600_000, signal: AbortSignal.abort() });
  expect(again).toMatchObject({ epoch: 3, already: true });
});
