import { headAfter } from './change.ts';
import type { Subject } from './context.ts';
import { type Drills, NO_DRILLS } from './drills.ts';
import {
  ENTRY_KINDS,
  type Entry,
  type EntryKey,
  type EntryKind,
  entryKey,
  type Patch,
  parseEntry,
  placeOf,
  type StateView,
} from './entries.ts';
import { isKillSwitchError, KillSwitchError } from './errors.ts';
import { type Folded, foldEvent } from './fold.ts';
import { deepFreeze } from './freeze.ts';
import { HeldStops } from './held-stops.ts';
import { KillTable } from './kill-table.ts';
import { INITIAL_MODE } from './modes.ts';
import type { ActiveKill, Head, LogEvent, Resolved } from './records.ts';
import type { Rollback } from './rollbacks.ts';
import { RuleTable } from './rule-table.ts';

/** The entries of one kind, by their names; the name is '' for a kind that has only one. */
interface Table<T> extends Iterable<readonly [string, T]> {
  get(name: string): T | undefined;
  set(name: string, entry: T): void;
  delete(name: string): void;
}

/** A kind that has only one entry: looking it up costs nothing. */
class Single<T> implements Table<T> {
  entry: T | undefined;

  get(): T | undefined {
    return this.entry;
  }

  set(_name: string, entry: T): void {
    this.entry = entry;
  }

  delete(): void {
    this.entry = undefined;
  }

  *[Symbol.iterator](): Generator<readonly [string, T]> {
    if (this.entry !== undefined) yield ['', this.entry];
  }
}

/** The base mode of a state in which no event has set one. */
const UNSET_MODE: Entry<'mode'> = deepFreeze({
  mode: INITIAL_MODE,
  targeting: null,
  epoch: 1,
  by: 'system',
  at: '1970-01-01T00:00:00.000Z',
});

/**
 * The fold of a log, for looking things up. Each event changes it in place: to copy 100,000 kills for each further one
 * would cost more with each.
 */
