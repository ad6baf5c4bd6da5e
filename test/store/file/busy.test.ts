import { appendFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { kill } from '../../../testing/store/session.ts';
import { busyLoop } from '../../busy-loop.ts';
import { headOf, openSession } from './harness.ts';

/**
 * How many turns of a busy event loop `work` takes: the best of some tries, since another process may have kept the
 * disk busy.
 */
async function turnsOf(work: (index: number) => Promise<unknown>): Promise<number> {
  const loop = busyLoop(30);
  try {
    const taken: number[] = [];
    for (let tries = 0; tries < 5; tries += 1) {
      const before = loop.turns();
      await work(tries);
      taken.push(loop.turns() - before);
    }
    return Math.min(...taken);
  } finally {
    loop.end();
  }
}

describe('where each turn of the event loop is long', () => {
  test('a confirmation takes few turns, since it is as old as all of them together', async () => {
    const { session, directory } = await openSession();
    const control = await session.initialised();
    const executor = session.executor();
    const head = await headOf(control);
    await executor.confirm(head);
    // a new folder is read once more
    utimesSync(join(directory, 'executors', 'default', 'forks'), 0, 0);
    await executor.confirm(head);
    expect(await turnsOf(() => executor.confirm(head))).toBeLessThanOrEqual(3);
  });

  test('a push takes few turns too', async () => {
    const { session, log, lines } = await openSession();
    const control = await session.initialised();
    const before = await headOf(control);
    for (const name of ['1', '2', '3', '4', '5']) await kill(control, `run:${name}`);
    const [first, ...changes] = lines();
    writeFileSync(log, `${first}\n`);
    const executor = session.executor();
    await executor.confirm(before);
    let heard = (): void => {};
    executor.connection.follow((push) => push.type === 'event' && heard());
    const turns = await turnsOf(async (index) => {
      const told = new Promise<void>((resolve) => {
        heard = resolve;
      });
      appendFileSync(log, `${changes[index]}\n`);
      await told;
    });
    expect(turns).toBeLessThanOrEqual(3);
  });
});
