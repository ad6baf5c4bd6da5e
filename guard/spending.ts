import { randomUUID } from 'node:crypto';
import {
  type BudgetCharge,
  budgetsFor,
  budgetStop,
  type Cause,
  contextFromSubject,
  type Fault,
  shownAmount,
  SPENDER_ATTRIBUTES,
  type Stop,
  type UncountedBy,
} from '../flags/index.ts';
import type { Balance, Costs, Ledger } from '../store/capabilities/ledger.ts';
import { faultFrom } from '../store/fault-from.ts';
import type { Replica } from '../store/replica.ts';
import { within } from '../store/with-deadline.ts';
import type { Outbox } from './outbox.ts';
import type { OwnStops } from './own-stops.ts';
import type { Spends } from './spend.ts';
import type { GuardedSubject } from './subject.ts';

/** How often a reservation is tried whose day was over before the store had it. */
const MOST_TRIES = 3;

/** How long a call for which there is no room waits for those that had room and are about to start, in milliseconds. */
const STARTING_MS = 1000;

/** What is set aside for one attempt. */
export interface Reservation {
  readonly id: string;
  /** What is set aside and where: another one is needed where this would be another text. */
  readonly terms: string;
  /** Its call has started, or does not start with this. */
  readonly begun: () => void;
}

/** The budgets that a call meets, and what it may come to in each. */
export interface Charged {
  readonly charges: readonly BudgetCharge[];
  /** As those of a reservation. */
  readonly terms: string;
  /** The budgets that do not count it, since it names no user or account. */
  readonly uncounted: readonly UncountedBy[];
}

/** A budget in which a call has no room. */
export interface Tripped {
  readonly cause: Cause;
  /** Null where the call names nothing that could be stopped. */
  readonly stop: Stop | null;
  /** Whether something is set aside there for calls that have not ended. */
  readonly isAwaited: boolean;
}

/** What came of reserving. */
export type ReserveOutcome =
  /** `warnings`: the budgets that have come to their share with this. */
  | { readonly is: 'reserved'; readonly reservation: Reservation; readonly warnings: readonly Cause[] }
  | { readonly is: 'over'; readonly tripped: readonly [Tripped, ...Tripped[]] }
  | { readonly is: 'fault'; readonly fault: Fault };

export interface SpendingParts {
  readonly replica: Pick<Replica, 'state' | 'storeNow'>;
  /** Null where the store's driver counts nothing. */
  readonly ledger: Ledger | null;
  readonly outbox: Outbox;
  readonly ownStops: OwnStops;
}

const NOT_READY: Fault = { code: 'NOT_READY', message: 'the switch has not been read yet' };
const NO_LEDGER: Fault = { code: 'UNSUPPORTED', message: 'this store counts nothing for budgets' };
const NO_CHARGES: Charged = { charges: [], terms: '', uncounted: [] };

/**
 * Reserves what calls of this executor may come to, settles it, and stops what a spent budget stops. A reservation
 * whose answer was lost is given back where the store can be told so; what nobody settles counts in full.
 */
export class Spending {
  readonly #replica: SpendingParts['replica'];
  readonly #ledger: Ledger | null;
  readonly #outbox: Outbox;
  readonly #ownStops: OwnStops;
  /** For each call that has its room and has not started. */
  readonly #starting = new Set<Promise<void>>();
  /** Which delivery of an idempotency key is about to start. */
  readonly #turns = new Map<string, Promise<void>>();
  /** The budgets of which people were warned that they do not count a call. */
  readonly #uncounted = new Set<string>();

  constructor({ replica, ledger, outbox, ownStops }: SpendingParts) {
    this.#replica = replica;
    this.#ledger = ledger;
    this.#outbox = outbox;
    this.#ownStops = ownStops;
  }

  /** Whether there is any budget; true also while the switch has not been read, which blocks. */
  get hasBudgets(): boolean {
    return this.#replica.state?.budgets.size !== 0;
  }

  /** Which budgets a call meets, by the local copy; a fault blocks it. `now`: default the store's time. */
  charged(subject: GuardedSubject, spends: Spends, now = this.#replica.storeNow()): Charged | Fault {
    const { state } = this.#replica;
    if (!state || now === null) return NOT_READY;
    const met = budgetsFor(state, { subject, context: contextFromSubject(subject), spends }, now);
    if (met.is === 'blocked') return { code: 'UNSUPPORTED', message: met.why };
    const { charges, uncounted } = met;
    if (charges.length === 0) return uncounted.length === 0 ? NO_CHARGES : { ...NO_CHARGES, uncounted };
    return this.#ledger ? { charges, terms: termsOf(charges), uncounted } : NO_LEDGER;
  }

