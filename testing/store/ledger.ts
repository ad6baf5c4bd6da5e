import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type Charge, isKillSwitchError } from '../../flags/index.ts';
import type { Ledger, Reserved } from '../../store/capabilities/ledger.ts';
import type { SuiteTest } from './log.ts';
import type { StoreSession } from './session.ts';

const HOUR_MS = 3_600_000;

const charge = (account: string, amount: number, limit: number, more: Partial<Charge> = {}): Charge => ({
  ...{ account, type: 'usd', amount, limit, warnAt: null, window: { is: 'total', idleMs: null }, ...more },
});

/** The hour around now as a window, so that no test meets its end. */
const today = (): Charge['window'] => ({ is: 'fixed', from: Date.now() - HOUR_MS, until: Date.now() + HOUR_MS });

function ledgerOf(session: StoreSession, name = 'mailer', organizationId = 'default'): Ledger {
  const { ledger } = session.executor({ name, organizationId }).connection;
  assert.ok(ledger, 'this driver has no ledger');
  return ledger;
}

const reserve = (ledger: Ledger, charges: readonly Charge[], id: string = randomUUID()): Promise<Reserved> =>
  ledger.reserve({ id, charges });

const is = async (reserved: Promise<Reserved>, expected: Reserved['is']): Promise<Reserved> => {
  const answer = await reserved;
  assert.equal(answer.is, expected);
  return answer;
};

/** What each charge's account holds, as the answer says: spent, reserved, left. */
const sums = (reserved: Reserved): number[][] => {
  assert.ok('balances' in reserved);
  return reserved.balances.map(({ spent, reserved: aside, left }) => [spent, aside, left]);
};

/** What the account holds, for a call that costs nothing. */
const sumOf = async (ledger: Ledger, account: string, limit = 100): Promise<number[] | undefined> => {
  const id = randomUUID();
  const [sum] = sums(await reserve(ledger, [charge(account, 0, limit)], id));
  await ledger.release(id);
  return sum;
};