export class State implements StateView {
  readonly #control = new Single<Entry<'control'>>();
  readonly #mode = new Single<Entry<'mode'>>();
  readonly #flags = new Single<Entry<'flags'>>();
  readonly #resolutions = new Single<Entry<'resolutions'>>();
  readonly #rollbacks = new Single<Entry<'rollbacks'>>();
  readonly #governance = new Single<Entry<'governance'>>();
  readonly #requests = new Single<Entry<'requests'>>();
  readonly #refusals = new Single<Entry<'refusals'>>();
  readonly #drills = new Single<Entry<'drills'>>();
  readonly #alerts = new Single<Entry<'alerts'>>();
  readonly #archive = new Single<Entry<'archive'>>();
  readonly #kills = new KillTable();
  readonly features = new Map<string, Entry<'feature'>>();
  readonly limits = new Map<string, Entry<'limit'>>();
  readonly autonomy = new Map<string, Entry<'autonomy'>>();
  readonly approvals = new Map<string, Entry<'approval'>>();
  readonly standing = new Map<string, Entry<'standing'>>();
  readonly rules = new RuleTable();
  readonly budgets = new Map<string, Entry<'budget'>>();
  readonly tripwires = new Map<string, Entry<'tripwire'>>();
  readonly #lifted = new Map<string, Entry<'lifted'>>();
  readonly #tables: { readonly [K in EntryKind]: Table<Entry<K>> } = {
    control: this.#control,
    mode: this.#mode,
    flags: this.#flags,
    kill: this.#kills,
    feature: this.features,
    limit: this.limits,
    autonomy: this.autonomy,
    resolutions: this.#resolutions,
    approval: this.approvals,
    standing: this.standing,
    rollbacks: this.#rollbacks,
    rule: this.rules,
    budget: this.budgets,
    tripwire: this.tripwires,
    governance: this.#governance,
    requests: this.#requests,
    refusals: this.#refusals,
    drills: this.#drills,
    alerts: this.#alerts,
    archive: this.#archive,
    lifted: this.#lifted,
  };
  /** The stops of executors, which hold beside what the log says. They are no entries: readers bring them. */
  stops = new HeldStops();
  /** The generation that the last event began which was passed over; null where `control` says it. */
  #begun: Head | null = null;
  /** The hash of the last applied event, '' before the first. */
  hash = '';
  /** The `seq` of the last applied event, 0 before the first. */
  epoch = 0;

  get control(): Entry<'control'> | undefined {
    return this.#control.entry;
  }

  get mode(): Entry<'mode'> {
    return this.#mode.entry ?? UNSET_MODE;
  }

  get flags(): Entry<'flags'> | undefined {
    return this.#flags.entry;
  }

  /** What operators have found out of intents, the oldest first. */
  get resolved(): readonly Resolved[] {
    return this.#resolutions.entry?.resolved ?? [];
  }

  /** The last rollbacks that were asked for, the oldest first. */
  get rollbacks(): readonly Rollback[] {
    return this.#rollbacks.entry?.asked ?? [];
  }

  /** What was exercised lately, and what is to be. */
  get drills(): Drills {
    return this.#drills.entry ?? NO_DRILLS;
  }

  /** Active kills by the type of their target, then by its exact id. */
  get kills(): KillTable['byType'] {
    return this.#kills.byType;
  }

  get killCount(): number {
    return this.#kills.size;
  }

  activeKills(): Iterable<ActiveKill> {
    return this.#kills.values();
  }

  /**
   * False when no agent, mission or run that the subject names is killed; true when one may be, so that the kills
   * themselves must be looked up.
   */
  mayBeNamed(subject: Subject): boolean {
    return this.#kills.mayBeNamed(subject);
  }

  /** Where this state stands, or null before the first event. */
  get head(): Head | null {
    const own = this.#begun ?? this.control;
    if (!own) return null;
    return { generation: own.generation, epoch: this.epoch, hash: this.hash, recovered: own.recovered };
  }

  get<K extends EntryKind>(kind: K, name = ''): Entry<K> | undefined {
    return this.#tables[kind].get(name);
  }

  /** The entry under a store's key. @throws KillSwitchError CORRUPT for a kind that this version does not know */
  entry(key: EntryKey): Entry | undefined {
    return this.get(...placeOf(key));
  }

  /**
   * Puts one entry in place, or removes it (`undefined`).
   * @throws KillSwitchError CORRUPT for a kind that this version does not know
   */
  put(key: EntryKey, entry: Entry | undefined): void {
    const [kind, name = ''] = placeOf(key);
    if (kind === 'control') this.#begun = null;
    const table: Pick<Table<never>, 'set' | 'delete'> = this.#tables[kind];
    if (entry === undefined) table.delete(name);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- parseEntry or the fold made it for this very key
    else table.set(name, entry as never);
  }

  /**
   * Takes the event that follows: applies its patch, and moves the head to it.
   * @throws KillSwitchError UNKNOWN_EVENT; then nothing has changed
   */
  take(event: LogEvent): Folded {
    const folded = foldEvent(this, event);
    this.apply(folded.patch, event);
    return folded;
  }

  /** Applies the patch of one event, and moves the head to it. */
  apply(patch: Patch, event: { readonly seq: number; readonly hash: string }): void {
    for (const key of patch.remove) this.put(key, undefined);
    for (const [key, entry] of patch.set) this.put(key, entry);
    this.stops.hasChanged();
    this.#moveTo(event);
  }

  /** Moves the head to one event without applying it: for readers that need only the head, or cannot read the event. */
  passOver(event: LogEvent): void {
    const { seq: epoch, hash } = event;
    // A log can begin with an event that cannot be read; its generation then has the name of that event.
    const after = headAfter(this.head ?? { generation: hash, epoch, hash, recovered: false }, event);
    if (after.generation !== this.head?.generation || after.recovered !== this.head.recovered) this.#begun = after;
    this.#moveTo(event);
  }

  /** Takes the event that follows; where this version does not know it, moves the head to it and returns why. */
  takeOrPassOver(event: LogEvent): KillSwitchError | null {
    try {
      this.take(event);
      return null;
    } catch (error) {
      if (!isKillSwitchError(error) || error.code !== 'UNKNOWN_EVENT') throw error;
      this.passOver(event);
      return error;
    }
  }

  #moveTo({ seq, hash }: { readonly seq: number; readonly hash: string }): void {
    this.epoch = seq;
    this.hash = hash;
  }

  [Symbol.iterator](): Generator<readonly [EntryKey, Entry]> {
    return this.entries();
  }

  /** Every entry under its key, as a store that keeps the folded state holds them. */
  *entries(): Generator<readonly [EntryKey, Entry]> {
    for (const kind of ENTRY_KINDS)
      for (const [name, entry] of this.#tables[kind]) yield [entryKey(kind, name === '' ? undefined : name), entry];
  }
}

/**
 * The state that a store's entries make, at that head. A `State` at that head is returned as it is: its caller must not
 * go on using it.
 * @throws KillSwitchError CORRUPT
 */
export function stateFrom(entries: Iterable<readonly [EntryKey, unknown]>, head: Head): State {
  if (entries instanceof State && entries.hash === head.hash) return entries;
  const state = new State();
  for (const [key, value] of entries) state.put(key, parseEntry(key, value));
  state.epoch = head.epoch;
  state.hash = head.hash;
  if (state.control?.generation !== head.generation) {
    throw new KillSwitchError('CORRUPT', 'The store holds a head without the state that belongs to it.');
  }
  return state;
}
