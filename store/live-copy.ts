import {
  type Anchor,
  deepFreeze,
  earlier,
  type EntryKey,
  type Fault,
  foldEvent,
  follows,
  headAfter,
  type Head,
  type Instant,
  isKillSwitchError,
  type Lease,
  type LogEvent,
  lookAtLease,
  messageOf,
  NO_LEASE,
  type Patch,
  parseTime,
  renewLease,
  RestrictionMemory,
  type State,
  stateFrom,
  type Stop,
  type StoreTime,
  storeTimeAt,
  takeStoreTime,
} from '../flags/index.ts';
import { foreignAnchor, haveCommonGeneration, isSameOrganization } from './anchors.ts';
import type { Answer, Confirmation, Snapshot } from './confirmation.ts';
import type { AnchorKeeper } from './capabilities/anchors.ts';
import { HeldStops } from '../flags/held-stops.ts';

/**
 * One confirmation under way: which head the copy held, and when the question was sent. A reply to a question of an
 * older era is dropped; a new era begins with each load.
 */
export interface Ticket {
  readonly number: number;
  readonly era: number;
  readonly sent: Instant;
  readonly held: Head | null;
  /** Sent with the question; the answer to it repeats it. */
  readonly nonce: string;
}

/** A load under way: which head the copy held when it asked, and the nonce that it asked with. */
export type LoadTicket = Pick<Ticket, 'held' | 'nonce'>;

/** What came of a push: its events were applied; they were known already; or only a confirmation can tell. */
export type PushOutcome = 'applied' | 'known' | 'confirm';

/**
 * What came of a reply: the lease was renewed; the reply was dropped; the store must be asked once more; the whole
 * state must be loaded; or there is a fault that asking again does not end.
 */
export type ReplyOutcome = 'renewed' | 'dropped' | 'again' | 'reload' | 'faulty';

/** What came of a load: its state was taken, and is to be confirmed; the others as for a reply. */
export type LoadOutcome = 'taken' | Exclude<ReplyOutcome, 'renewed'>;

/** The entries that have changed; `all` after a load. */
export type ChangedEntries = readonly EntryKey[] | 'all';

type Standing =
  | { readonly is: 'empty'; readonly fault: Fault }
  | { readonly is: 'live' }
  /**
   * `own`: this executor has the evidence itself; else the store answered that another executor has. Ends only by a
   * `recover` that this executor had not seen.
   */
  | { readonly is: 'forked'; readonly own: boolean; readonly fault: Fault }
  /** The anchor cannot be read, so nothing can be compared with it. */
  | { readonly is: 'unanchored'; readonly fault: Fault }
  /**
   * The anchor is of another control plane, so it says nothing about this store, and the copy holds no head.
   * `seenBeside`: the generation of this store that the anchor was compared with; null where its organization is
   * another.
   */
  | { readonly is: 'foreign'; readonly anchor: Anchor; readonly seenBeside: string | null; readonly fault: Fault };
type Foreign = Extract<Standing, { is: 'foreign' }>;

const NOT_READY: Fault = deepFreeze({ code: 'NOT_READY', message: 'the switch has not been read yet' });
function notInitialised(location: string, nearby: string): Fault {
  const place = location.replace(/:$/, ''); // `memory:` is no more than its scheme
  const or = nearby === '' ? '' : `${nearby}; `;
  return deepFreeze({
    code: 'NOT_INITIALISED',
    message: `there is no control plane in ${place}: ${or}where it is the right place, an operator must run: kill-switch init`,
  });
}
const LOST_CHANGES = 'the store has lost changes that this executor had seen';
const recoverWith = (what: string): Fault => ({
  code: 'GENERATION_CHANGED',
  message: `${what}; an operator must look at it and then run: kill-switch recover --reason "…"`,
});

export interface LiveCopyOptions {
  readonly leaseMs: number;
  readonly keeper: AnchorKeeper | null;
  readonly organizationId: string;
  /** Where the store is, for people; default `this store`. */
  readonly location?: string | undefined;
  /** Where another one is that was perhaps meant, as a clause; empty where none is known. */
  readonly nearby?: (() => string) | undefined;
  /**
   * Called in the turn in which changes were applied, before the anchor is written: work in flight is aborted at once
   * and does not wait for the disk.
   */
  readonly signal?: (() => void) | undefined;
}

