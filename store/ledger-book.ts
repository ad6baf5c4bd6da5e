import { MOST_AMOUNT, type Charge, type LedgerWindow } from '../flags/index.ts';
import { oldestSlot, slotAt } from '../flags/sliding-count.ts';
import type { Balance, Costs, KeptAccount, Reservation, Reserved } from './capabilities/ledger.ts';
import { isOfThisDay } from './ledger-requests.ts';

/** How long a reservation that was settled or released is remembered, so that it is not made again. */
export const SETTLED_MS = 900_000;
/** How long one that was not can still be settled; after that it counts in full for ever. */
export const OPEN_MS = 7 * 86_400_000;
/** How long an account is kept after its window, so that what is reserved late in it finds it. */
export const GRACE_MS = 86_400_000;

/** What one slot of an account counts; a window that does not slide has the slot 0 alone. */
type Slot = [slot: number, spent: number, reserved: number];

interface Account {
  readonly window: LedgerWindow;
  slots: Slot[];
  /** The slot in which it has warned; null where it has not. */
  warned: number | null;
  touched: number;
}

/** `state`: `open` until it is settled or released. `slots`: where each charge went; `warns`: which of them warned. */
interface Made {
  readonly at: number;
  readonly charges: readonly Charge[];
  readonly slots: readonly number[];
  readonly warns: readonly boolean[];
  state: 'open' | 'closed';
}

/** All that a book holds, to be written down. */
export interface BookText {
  readonly last: number;
  readonly accounts: ReadonlyArray<readonly [string, Account]>;
  readonly reservations: ReadonlyArray<readonly [string, Made]>;
}

/** The slot of an account's window at a moment. */
const slotOf = (window: LedgerWindow, at: number): number => (window.is === 'sliding' ? slotAt(at, window.ms) : 0);

const endOfMade = ({ at, state }: Made): number => at + (state === 'open' ? OPEN_MS : SETTLED_MS);

/** When an account can be forgotten. */
function endOf({ window, touched }: Account): number {
  switch (window.is) {
    case 'total':
      return window.idleMs === null ? Number.POSITIVE_INFINITY : touched + window.idleMs;
    case 'fixed':
      return window.until + GRACE_MS;
    case 'sliding':
      return touched + 2 * window.ms;
    default:
      return window satisfies never;
  }
}

/**
 * What is reserved and spent: a ledger without I/O. Given the same requests in the same order it comes to the same
 * answers, so that a file's order can decide for everybody alike. Its time is that of the requests and never goes back.
 */
export class LedgerBook {
  readonly #accounts = new Map<string, Account>();
  readonly #reservations = new Map<string, Made>();
  #last = 0;
  #sweptAt = 0;

  constructor(text?: BookText) {
    if (!text) return;
    this.#last = text.last;
    for (const [name, account] of text.accounts) this.#accounts.set(name, structuredClone(account));
    for (const [id, made] of text.reservations) this.#reservations.set(id, structuredClone(made));
  }

