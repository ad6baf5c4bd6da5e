import type { Call } from './context.ts';
import {
  type Entry,
  type EntryKey,
  type EntryKind,
  entryKey,
  type Patch,
  parseEntry,
  placeOf,
  type StateView,
} from './entries.ts';
import { KillSwitchError } from './errors.ts';
import { type Folded, foldEvent } from './fold.ts';
import { deepFreeze } from './freeze.ts';
import { KillFilter } from './kill-filter.ts';
import { INITIAL_MODE } from './modes.ts';
import type { ActiveKill, Head, LogEvent } from './records.ts';
import { readTarget, type TargetType } from './targets.ts';

const emptyKills = (): Record<TargetType, Map<string, ActiveKill>> => ({
  all: new Map(),
  agent: new Map(),
  mission: new Map(),
  run: new Map(),
  action: new Map(),
  feature: new Map(),
  surface: new Map(),
});

/** The base mode of a state in which no event has set one. */
const UNSET_MODE: Entry<'mode'> = deepFreeze({
  mode: INITIAL_MODE,
  targeting: null,
  epoch: 1,
  by: 'system',
  at: '1970-01-01T00:00:00.000Z',
});

const isNamed = (type: TargetType): boolean => type === 'agent' || type === 'mission' || type === 'run';

/**
 * The fold of a log, held for looking things up: kills by type, then by exact id. It is changed in place, one patch at a time,
 * because a copy of 100,000 kills for each further one would not be flat.
 */
export class State implements StateView {
  #control: Entry<'control'> | undefined;
  #mode: Entry<'mode'> | undefined;
  #flags: Entry<'flags'> | undefined;
  readonly #named = new KillFilter();
  readonly kills = emptyKills();
  readonly features = new Map<string, Entry<'feature'>>();
  readonly limits = new Map<string, Entry<'limit'>>();
  readonly autonomy = new Map<string, Entry<'autonomy'>>();
  /** The hash of the last applied event, '' before the first. */
  hash = '';
  /** The `seq` of the last applied event, 0 before the first. */
  epoch = 0;

  get control(): Entry<'control'> | undefined {
    return this.#control;
  }

  get mode(): Entry<'mode'> {
    return this.#mode ?? UNSET_MODE;
  }

  get flags(): Entry<'flags'> | undefined {
    return this.#flags;
  }

  /** Where this state stands, or null before the first event. */
  get head(): Head | null {
    const control = this.#control;
    if (!control) return null;
    return { generation: control.generation, epoch: this.epoch, hash: this.hash, recovered: control.recovered };
  }

  get killCount(): number {
    let count = 0;
    for (const kills of Object.values(this.kills)) count += kills.size;
    return count;
  }

  *activeKills(): Generator<ActiveKill> {
    for (const kills of Object.values(this.kills)) yield* kills.values();
  }

  get<K extends EntryKind>(kind: K, name = ''): Entry<K> | undefined {
    return this.#look(kind, name) as Entry<K> | undefined;
  }

  /** The entry under a store's key. @throws KillSwitchError CORRUPT for a kind that this version does not know */
  entry(key: EntryKey): Entry | undefined {
    const { kind, name } = placeOf(key);
    return this.#look(kind, name);
  }

  #look(kind: EntryKind, name: string): Entry | undefined {
    switch (kind) {
      case 'control':
        return this.#control;
      case 'mode':
        return this.#mode;
      case 'flags':
        return this.#flags;
      case 'kill': {
        const { type, id } = readTarget(name);
        return this.kills[type].get(id);
      }
      case 'feature':
        return this.features.get(name);
      case 'limit':
        return this.limits.get(name);
      case 'autonomy':
        return this.autonomy.get(name);
      default:
        return kind satisfies never;
    }
  }

  /** Puts one entry in place, or removes it (`undefined`). */
  put(key: EntryKey, entry: Entry | undefined): void {
    const { kind, name } = placeOf(key);
    const place = <T>(map: Map<string, T>, id: string): void => {
      if (entry === undefined) map.delete(id);
      else map.set(id, entry as T);
    };
    switch (kind) {
      case 'control':
        this.#control = entry as Entry<'control'> | undefined;
        break;
      case 'mode':
        this.#mode = entry as Entry<'mode'> | undefined;
        break;
      case 'flags':
        this.#flags = entry as Entry<'flags'> | undefined;
        break;
      case 'kill': {
        const { type, id } = readTarget(name);
        place(this.kills[type], id);
        if (entry !== undefined && isNamed(type)) this.#addNamed(id);
        break;
      }
      case 'feature':
        place(this.features, name);
        break;
      case 'limit':
        place(this.limits, name);
        break;
      case 'autonomy':
        place(this.autonomy, name);
        break;
      default:
        kind satisfies never;
    }
  }

  #addNamed(id: string): void {
    const { agent, mission, run } = this.kills;
    const all = function* (): Generator<string> {
      for (const kills of [agent, mission, run]) yield* kills.keys();
    };
    this.#named.add(id, all, agent.size + mission.size + run.size);
  }

  /** False when no agent, mission or run that the call names is killed; true when only the kills themselves can tell. */
  mayBeNamed(call: Call): boolean {
    return this.#named.mayName(call);
  }

  /** Takes an event that follows: what it does is done here, and then this stands where that event stands. @throws KillSwitchError UNKNOWN_EVENT, CORRUPT; then nothing has changed */
  take(event: LogEvent): Folded {
    const folded = foldEvent(this, event);
    this.apply(folded.patch, event);
    return folded;
  }

  /** Applies what one event does, and stands where that event stands. */
  apply(patch: Patch, event: { readonly seq: number; readonly hash: string }): void {
    for (const key of patch.remove) this.put(key, undefined);
    for (const [key, entry] of patch.set) this.put(key, entry);
    this.epoch = event.seq;
    this.hash = event.hash;
  }

  [Symbol.iterator](): Generator<readonly [EntryKey, Entry]> {
    return this.entries();
  }

  /** Every entry under its key: what a store that keeps the folded state holds. */
  *entries(): Generator<readonly [EntryKey, Entry]> {
    if (this.#control) yield ['control', this.#control];
    if (this.#mode) yield ['mode', this.#mode];
    if (this.#flags) yield ['flags', this.#flags];
    for (const kill of this.activeKills()) yield [entryKey('kill', kill.target), kill];
    for (const [name, entry] of this.features) yield [entryKey('feature', name), entry];
    for (const [name, entry] of this.limits) yield [entryKey('limit', name), entry];
    for (const [name, entry] of this.autonomy) yield [entryKey('autonomy', name), entry];
  }
}

/**
 * The state that a store's entries make, standing at that head. A State that stands there is taken as it is: who hands it over keeps none.
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
