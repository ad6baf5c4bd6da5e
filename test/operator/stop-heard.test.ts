import { expect, onTestFinished, test } from 'vitest';
import { KILL_RETURN_MS } from '../../flags/index.ts';
import { openControlPlane } from '../../operator/index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import { deadExecutor, executor } from './cli/executors.ts';
import { openAt } from '../../operator/open.ts';
import { quickPace } from './open-quick-control.ts';

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

/** A switch whose kills wait at a pace of their own, and how much of that time has passed. */
async function atOwnPace() {
  const store = memoryStore();
  const pace = quickPace();
  const control = await openAt({ store: memoryControlStore(store), operator: { id: 'ann' } }, pace);
  onTestFinished(() => control.close());
  await control.init();
  const since = pace.clock().mono;
  return { store, control, passed: (): number => pace.clock().mono - since };
}

test.each([0, 200])(
  'nobody is waited for, and a kill (waitMs %i) returns when no permit holds any more',
  async (waitMs) => {
    const { control, passed } = await atOwnPace();
    await control.kill({ target: 'all', waitMs });
    expect(passed()).toBe(KILL_RETURN_MS);
  },
);

test('who has not obeyed is waited for as long as the caller says, and the last look is told', async () => {
  const { store, control, passed } = await atOwnPace();
  await deadExecutor(store);
  const told: number[] = [];
  const onProgress = ({ elapsed_ms }: { readonly elapsed_ms: number }): void => void told.push(elapsed_ms);
  const { acknowledgements } = await control.kill({ target: 'all', waitMs: 1975, onProgress });
  expect(passed()).toBe(1975);
  expect(acknowledgements).toMatchObject({ total: 1, drained: 0, elapsed_ms: 1975 });
  expect(told).toEqual([...Array.from({ length: 40 }, (_, look) => look * 50), 1975]);
});

test('a kill returns with the look that shows that everybody has stopped', async () => {
  const { store, control } = await atOwnPace();
  const x = await executor(store);
  Object.assign(x, { inFlight: 1, draining: 1 });
  const { acknowledgements } = await control.kill({
    target: 'all',
    waitMs: 600_000,
    onProgress({ executors: [one], elapsed_ms }) {
      if (one?.state !== 'draining' || elapsed_ms <= KILL_RETURN_MS) return;
      Object.assign(x, { inFlight: 0, draining: 0 });
      x.replica.report();
    },
  });
  expect(acknowledgements).toMatchObject({ total: 1, drained: 1 });
  expect(acknowledgements.elapsed_ms).toBeGreaterThan(KILL_RETURN_MS);
  expect(acknowledgements.elapsed_ms).toBeLessThan(600_000);
});