  /** What people are to be warned of, once for each budget here: a misspelt attribute would count nobody. */
  warningsOfUncounted({ uncounted }: Charged): readonly Cause[] {
    return uncounted.flatMap(({ budget, type }): Cause[] => {
      if (this.#uncounted.has(budget)) return [];
      this.#uncounted.add(budget);
      const attributes = SPENDER_ATTRIBUTES[type].join(' or ');
      const message = `the budget ${budget} does not count this call, whose context names no ${type} (${attributes}); nor will it count others like it`;
      return [{ kind: 'identity', message }];
    });
  }

  /**
   * Waits until no other delivery of this idempotency key is about to start here: what the first one does is not paid
   * for twice. `waited`: there was one. `leave` lets the next one go on.
   */
  async turnOf(key: string): Promise<{ readonly waited: boolean; readonly leave: () => void }> {
    let waited = false;
    for (let before = this.#turns.get(key); before; before = this.#turns.get(key)) {
      waited = true;
      await before;
    }
    let end = (): void => {};
    const turn = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#turns.set(key, turn);
    const leave = (): void => {
      if (this.#turns.get(key) === turn) this.#turns.delete(key);
      end();
    };
    return { waited, leave };
  }

  /** Reserves all of it, or nothing. Never rejects. */
  async reserve(subject: GuardedSubject, spends: Spends, first: Charged): Promise<ReserveOutcome> {
    const ledger = this.#ledger;
    if (!ledger) return { is: 'fault', fault: NO_LEDGER };
    const id = randomUUID();
    let charged = first;
    try {
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        const { charges, terms } = charged;
        const reserved = await ledger.reserve({ id, charges });
        if (reserved.is === 'reserved')
          return {
            is: 'reserved',
            reservation: { id, terms, begun: this.#starts() },
            warnings: warningsOf(charges, reserved.balances),
          };
        if (reserved.is === 'over') {
          const [one, ...others] = this.#tripped(charges, reserved.balances);
          if (!one) return { is: 'fault', fault: { code: 'INTERNAL', message: 'the store named no budget' } };
          return { is: 'over', tripped: [one, ...others] };
        }
        const again = this.charged(subject, spends, reserved.now);
        if ('code' in again) return { is: 'fault', fault: again };
        charged = again;
      }
      return {
        is: 'fault',
        fault: { code: 'STALE', message: `the day ended ${MOST_TRIES} times while this was being reserved` },
      };
    } catch (error) {
      void this.release(id); // it may have been counted all the same
      return { is: 'fault', fault: faultFrom(error) };
    }
  }

  /**
   * Stops what each of these budgets says. Before that it waits for the calls that have their room to start, so that
   * the next one does not take from them what they had. Never rejects.
   */
  async stop(tripped: readonly Tripped[]): Promise<void> {
    await within(Promise.all(this.#starting), STARTING_MS, () => new Error('late')).catch(() => {});
    await Promise.all(tripped.map(async ({ stop }) => stop && this.#ownStops.add(stop)));
  }

  #starts(): () => void {
    let begun = (): void => {};
    const started = new Promise<void>((resolve) => {
      begun = resolve;
    });
    this.#starting.add(started);
    void started.then(() => this.#starting.delete(started));
    return begun;
  }

  /** It has come to this; a type that is absent stays as it was set aside. Never rejects. */
  settle(id: string, costs: Costs): Promise<void> {
    return this.#outbox.send(async () => this.#ledger?.settle(id, costs));
  }

  /** It has not started, and counts nothing. Never rejects. */
  release(id: string): Promise<void> {
    return this.#outbox.send(async () => this.#ledger?.release(id));
  }

  #tripped(charges: readonly BudgetCharge[], balances: readonly Balance[]): Tripped[] {
    const [epoch, now] = [this.#replica.state?.epoch ?? 0, this.#replica.storeNow()];
    return charges.flatMap((charge, at): Tripped[] => {
      const balance = balances[at];
      if (!balance?.over) return [];
      const spent = balance.spent + balance.reserved;
      const stop = budgetStop(charge, spent, { id: randomUUID(), epoch, now });
      return [{ cause: causeOf(charge, balance), stop, isAwaited: balance.reserved > 0 }];
    });
  }
}

const termsOf = (charges: readonly BudgetCharge[]): string =>
  charges.map(({ account, amount, limit }) => `${account} ${amount} ${limit}`).join('\n');

const causeOf = ({ counted, type, limit, target }: BudgetCharge, { spent, reserved }: Balance): Cause => ({
  kind: 'budget',
  scope: counted,
  type,
  spent: shownAmount(type, spent + reserved),
  limit: shownAmount(type, limit),
  target,
});

const warningsOf = (charges: readonly BudgetCharge[], balances: readonly Balance[]): Cause[] =>
  charges.flatMap((charge, at) => {
    const balance = balances[at];
    return balance?.warns ? [causeOf(charge, balance)] : [];
  });
