import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Charge } from '../../flags/index.ts';
import { dayAt } from '../../flags/index.ts';
import { LedgerBook, OPEN_MS } from '../../store/ledger-book.ts';

const HOUR = 3_600_000;
const T0 = Date.parse('2026-10-24T22:00:00Z'); // midnight in Berlin, of a day of 25 hours

const charge = (account: string, amount: number, limit: number, more: Partial<Charge> = {}): Charge => ({
  ...{ account, type: 'usd', amount, limit, warnAt: null, window: { is: 'total', idleMs: null }, ...more },
});
const sliding = (ms: number): Partial<Charge> => ({ window: { is: 'sliding', ms } });

const reserve = (book: LedgerBook, now: number, charges: readonly Charge[], id = `${now} ${Math.random()}`): string =>
  book.reserve({ id, charges }, now).is;

const held = (book: LedgerBook, now: number): Record<string, readonly [number, number]> =>
  Object.fromEntries([...book.kept(now)].map(({ account, spent, reserved }) => [account, [spent, reserved]]));

describe('a sliding window', () => {
  test('never has more than its limit in any span of its length, and lets go of it soon after', () => {
    const ms = 60_000;
    fc.assert(
      fc.property(
        fc.array(fc.nat(9000), { minLength: 50, maxLength: 300 }),
        fc.integer({ min: 1, max: 20 }),
        (steps, limit) => {
          const book = new LedgerBook();
          const passed: number[] = [];
          let now = T0;
          for (const step of steps) {
            now += step;
            if (reserve(book, now, [charge('a', 1, limit, sliding(ms))]) === 'reserved') passed.push(now);
            // it lets one pass at the latest a sixtieth of the window after one has left it
            else expect(passed.filter((at) => at > now - ms - ms / 60).length).toBeGreaterThanOrEqual(limit);
          }
          for (const from of passed)
            expect(passed.filter((at) => at >= from && at < from + ms).length).toBeLessThanOrEqual(limit);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('counts a cost in the moment in which it was reserved, not in that in which it was settled', () => {
    const book = new LedgerBook();
    reserve(book, T0, [charge('a', 8, 10, sliding(60_000))], 'early');
    book.settle('early', { usd: 3 }, T0 + 50_000);
    expect(held(book, T0 + 50_000)).toEqual({ a: [3, 0] });
    expect(held(book, T0 + 62_000)).toEqual({});
    reserve(book, T0 + 70_000, [charge('a', 8, 10, sliding(60_000))], 'late');
    book.settle('late', { usd: 3 }, T0 + 200_000); // its window is over: it counts for nobody
    expect(reserve(book, T0 + 200_000, [charge('a', 10, 10, sliding(60_000))])).toBe('reserved');
  });

  test('warns once for as long as it stays full', () => {
    const book = new LedgerBook();
    const warns = (at: number): boolean => {
      const { is, ...answer } = book.reserve(
        { id: String(at), charges: [charge('a', 1, 10, { warnAt: 2, ...sliding(60_000) })] },
        at,
      );
      return is === 'reserved' && 'balances' in answer && answer.balances[0]?.warns === true;
    };
    expect([T0, T0 + 1, T0 + 2, T0 + 30_000].map(warns)).toEqual([false, true, false, false]);
    expect([T0 + 200_000, T0 + 200_001].map(warns)).toEqual([false, true]);
  });
});

describe('a day', () => {
  const day = (now: number): Partial<Charge> => ({ window: { is: 'fixed', ...dayAt(now, 'Europe/Berlin') } });

  test('of 25 hours has one budget for all of them, and the next one another', () => {
    const book = new LedgerBook();
    const at = (hours: number, amount: number): string => {
      const now = T0 + hours * HOUR;
      return reserve(book, now, [charge(`day ${dayAt(now, 'Europe/Berlin').from}`, amount, 10, day(now))]);
    };
    expect([at(0, 4), at(2.5, 4), at(24.9, 3), at(24.9, 2)]).toEqual(['reserved', 'reserved', 'over', 'reserved']);
    expect(at(25, 10)).toBe('reserved');
  });

  test('gets the cost of a call that was reserved in it, also after it is over', () => {
    const book = new LedgerBook();
    reserve(book, T0, [charge('day', 8, 10, day(T0))], 'late');
    book.settle('late', { usd: 20 }, T0 + 26 * HOUR);
    expect(held(book, T0 + 26 * HOUR)).toEqual({ day: [20, 0] });
    expect(reserve(book, T0 + 26 * HOUR, [charge('day', 1, 10, day(T0))])).toBe('other_day');
  });

  test('does not begin anew where a clock is set back: the ledger’s time never goes back', () => {
    const book = new LedgerBook();
    reserve(book, T0 + 50 * HOUR, [charge('after', 1, 10)]);
    const answer = book.reserve({ id: 'x', charges: [charge('day', 1, 10, day(T0))] }, T0);
    expect(answer).toEqual({ is: 'other_day', now: T0 + 50 * HOUR });
  });
});

test('what nobody settles counts in full for ever, and can be settled for a week', () => {
  const book = new LedgerBook();
  for (const id of ['a', 'b']) reserve(book, T0, [charge('total', 5, 10)], id);
  book.settle('a', { usd: 1 }, T0 + OPEN_MS - 1);
  book.settle('b', { usd: 1 }, T0 + OPEN_MS);
  expect(held(book, T0 + 100 * OPEN_MS)).toEqual({ total: [1, 5] });
});

test('what a run has spent is forgotten once it has been idle for long, and not before', () => {
  const book = new LedgerBook();
  const idle: Partial<Charge> = { window: { is: 'total', idleMs: 10 * HOUR } };
  expect(reserve(book, T0, [charge('run', 6, 10, idle)])).toBe('reserved');
  expect(reserve(book, T0 + 9 * HOUR, [charge('run', 6, 10, idle)])).toBe('over');
  expect(reserve(book, T0 + 9 * HOUR, [charge('run', 1, 10, idle)])).toBe('reserved');
  expect(reserve(book, T0 + 18 * HOUR, [charge('run', 6, 10, idle)])).toBe('over');
  expect(reserve(book, T0 + 19 * HOUR, [charge('run', 6, 10, idle)])).toBe('reserved');
});

describe('any requests, in any order', () => {
  const accounts = ['a', 'b', 'c'];
  const windows: readonly Charge['window'][] = [
    { is: 'total', idleMs: null },
    { is: 'total', idleMs: 2 * HOUR },
    { is: 'sliding', ms: HOUR },
  ];
  const request = fc.record({
    do: fc.constantFrom('reserve', 'reserve', 'settle', 'release'),
    id: fc.nat(30),
    amounts: fc.array(fc.nat(20), { minLength: 1, maxLength: 3 }),
    cost: fc.nat(30),
    later: fc.nat(HOUR / 2),
  });

  const take = (
    book: LedgerBook,
    asked: readonly { do: string; id: number; amounts: number[]; cost: number; later: number }[],
  ) => {
    let now = T0;
    return asked.map((each) => {
      now += each.later;
      const id = String(each.id);
      const charges = each.amounts.map((amount, i) =>
        charge(accounts[i] ?? 'a', amount, 50, { window: windows[i] ?? { is: 'total', idleMs: null }, warnAt: 40 }),
      );
      if (each.do === 'reserve') return book.reserve({ id, charges }, now);
      if (each.do === 'settle') return book.settle(id, { usd: each.cost }, now);
      return book.release(id, now);
    });
  };

  test('leave sums that are whole, never negative, and within the limit where nothing cost more than was reserved', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 80 }), (asked) => {
        const book = new LedgerBook();
        take(
          book,
          asked.map((each) => ({ ...each, cost: 0 })),
        );
        for (const { spent, reserved } of book.kept(T0)) {
          expect(Number.isSafeInteger(spent) && Number.isSafeInteger(reserved) && spent >= 0 && reserved >= 0).toBe(
            true,
          );
          expect(spent + reserved).toBeLessThanOrEqual(50);
        }
      }),
    );
  });

  test('come to the same where they are taken at once and where the book was written down in between', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 60 }), fc.nat(60), (asked, at) => {
        const whole = new LedgerBook();
        const answers = take(whole, asked);
        const before = new LedgerBook();
        const first = take(before, asked.slice(0, at));
        const after = new LedgerBook(JSON.parse(JSON.stringify(before.text())));
        const passed = asked.slice(0, at).reduce((sum, { later }) => sum + later, 0);
        const [next, ...rest] = asked.slice(at);
        const second = next ? take(after, [{ ...next, later: next.later + passed }, ...rest]) : [];
        expect([...first, ...second]).toEqual(answers);
        expect(after.text()).toEqual(whole.text());
      }),
    );
  });

  test('change nothing where they are asked again', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 40 }), (asked) => {
        const [once, twice] = [new LedgerBook(), new LedgerBook()];
        const at = asked.map((each) => ({ ...each, later: 1 }));
        take(once, at);
        take(
          twice,
          at.flatMap((each) => [each, { ...each, later: 0 }]),
        );
        expect([...twice.kept(T0)]).toEqual([...once.kept(T0)]);
      }),
    );
  });
});