/**
 * What the store's clock showed when it answered, in milliseconds since 1970.
 * @throws Error where the answer's time is no time, or its age is no number of milliseconds from 0
 */
function checkAnswer({ time, ageMs }: Answer): number {
  const shown = parseTime(time);
  if (shown === null) throw new Error(`The store answered with ${JSON.stringify(time)} as its time.`);
  if (!Number.isFinite(ageMs) || ageMs < 0) throw new Error(`The store answered with ${ageMs} ms as the answer's age.`);
  return shown;
}

/**
 * The executor's copy of the switch, with its lease: the protocol without any I/O, so that tests can explore it step by
 * step. Only a confirmation renews the lease or raises a fork; a push can only tighten. Whatever is not understood is a
 * fault.
 */
export class LiveCopy {
  #standing: Standing = { is: 'empty', fault: NOT_READY };
  #state: State | null = null;
  #lease: Lease = NO_LEASE;
  #storeTime: StoreTime | null = null;
  #hasEnded = false;
  #anchor: Anchor | null = null;
  readonly #generations = new Set<string>();
  #anchorFault: Fault | null = null;
  #era = 0;
  #asked = 0;
  #taken = 0;
  #storeGeneration = '';
  /** The stops of executors, which outlive a state that is loaded anew; and the list that was taken last. */
  readonly #stops = new HeldStops();
  #takenStops: readonly Stop[] = [];
  #changes: { readonly keys: Set<EntryKey> | 'all'; at: string | null } = { keys: new Set(), at: null };
  readonly #keeper: AnchorKeeper | null;
  readonly #leaseMs: number;
  readonly #organizationId: string;
  readonly #location: string;
  readonly #nearby: () => string;
  readonly #signal: () => void;
  /** What has restricted anybody since the state was loaded, also where it was lifted again. */
  readonly restrictions = new RestrictionMemory();

  constructor({ leaseMs, keeper, organizationId, ...options }: LiveCopyOptions) {
    const { location = 'this store', nearby = () => '', signal = () => {} } = options;
    this.#nearby = nearby;
    this.#leaseMs = leaseMs;
    this.#keeper = keeper;
    this.#organizationId = organizationId;
    this.#location = location;
    this.#signal = signal;
    this.#readAnchor();
  }

  /** The folded state, also when it must not be acted on; null before the first load. */
  get state(): State | null {
    return this.#state;
  }

  /** The head that the copy holds: its state's, else the anchor's. */
  get held(): Head | null {
    return this.#state?.head ?? this.#anchor?.head ?? null;
  }

  get needsLoad(): boolean {
    return this.#standing.is === 'empty';
  }

