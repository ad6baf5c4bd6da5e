import { describe, expect, test, vi } from 'vitest';
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

/** Turns by a clock that the test moves. */
function byHand() {
  let time = 0;
  const turns = createTurns(() => time);
  /** So many starts that are put off; each is noted when it may go on. */
  const putOff = (count: number, went: string[] = [], name = ''): string[] => {
    void turns.beforeStart(); // from here this turn counts
    time += 10;
    for (let start = 0; start < count; start += 1) void turns.beforeStart()?.then(() => went.push(`${name}${start}`));
    return went;
  };
  return { turns, putOff, pass: (ms: number) => void (time += ms) };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a call', () => {
  test('is decided at once until ten milliseconds after the last turn; then at the next, with all that came', async () => {
    const { turns, pass } = byHand();
    expect(turns.beforeCall()).toBeNull();
    pass(9.9);
    expect(turns.beforeCall()).toBeNull();
    pass(0.1);
    let decided = 0;
    for (let call = 0; call < 3; call += 1) void turns.beforeCall()?.then(() => (decided += 1));
    await Promise.resolve();
    expect(decided).toBe(0);
    await turn();
    expect(decided).toBe(3);
    expect(turns.beforeCall()).toBeNull();
    await turn();
    pass(10);
    expect(turns.beforeCall()).not.toBeNull();
  });

  test('starts at once until ten milliseconds after the first that came in this turn', async () => {
    const { turns, pass } = byHand();
    pass(100);
    expect(turns.beforeStart()).toBeNull();
    pass(9.9);
    expect(turns.beforeStart()).toBeNull();
    pass(0.1);
    expect(turns.beforeStart()).not.toBeNull();
    await turn();
    expect(turns.beforeStart()).toBeNull();
  });

  test('counts as the first that came also where it is only decided', () => {
    const { turns, pass } = byHand();
    pass(100);
    void turns.beforeCall();
    pass(10);
    expect(turns.beforeStart()).not.toBeNull();
  });
});

describe('starts that were put off', () => {
  test('go on in their order: one in the next turn, then twice as many each time, though those ask no more', async () => {
    const { putOff } = byHand();
    const went = putOff(9);
    const counts: number[] = [];
    for (let turns = 0; turns < 4; turns += 1) {
      await turn();
      counts.push(went.length);
    }
    expect(counts).toEqual([1, 3, 7, 9]);
    expect(went).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8']);
  });

  test('go on one by one again when another has to wait', async () => {
    const { putOff } = byHand();
    const went = putOff(9);
    await turn();
    await turn();
    expect(went).toHaveLength(3);
    putOff(1, went, 'late ');
    await turn();
    expect(went).toHaveLength(4);
    await turn();
    expect(went).toHaveLength(6);
  });

  test('take turns only while some are left: an idle process is not kept busy', async () => {
    const immediate = vi.spyOn(globalThis, 'setImmediate');
    const { putOff } = byHand();
    putOff(2);
    await turn();
    await turn();
    await turn();
    immediate.mockClear();
    await turn();
    expect(immediate).toHaveBeenCalledTimes(1); // that of the test
    immediate.mockRestore();
  });
});
