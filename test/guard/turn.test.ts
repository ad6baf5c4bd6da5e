import { describe, expect, test } from 'vitest';
import { createTurns } from '../../guard/turn.ts';

/**
 * So many calls that come together, each of which takes so long once it may start; how many start in which turn of the
 * event loop.
 */
async function starts(calls: number, takesMs: number): Promise<number[]> {
  let time = 0;
  const turns = createTurns(() => time);
  const started: number[] = [];
  let turned = 0;
  const call = async (): Promise<void> => {
    for (let wait = turns.beforeStart(); wait; wait = turns.beforeStart()) await wait;
    started[turned] = (started[turned] ?? 0) + 1;
    time += takesMs;
  };
  const ticking = (): void => {
    turned += 1;
    ticker = setImmediate(ticking);
  };
  let ticker = setImmediate(ticking); // before any of the calls is let go
  await Promise.all(Array.from({ length: calls }, call));
  clearImmediate(ticker);
  return started.map((count) => count ?? 0);
}

describe('calls that come together', () => {
  test('start one in each turn of the event loop where each takes long', async () => {
    const started = await starts(10, 20);
    expect(Math.max(...started)).toBe(1);
  });

  test('start together again as far as they are short: 2,000 do not take 2,000 turns', async () => {
    const started = await starts(2000, 0.02); // 500 of them fill a turn
    expect(started.length).toBeLessThan(40);
    expect(Math.max(...started)).toBeLessThanOrEqual(512);
  });
});
