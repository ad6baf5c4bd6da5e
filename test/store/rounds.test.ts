import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Ended, Rounds, type RoundsOptions } from '../../store/rounds.ts';

interface Answer {
  readonly resolve: (value: string) => void;
  readonly reject: (error: Error) => void;
}

/** Rounds that last until the test ends them. */
function open(options: Omit<RoundsOptions<string>, 'round'> = {}) {
  const answers: Answer[] = [];
  const seen = { begun: 0, atOnce: 0, rests: [] as Ended<string>[] };
  const rounds = new Rounds<string>({
    onRest: (last) => void seen.rests.push(last),
    ...options,
    round: () => {
      seen.begun += 1;
      seen.atOnce = Math.max(seen.atOnce, answers.length + 1);
      return new Promise((resolve, reject) => answers.push({ resolve, reject }));
    },
  });
  const end = (how: 'done' | 'failed'): void => {
    const answer = answers.shift();
    if (how === 'done') answer?.resolve('value');
    else answer?.reject(new Error('no'));
  };
  return {
    rounds,
    seen,
    isUnderWay: () => answers.length > 0,
    async end(how: 'done' | 'failed' = 'done'): Promise<void> {
      end(how);
      await microtasks(10);
    },
    endLater: end,
  };
}

async function microtasks(count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) await Promise.resolve();
}

describe('a round', () => {
  test('begins in the turn in which it is asked for', () => {
    const { rounds, seen } = open();
    rounds.ask();
    expect(seen.begun).toBe(1);
  });

  test('that is asked for while one is under way follows it, once however often it was asked for', async () => {
    const { rounds, seen, end } = open();
    rounds.ask();
    rounds.ask();
    rounds.ask();
    expect(seen.begun).toBe(1);
    await end();
    expect(seen.begun).toBe(2);
    await end();
    expect(seen.begun).toBe(2);
    expect(seen.rests).toEqual([{ is: 'done', value: 'value' }]);
  });

  test('that was asked for follows one that failed, too', async () => {
    const { rounds, seen, end } = open();
    rounds.ask();
    rounds.ask();
    await end('failed');
    expect(seen.begun).toBe(2);
    await end('failed');
    expect(seen.rests).toMatchObject([{ is: 'failed', error: { message: 'no' } }]);
  });

  test('does not begin where `begin` is called while one is under way', async () => {
    const { rounds, seen, end } = open();
    let rested = 0;
    void rounds.begin().then(() => (rested += 1));
    void rounds.begin().then(() => (rested += 1));
    void rounds.rest().then(() => (rested += 1));
    await microtasks(10);
    expect(rested).toBe(0);
    await end();
    expect(rested).toBe(3);
    expect(seen.begun).toBe(1);
  });

  test('that asks for another from within itself is followed by it', async () => {
    let begun = 0;
    const rounds: Rounds = new Rounds({
      async round() {
        begun += 1;
        if (begun < 3) rounds.ask();
      },
    });
    rounds.ask();
    await rounds.rest();
    expect(begun).toBe(3);
  });

  test('that throws at once is one that failed', async () => {
    const seen: unknown[] = [];
    const rounds = new Rounds({
      round() {
        throw new Error('at once');
      },
      onRest: (last) => seen.push(last),
    });
    await rounds.begin();
    expect(seen).toMatchObject([{ is: 'failed', error: { message: 'at once' } }]);
  });

  test('follows as `goesOn` decides by how the last one ended', async () => {
    const told: unknown[] = [];
    const { rounds, seen, end } = open({
      goesOn(ended, asked, count) {
        told.push([ended.is, asked, count]);
        return count < 3;
      },
    });
    rounds.ask();
    await end();
    rounds.ask();
    await end('failed');
    await end();
    expect(told).toEqual([
      ['done', false, 1],
      ['failed', true, 2],
      ['done', false, 3],
    ]);
    expect(seen.begun).toBe(3);
    rounds.ask();
    await end();
    expect(told.at(-1)).toEqual(['done', false, 1]);
  });

  test('can be begun in `onRest`', async () => {
    let begun = 0;
    const rounds: Rounds = new Rounds({
      async round() {
        begun += 1;
      },
      onRest: () => begun < 3 && rounds.ask(),
    });
    await rounds.begin();
    await rounds.rest();
    expect(begun).toBe(3);
  });

  test.each([...Array(8).keys()])(
    'that is asked for %i microtasks after another has ended is not lost',
    async (later) => {
      const { rounds, seen, end, endLater } = open();
      rounds.ask();
      endLater('done');
      await microtasks(later);
      rounds.ask();
      await microtasks(10);
      expect(seen.begun).toBe(2);
      await end();
    },
  );
});

describe('closing', () => {
  test('lets the round under way end, begins no other, and does not call `onRest`', async () => {
    const { rounds, seen, end } = open();
    rounds.ask();
    rounds.ask();
    let isClosed = false;
    void rounds.close().then(() => {
      isClosed = true;
    });
    rounds.ask();
    await microtasks(10);
    expect(isClosed).toBe(false);
    await end('failed');
    expect(isClosed).toBe(true);
    rounds.ask();
    await rounds.begin();
    await rounds.close();
    expect(seen).toMatchObject({ begun: 1, rests: [] });
  });

  test('resolves at once where nothing is under way', async () => {
    const { rounds, seen } = open();
    await rounds.close();
    await rounds.begin();
    expect(seen.begun).toBe(0);
  });
});

test('in any order of asking, ending, failing, closing and waiting there is one round at a time, and after each request one that begins later', async () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant('ask' as const) },
    { weight: 2, arbitrary: fc.constant('begin' as const) },
    { weight: 4, arbitrary: fc.constant('done' as const) },
    { weight: 2, arbitrary: fc.constant('failed' as const) },
    { weight: 1, arbitrary: fc.constant('close' as const) },
    { weight: 6, arbitrary: fc.integer({ min: 0, max: 4 }) }, // microtasks
  );
  const count = { meanwhile: 0, closed: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { rounds, seen, isUnderWay, end, endLater } = open();
      let owed = 0; // how many rounds must have begun by the end
      let closedAt: number | null = null;
      for (const next of steps) {
        if (typeof next === 'number') await microtasks(next);
        else if (next === 'done' || next === 'failed') endLater(next);
        else if (next === 'close') {
          void rounds.close();
          closedAt ??= seen.begun;
        } else {
          const { begun } = seen;
          if (next === 'ask') rounds.ask();
          else void rounds.begin();
          if (closedAt !== null) continue;
          if (next === 'ask') owed = begun + 1;
          if (next === 'ask' && seen.begun === begun) count.meanwhile += 1;
        }
      }
      let isAtRest = false;
      void rounds.rest().then(() => {
        isAtRest = true;
      });
      await microtasks(10);
      expect(isAtRest).toBe(!isUnderWay());
      while (isUnderWay()) await end();
      expect(seen.atOnce).toBeLessThanOrEqual(1);
      if (closedAt === null) expect(seen.begun).toBeGreaterThanOrEqual(owed);
      else {
        expect(seen.begun).toBe(closedAt);
        count.closed += 1;
      }
      await rounds.rest();
    }),
    { numRuns: 500 },
  );
  expect(count.meanwhile).toBeGreaterThan(100);
  expect(count.closed).toBeGreaterThan(50);
});