  /** What this executor reports with every beat while it has evidence itself that the store contradicts what it saw. */
  get forkReport(): { against: string; held: Head | null } | null {
    return this.#standing.is === 'forked' && this.#standing.own
      ? { against: this.#storeGeneration, held: this.held }
      : null;
  }

  /**
   * Which entries have changed since the last call, and when the last of these changes was appended, by the store's
   * clock (null where that is not known).
   */
  takeChanges(): { readonly keys: ChangedEntries; readonly at: string | null } {
    const { keys, at } = this.#changes;
    if (keys === 'all' || keys.size > 0) this.#changes = { keys: new Set(), at: null };
    return { keys: keys === 'all' ? keys : [...keys], at };
  }

  /**
   * The store's time, in milliseconds since 1970: as last confirmed, plus what the monotonic clock has counted since
   * that confirmation was sent. Null before the first one. `storeTimeAt` says how far off it can be.
   */
  storeNow(now: Instant): number | null {
    return this.#storeTime && storeTimeAt(this.#storeTime, now);
  }

  /**
   * The moment that the present lease counts from: when the confirmation was sent, less the age of its answer; null
   * without one.
   */
  get confirmed(): Instant | null {
    return this.#lease.sent;
  }

  /**
   * Why nothing may be decided from this copy now; null while it is leased. Each decision compares the clocks; no timer
   * does.
   */
  fault(now: Instant): Fault | null {
    const { sent } = this.#lease;
    this.#lease = lookAtLease(this.#lease, now, this.#leaseMs);
    if (sent !== null && this.#lease.sent === null) this.#hasEnded = true;
    if (this.#standing.is !== 'live') return this.#standing.fault;
    if (this.#anchorFault) return this.#anchorFault;
    return this.#lease.sent === null
      ? { code: 'STALE', message: `nothing has confirmed the switch for ${this.#leaseMs} ms` }
      : null;
  }

  /**
   * True once for each lease that a look at the clocks has found over: the caller then asks the store at once instead
   * of at the next third of the lease.
   */
  takeEnd(): boolean {
    const hasEnded = this.#hasEnded;
    this.#hasEnded = false;
    return hasEnded;
  }

  /** Begins a confirmation that is sent now. @param nonce one that was not used before */
  ask(now: Instant, nonce: string): Ticket {
    if (this.#standing.is === 'unanchored' || this.#standing.is === 'foreign') this.#readAnchor();
    this.#asked += 1;
    return { number: this.#asked, era: this.#era, sent: now, held: this.held, nonce };
  }

  /**
   * Takes events that were pushed. They never renew the lease. From the first one on that loosens, or does not link to
   * the local head, they wait for a confirmation.
   */
  push(...events: readonly LogEvent[]): PushOutcome {
    const state = this.#state;
    if (this.#standing.is !== 'live' || !state) return 'confirm';
    const fresh = events.filter(({ seq }) => seq > state.epoch);
    if (fresh.length === 0) return 'known';
    return this.#advance(state, fresh, 'no loosening') === fresh.length ? 'applied' : 'confirm';
  }

  /**
   * Takes the reply to a confirmation. Every confirmation that was sent before this one is dropped from then on. A
   * reply to another question is dropped itself.
   * @throws Error for an answer that no store may give: a log with a gap, or a time that is no time
   */
  reply(ticket: Ticket, confirmation: Confirmation, now: Instant): ReplyOutcome {
    if (ticket.era !== this.#era || ticket.number <= this.#taken || confirmation.nonce !== ticket.nonce)
      return 'dropped';
    this.#taken = ticket.number;
    const shown = checkAnswer(confirmation);
    const { head, events, forkReported, ageMs } = confirmation;
    this.#lease = lookAtLease(this.#lease, now, this.#leaseMs);
    this.#storeGeneration = head?.generation ?? '';
    if (this.#standing.is === 'unanchored') return 'faulty';
    if (this.#standing.is === 'foreign') return this.#isComparedAnew(this.#standing, head) ? 'reload' : 'faulty';
    if (head === null) return this.#storeIsEmpty();
    const unseen = head.recovered && !this.#generations.has(head.generation);
    if (unseen && (this.#standing.is === 'forked' || events === null)) return 'reload';
    if (this.#standing.is === 'forked') return 'faulty';
    if (forkReported) return this.#fork(false, 'another executor has seen changes that this store has lost');
    const state = this.#state;
    if (events === null && state) return this.#fork(true, LOST_CHANGES);
    if (events === null || events === 'reload' || !state || ticket.held === null) return 'reload';
    let [hash, epoch] = [ticket.held.hash, ticket.held.epoch];
    for (const event of events) {
      if (!follows(event, hash, epoch))
        throw new Error(`The store answered with a log that has a gap at ${event.seq}.`);
      [hash, epoch] = [event.hash, event.seq];
    }
    if (head.hash !== hash) throw new Error('The store answered with a log that does not end in its head.');
    // Events that a push has brought meanwhile are passed over. Events of another branch never link; then the heads
    // differ below.
    const next = events.findIndex((event) => follows(event, state.hash, state.epoch));
    if (next >= 0) this.#advance(state, events.slice(next), 'everything');
    // The heads differ because the local one has moved since the question, or because they contradict each other. A
    // question that names the present head will tell; until then nothing is renewed.
    if (head.hash !== state.hash) return 'again';
    this.#standing = { is: 'live' };
    if (this.#anchorFault) this.#keepAnchor(state.head);
    const sent = earlier(ticket.sent, ageMs);
    this.#lease = renewLease(this.#lease, sent, now, this.#leaseMs);
    // a clock was stepped since the question, or the answer took longer than the lease
    if (this.#lease.sent === null) return 'again';
    this.#storeTime = takeStoreTime(this.#storeTime, { shown, sent }, { now, leaseMs: this.#leaseMs });
    return 'renewed';
  }

  /**
   * Takes a whole state that was loaded, if the copy still holds the head that it held when it asked, and if that head
   * is in the state's chain or the state began with a `recover` that was not seen before. The state is not leased then:
   * only a confirmation of it does that.
   */
  loaded({ held, nonce }: LoadTicket, snapshot: Snapshot): LoadOutcome {
    if (snapshot.nonce !== nonce) return 'dropped';
    checkAnswer(snapshot);
    const standing = this.#standing;
    if (standing.is === 'unanchored' || standing.is === 'foreign') return 'faulty';
    if (held?.hash !== this.held?.hash) return 'again';
    const { head } = snapshot;
    this.#storeGeneration = head?.generation ?? '';
    if (head === null) return this.#storeIsEmpty();
    const unseen = head.recovered && !this.#generations.has(head.generation);
    if (!unseen && standing.is === 'forked') return 'faulty';
    const state = stateFrom(snapshot.entries, head);
    state.stops = this.#stops;
    state.stops.hasChanged();
    const alone = this.#state || snapshot.linked ? null : this.#anchor;
    if (alone && !this.#isOfThisControlPlane(state)) return this.#becomeForeign(alone, state);
    if (!unseen && !snapshot.linked) return this.#fork(true, LOST_CHANGES);
    this.#state = state;
    this.restrictions.begin(head, state.mode);
    this.#era += 1;
    this.#lease = NO_LEASE;
    this.#keepAnchor(head);
    this.#changes = { keys: 'all', at: null };
    this.#standing = { is: 'live' };
    return 'taken';
  }

  /**
   * Takes the stops of executors that an answer brings, also of one that is dropped: they only tighten. None names an
   * epoch that the store had not come to when it answered: one that does was not written by this package.
   */
  takeStops({ head, stops }: Pick<Confirmation, 'head' | 'stops'>): void {
    const state = this.#state;
    if (!state || stops === this.#takenStops) return;
    this.#takenStops = stops;
    const epoch = head?.epoch ?? 0;
    this.#hold(
      stops.filter((stop) => stop.epoch <= epoch),
      state,
    );
  }

  /** Takes a stop of this executor's own, which holds here from this turn on, whatever the store says to it. */
  holdStop(own: Stop): void {
    if (this.#state) this.#hold([own], this.#state);
  }

  #hold(stops: readonly Stop[], state: State): void {
    const keys = this.#stops.take(stops, state);
    if (keys.length === 0) return;
    const { keys: changed } = this.#changes;
    if (changed !== 'all') for (const key of keys) changed.add(key);
    this.#signal();
  }

  #readAnchor(): void {
    this.#anchor = null;
    try {
      const anchor = this.#keeper?.read() ?? null;
      if (anchor && this.#staysForeign(anchor)) return;
      this.#anchor = anchor;
      for (const generation of anchor?.generations ?? []) this.#generations.add(generation);
      this.#standing = { is: 'empty', fault: NOT_READY };
    } catch (error) {
      const isNewer = isKillSwitchError(error) && error.code === 'UNKNOWN_ENTRY'; // what it says must not be lost
      const mend = isNewer ? '' : '; remove it to accept the store as it is now';
      const message = `the anchor of this executor cannot be read (${messageOf(error)})${mend}`;
      this.#standing = { is: 'unanchored', fault: { code: 'ANCHOR_UNUSABLE', message } };
    }
  }

  /**
   * True when this anchor is of another control plane without asking the store: its organization is another, or this
   * very anchor was compared with the store before and found foreign.
   */
  #staysForeign(anchor: Anchor): boolean {
    if (!isSameOrganization(anchor, { organization_id: this.#organizationId, generations: [] })) {
      this.#standing = { is: 'foreign', anchor, seenBeside: null, fault: this.#foreignFault(anchor) };
      return true;
    }
    return this.#standing.is === 'foreign' && JSON.stringify(this.#standing.anchor) === JSON.stringify(anchor);
  }

  /**
   * Whether an anchor that is not in this store's chain may come from this control plane all the same, so that the
   * store has lost changes. A store that was recovered from nothing does not know its earlier generations, so any
   * anchor may.
   */
  #isOfThisControlPlane({ control }: State): boolean {
    const generations = control?.generations ?? [];
    return (
      haveCommonGeneration(generations, [...this.#generations]) ||
      (control?.recovered === true && generations.length === 1)
    );
  }

  #becomeForeign(anchor: Anchor, state: State): 'faulty' {
    const fault = this.#foreignFault(anchor, state.control?.generations[0]);
    this.#standing = { is: 'foreign', anchor, seenBeside: state.head?.generation ?? null, fault };
    this.#anchor = null;
    this.#generations.clear();
    return 'faulty';
  }

  #foreignFault(anchor: Anchor, firstGeneration?: string): Fault {
    const own = { organizationId: this.#organizationId, firstGeneration };
    return { code: 'ANCHOR_FOREIGN', message: foreignAnchor(anchor, this.#keeper?.location, own).message };
  }

  /**
   * True when the store has begun another generation since the anchor was found foreign, and the anchor is to be
   * compared with it again: that `recover` may have named the anchor's generation.
   */
  #isComparedAnew({ seenBeside, fault }: Foreign, head: Head | null): boolean {
    if (head === null || seenBeside === null || seenBeside === head.generation) return false;
    this.#standing = { is: 'empty', fault };
    this.#readAnchor();
    return this.needsLoad;
  }

  #storeIsEmpty(): 'faulty' {
    if (this.held !== null) {
      return this.#fork(true, 'the store is empty, but this executor had seen a control plane in it');
    }
    if (this.#standing.is === 'empty')
      this.#standing = { is: 'empty', fault: notInitialised(this.#location, this.#nearby()) };
    return 'faulty';
  }

  #fork(own: boolean, what: string): 'faulty' {
    if (this.#standing.is !== 'forked' || (own && !this.#standing.own)) {
      this.#standing = { is: 'forked', own, fault: recoverWith(what) };
    }
    return 'faulty';
  }

  #hasChanged({ remove, set }: Patch, at: string): void {
    const { keys } = this.#changes;
    if (keys !== 'all') {
      for (const key of remove) keys.add(key);
      for (const [key] of set) keys.add(key);
    }
    this.#changes.at = at;
  }

  /**
   * Applies events as far as they link, and returns how many. An event that tightens holds, and aborts work in flight,
   * before the anchor is written. An event that loosens holds only after that, so that a restarted executor knows
   * whatever this one has acted on. The anchor is written once for all of them, since one sync for each would hold up
   * the event loop. Where that fails the events count all the same, and everything stops.
   */
  #advance(state: State, events: readonly LogEvent[], may: 'no loosening' | 'everything'): number {
    let kept: Head | null = null;
    let applied = 0;
    try {
      for (const event of events) {
        if (!follows(event, state.hash, state.epoch)) break;
        const { patch, direction } = foldEvent(state, event);
        if (direction === 'loosens') {
          if (may === 'no loosening') break;
          kept ??= this.#keep(events.reduce(headAfter, state.head)); // the head after all of them: written once
        }
        this.restrictions.note(event, direction, {
          killMode: (target) => state.get('kill', target)?.mode ?? null,
          feature: (name) => state.get('feature', name),
        });
        state.apply(patch, event);
        this.#hasChanged(patch, event.at);
        applied += 1;
      }
    } finally {
      if (applied > 0 && kept === null) this.#keep(state.head);
    }
    return applied;
  }

  #keep(head: Head | null): Head | null {
    try {
      this.#signal();
    } finally {
      this.#keepAnchor(head);
    }
    return head;
  }

  #keepAnchor(head: Head | null): void {
    if (!head) return;
    this.#generations.add(head.generation);
    for (const generation of this.#state?.control?.generations ?? []) this.#generations.add(generation);
    const first = this.#state?.control?.generations[0];
    const anchor: Anchor = {
      head,
      generations: [...this.#generations],
      organization_id: this.#organizationId,
      ...(first !== undefined && { first_generation: first }),
    };
    this.#anchor = anchor;
    try {
      this.#keeper?.write(anchor);
      this.#anchorFault = null;
    } catch (error) {
      const foreign = isKillSwitchError(error) && error.code === 'ANCHOR_FOREIGN';
      this.#anchorFault = foreign
        ? { code: 'ANCHOR_FOREIGN', message: messageOf(error) }
        : {
            code: 'ANCHOR_UNUSABLE',
            message: `this executor cannot keep its anchor (${messageOf(error)}), so after a restart it would not recognise a restored backup`,
          };
    }
  }
}