  /** All of it, in one order: two books that have taken the same requests have the same text. */
  text(): BookText {
    this.#sweep(this.#last);
    const sorted = <T>(map: ReadonlyMap<string, T>): [string, T][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
    return { last: this.#last, accounts: sorted(this.#accounts), reservations: sorted(this.#reservations) };
  }

  reserve(reservation: Reservation, now: number): Reserved {
    const at = this.#at(now);
    const { id, charges } = reservation;
    const made = this.#reservation(id, at);
    if (made) return { is: 'reserved', balances: charges.map((charge, i) => this.#balance(charge, made.warns[i])) };
    if (!isOfThisDay(reservation, at)) return { is: 'other_day', now: at };
    // Two charges of one account must fit together.
    const added = new Map<string, number>();
    const fits = charges.map((charge) => {
      const sum = this.#sum(charge, at) + (added.get(charge.account) ?? 0) + charge.amount;
      added.set(charge.account, (added.get(charge.account) ?? 0) + charge.amount);
      return sum <= charge.limit && sum <= MOST_AMOUNT;
    });
    if (fits.includes(false))
      return {
        is: 'over',
        balances: charges.map((charge, i) => ({ ...this.#balance(charge), over: fits[i] === false })),
      };
    const slots = charges.map((charge) => {
      const account = this.#account(charge, at);
      const number = slotOf(account.window, at);
      const slot = slotNumbered(account, number);
      slot[2] += charge.amount;
      return number;
    });
    const warns = charges.map((charge) => this.#warns(charge, at));
    const kept = charges.map((charge) => ({ ...charge })); // what the caller changes afterwards is not what was asked
    this.#reservations.set(id, { at, charges: kept, slots, warns, state: 'open' });
    return { is: 'reserved', balances: charges.map((charge, i) => this.#balance(charge, warns[i])) };
  }

  settle(id: string, costs: Costs, now: number): void {
    this.#close(id, now, ({ type, amount }) => costs[type] ?? amount);
  }

  release(id: string, now: number): void {
    this.#close(id, now, () => 0);
  }

  /** The accounts that count something at a moment. */
  *kept(now: number): Generator<KeptAccount> {
    const at = Math.max(now, this.#last);
    for (const [name, account] of this.#accounts) {
      if (endOf(account) <= at) continue;
      const live = liveSlots(account, at);
      const [spent, reserved] = [sumOf(live, 1), sumOf(live, 2)];
      if (spent + reserved > 0) yield { account: name, spent, reserved };
    }
  }

  #close(id: string, now: number, costOf: (charge: Charge) => number): void {
    const at = this.#at(now);
    const made = this.#reservation(id, at);
    if (made?.state !== 'open') return;
    for (const [index, charge] of made.charges.entries()) {
      const account = this.#known(charge.account, at);
      const slot = account?.slots.find(([number]) => number === made.slots[index]);
      if (!account || !slot) continue; // its window is over, and counts for nobody
      slot[2] -= charge.amount;
      slot[1] = Math.min(MOST_AMOUNT, slot[1] + costOf(charge));
      account.touched = at;
    }
    this.#reservations.delete(id); // so that the map is in the order in which they were closed
    this.#reservations.set(id, { at, charges: [], slots: [], warns: made.warns, state: 'closed' });
  }

  #at(now: number): number {
    this.#last = Math.max(this.#last, now);
    if (this.#last - this.#sweptAt > 60_000) this.#sweep(this.#last);
    return this.#last;
  }

  /** What is over is as if it were not there, whenever it is swept away. */
  #known(name: string, at: number): Account | undefined {
    const account = this.#accounts.get(name);
    return account && endOf(account) > at ? account : undefined;
  }

  #reservation(id: string, now: number): Made | undefined {
    const made = this.#reservations.get(id);
    return made && endOfMade(made) > now ? made : undefined;
  }

  #account({ account: name, window }: Charge, at: number): Account {
    const account = this.#known(name, at) ?? { window, slots: [], warned: null, touched: at };
    this.#accounts.set(name, account);
    account.slots = liveSlots(account, at);
    account.touched = at;
    return account;
  }

  #sum({ account: name }: Charge, at: number): number {
    const account = this.#known(name, at);
    const live = account ? liveSlots(account, at) : [];
    return sumOf(live, 1) + sumOf(live, 2);
  }

  #warns(charge: Charge, at: number): boolean {
    const account = this.#known(charge.account, at);
    if (!account || charge.warnAt === null || this.#sum(charge, at) < charge.warnAt) return false;
    if (account.warned !== null && account.slots.some(([number]) => number === account.warned)) return false;
    account.warned = slotOf(account.window, at);
    return true;
  }

  #balance(charge: Charge, warns = false): Balance {
    const { account: name, type, limit } = charge;
    const account = this.#known(name, this.#last);
    const live = account ? liveSlots(account, this.#last) : [];
    const [spent, reserved] = [sumOf(live, 1), sumOf(live, 2)];
    const left = Math.max(0, limit - spent - reserved);
    return { account: name, type, spent, reserved, left, limit, over: false, warns };
  }

  #sweep(now: number): void {
    this.#sweptAt = now;
    for (const [name, account] of this.#accounts) if (endOf(account) <= now) this.#accounts.delete(name);
    for (const [id, made] of this.#reservations) if (endOfMade(made) <= now) this.#reservations.delete(id);
  }
}

const sumOf = (slots: readonly Slot[], part: 1 | 2): number => slots.reduce((sum, slot) => sum + slot[part], 0);

function liveSlots({ window, slots }: Account, at: number): Slot[] {
  if (window.is !== 'sliding') return slots;
  const oldest = oldestSlot(at, window.ms);
  return slots.filter(([number]) => number >= oldest);
}

function slotNumbered(account: Account, number: number): Slot {
  const found = account.slots.find(([each]) => each === number);
  if (found) return found;
  const slot: Slot = [number, 0, 0];
  account.slots.push(slot);
  return slot;
}