/** What is spent, in a store whose control plane is initialised. */
export const LEDGER_TESTS: readonly SuiteTest[] = [
  {
    name: 'a budget of 3 lets 3 pass, and not the fourth',
    async run(session) {
      await session.initialised();
      const ledger = ledgerOf(session);
      for (const left of [2, 1, 0]) {
        const answer = await is(reserve(ledger, [charge('a', 1, 3)]), 'reserved');
        assert.deepEqual(sums(answer), [[0, 3 - left, left]]);
      }
      const over = await is(reserve(ledger, [charge('a', 1, 3)]), 'over');
      assert.deepEqual(sums(over), [[0, 3, 0]]);
      assert.ok(over.is === 'over' && over.balances[0]?.over);
    },
  },
  {
    name: 'all budgets of a call are reserved in one step, or none, and the answer says which had no room',
    async run(session) {
      await session.initialised();
      const ledger = ledgerOf(session);
      const call = (amount: number): Charge[] => [
        charge('day', amount, 100, { window: today() }),
        charge('run', amount, 10),
        charge('rate', amount, 50, { window: { is: 'sliding', ms: HOUR_MS } }),
      ];
      await is(reserve(ledger, call(8)), 'reserved');
      const over = await is(reserve(ledger, call(3)), 'over');
      assert.deepEqual(over.is === 'over' && over.balances.map((each) => each.over), [false, true, false]);
      assert.deepEqual(sums(await is(reserve(ledger, call(2)), 'reserved')), [
        [0, 10, 90],
        [0, 10, 0],
        [0, 10, 40],
      ]);
    },
  },
  {
    name: 'what one executor has reserved counts for all, whatever their names',
    async run(session) {
      await session.initialised();
      const [mailer, other, again] = [ledgerOf(session), ledgerOf(session, 'team:übermailer'), ledgerOf(session)];
      await is(reserve(mailer, [charge('a', 4, 10)]), 'reserved');
      await is(reserve(other, [charge('a', 4, 10)]), 'reserved');
      await is(reserve(again, [charge('a', 3, 10)]), 'over');
      assert.deepEqual(sums(await is(reserve(again, [charge('a', 2, 10)]), 'reserved')), [[0, 10, 0]]);
    },
  },
  {
    name: 'another organization has a ledger of its own',
    async run(session) {
      await session.initialised();
      await session.initialised('other');
      await is(reserve(ledgerOf(session), [charge('a', 1, 1)]), 'reserved');
      await is(reserve(ledgerOf(session, 'mailer', 'other'), [charge('a', 1, 1)]), 'reserved');
    },
  },
  {
    name: 'a reservation that is asked for again changes nothing, and is answered as the first time',
    async run(session) {
      await session.initialised();
      const ledger = ledgerOf(session);
      const asked = [charge('a', 6, 10, { warnAt: 5 })];
      const first = await is(reserve(ledger, asked, 'once'), 'reserved');
      assert.ok(first.is === 'reserved' && first.balances[0]?.warns);
      assert.deepEqual(await is(reserve(ledger, asked, 'once'), 'reserved'), first);
      await ledger.settle('once', { usd: 7 });
      await is(reserve(ledger, asked, 'once'), 'reserved');
      assert.deepEqual(await sumOf(ledger, 'a', 10), [7, 0, 3]);
    },
  },
  {
    name: 'a call is settled to what it has cost, once: less, more, or as reserved',
    async run(session) {
      await session.initialised();
      const ledger = ledgerOf(session);
      const both = [charge('usd', 5, 100), charge('calls', 1, 100, { type: 'calls' })];
      await is(reserve(ledger, both, 'less'), 'reserved');
      await ledger.settle('less', { usd: 2 });
      await ledger.settle('less', { usd: 50 });
      await ledger.release('less');
      assert.deepEqual(await sumOf(ledger, 'usd'), [2, 0, 98]);
      assert.deepEqual(await sumOf(ledger, 'calls'), [1, 0, 99]);
      await is(reserve(ledger, both, 'more'), 'reserved');
      await ledger.settle('more', { usd: 200, calls: 1 });
      assert.deepEqual(await sumOf(ledger, 'calls'), [2, 0, 98]);
      await is(reserve(ledger, [charge('usd', 0, 100)]), 'over');
      assert.deepEqual(await sumOf(ledger, 'usd', 1000), [202, 0, 798]);
    },
  },
  {
    name: 'a call that has not started is released, once, and not after it was settled',
    async run(session) {
      await session.initialised();
      const ledger = ledgerOf(session);
      await is(reserve(ledger, [charge('a', 5, 5)], 'released'), 'reserved');
      await ledger.release('released');
      await ledger.release('released');
      await ledger.settle('released', { usd: 5 });
      assert.deepEqual(await sumOf(ledger, 'a', 5), [0, 0, 5]);
      await ledger.settle('nobody has reserved this', { usd: 5 });
      await ledger.release('nor this');
      assert.deepEqual(await sumOf(ledger, 'a', 5), [0, 0, 5]);
    },
  },
  {
    name: 'what nobody has settled counts in full, also once its executor is gone',
    async run(session) {
      await session.initialised();
      const gone = session.executor({ name: 'gone' });
      await gone.confirm(null);
      assert.ok(gone.connection.ledger);
      await is(reserve(gone.connection.ledger, [charge('a', 9, 10)]), 'reserved');
      await gone.connection.leave();
      await gone.connection.close();
      const ledger = ledgerOf(session);
      assert.deepEqual(await sumOf(ledger, 'a', 10), [0, 9, 1]);
      await is(reserve(ledger, [charge('a', 2, 10)]), 'over');
    },
  },
  {
    name: 'it warns once in a window, with the reservation that comes to the share',
    async run(session) {
      await session.initialised();
      const ledger = ledgerOf(session);
      const warned: boolean[] = [];
      for (const [index, amount] of [7, 1, 1].entries()) {
        const answer = await reserve(ledger, [charge('a', amount, 10, { warnAt: 8 })], `w${index}`);
        warned.push(answer.is === 'reserved' && answer.balances[0]?.warns === true);
      }
      await ledger.release('w1');
      const again = await reserve(ledgerOf(session, 'other'), [charge('a', 1, 10, { warnAt: 8 })]);
      warned.push(again.is === 'reserved' && again.balances[0]?.warns === true);
      assert.deepEqual(warned, [false, true, false, false]);
    },
  },
  {
    name: 'a limit that is lower than what is spent lets nothing pass, and changes nothing that was counted',
    async run(session) {
      await session.initialised();
      const ledger = ledgerOf(session);
      await is(reserve(ledger, [charge('a', 6, 10)]), 'reserved');
      const over = await is(reserve(ledger, [charge('a', 0, 5)]), 'over');
      assert.deepEqual(sums(over), [[0, 6, 0]]);
      await is(reserve(ledger, [charge('a', 4, 10)]), 'reserved');
    },
  },
  {
    name: 'a day that is not the store’s is answered with the store’s time, and reserves nothing',
    async run(session) {
      await session.initialised();
      const ledger = ledgerOf(session);
      const now = Date.now();
      const yesterday = { is: 'fixed', from: now - 2 * HOUR_MS, until: now - HOUR_MS } as const;
      const answer = await is(
        reserve(ledger, [charge('a', 1, 9), charge('b', 1, 9, { window: yesterday })]),
        'other_day',
      );
      assert.ok(answer.is === 'other_day' && Math.abs(answer.now - now) < 60_000);
      assert.deepEqual(await sumOf(ledger, 'a'), [0, 0, 100]);
    },
  },
  {
    name: 'sums are exact up to 2^53, and nothing passes beyond',
    async run(session) {
      await session.initialised();
      const ledger = ledgerOf(session);
      const most = Number.MAX_SAFE_INTEGER;
      await is(reserve(ledger, [charge('a', most - 1, most)]), 'reserved');
      assert.deepEqual(sums(await is(reserve(ledger, [charge('a', 1, most)], 'last'), 'reserved')), [[0, most, 0]]);
      await is(reserve(ledger, [charge('a', 1, most)]), 'over');
      await ledger.release('last');
      assert.deepEqual(await sumOf(ledger, 'a', most), [0, most - 1, 1]);
    },
  },
  {
    name: 'what is no amount is refused before anything is asked',
    async run(session) {
      await session.initialised();
      const ledger = ledgerOf(session);
      for (const wrong of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
        for (const asked of [reserve(ledger, [charge('a', wrong, 9)]), ledger.settle('x', { usd: wrong })])
          await assert.rejects(asked, (error) => isKillSwitchError(error) && error.code === 'INVALID_ARGUMENT');
      }
      await assert.rejects(ledger.release(''), { code: 'INVALID_ARGUMENT' });
      assert.deepEqual(await sumOf(ledger, 'a'), [0, 0, 100]);
    },
  },
  {
    name: 'of 60 calls at once that have room for 20, exactly 20 pass',
    async run(session) {
      await session.initialised();
      const ledgers = ['a', 'b', 'c'].map((name) => ledgerOf(session, name));
      const answers = await Promise.all(
        Array.from({ length: 20 }).flatMap(() => ledgers.map((ledger) => reserve(ledger, [charge('a', 5, 100)]))),
      );
      assert.equal(answers.filter((each) => each.is === 'reserved').length, 20);
      assert.deepEqual(await sumOf(ledgers[0] ?? assert.fail(), 'a'), [0, 100, 0]);
    },
  },
  {
    name: 'operators read what each account holds, of all executors together',
    async run(session) {
      const control = await session.initialised();
      assert.ok(control.ledger, 'this driver has no ledger');
      assert.deepEqual(await control.ledger.accounts(), { accounts: [], left: 0 });
      const [mailer, other] = [ledgerOf(session), ledgerOf(session, 'other')];
      await reserve(mailer, [charge('a "quoted"\n✋', 3, 100), charge('b', 1, 9, { window: today() })], 'one');
      await reserve(other, [charge('a "quoted"\n✋', 4, 100)]);
      await mailer.settle('one', { usd: 2 });
      const { accounts } = await control.ledger.accounts();
      assert.deepEqual(
        accounts.toSorted((x, y) => (x.account < y.account ? -1 : 1)),
        [
          { account: 'a "quoted"\n✋', spent: 2, reserved: 4 },
          { account: 'b', spent: 2, reserved: 0 },
        ],
      );
    },
  },
];
