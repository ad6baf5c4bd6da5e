import { z } from 'zod';
import type { Call } from './context.ts';
import { KillSwitchError } from './errors.ts';
import { KillFilter } from './kill-filter.ts';
import { INITIAL_MODE } from './modes.ts';
import {
  type ActiveKill,
  activeKillSchema,
  autonomyStageSchema,
  epochSchema,
  featureStageSchema,
  type Head,
  isActiveKill,
  limitValueSchema,
  modeSchema,
} from './records.ts';
import { readTarget, type TargetType } from './targets.ts';

/** The state is a flat set of entries, each under its own key: `KIND` or `KIND:NAME`. One row a kind; `epoch` is the entry's last change. */
export const ENTRY_SCHEMAS = Object.freeze({
  /** Which log this is, and the logs that it went on from. */
  control: z.object({
    generation: z.string().min(1),
    generations: z.array(z.string()),
    /** Whose reports of forks are not believed. */
    excluded: z.array(z.string()).optional(),
    recovered: z.boolean(),
    epoch: epochSchema,
  }),
  /** The base mode; `targeting` is a flagd targeting rule that answers with a mode (null: the same for everyone). */
  mode: z.object({ mode: modeSchema, targeting: z.unknown().nullable(), epoch: epochSchema }),
  /** The app's ordinary flags, as a flagd definition. */
  flags: z.object({ definition: z.record(z.string(), z.unknown()), epoch: epochSchema }),
  kill: activeKillSchema,
  feature: z.object({ stage: featureStageSchema, epoch: epochSchema }),
  limit: z.object({ value: limitValueSchema, epoch: epochSchema }),
  autonomy: z.object({ stage: autonomyStageSchema, epoch: epochSchema }),
} as const);

export type EntryKind = keyof typeof ENTRY_SCHEMAS;
export type Entry<K extends EntryKind = EntryKind> = z.infer<(typeof ENTRY_SCHEMAS)[K]>;

/** The key of an entry, as stores keep it: `mode`, `kill:agent:returns-bot`, `feature:refunds`. */
export type EntryKey = string;

export const entryKey = (kind: EntryKind, name?: string): EntryKey => (name === undefined ? kind : `${kind}:${name}`);

/** What one event does to the state: entries to set and keys to remove. Every driver applies it alike and knows nothing else. */
export interface Patch {
  readonly set: ReadonlyArray<readonly [EntryKey, Entry]>;
  readonly remove: readonly EntryKey[];
}

/** What planning and folding read: single entries, so that one more kill costs the same beside any number of others. */
export interface StateView {
  get<K extends EntryKind>(kind: K, name?: string): Entry<K> | undefined;
}

const splitKey = (key: EntryKey): [EntryKind, string] => {
  const colon = key.indexOf(':');
  const kind = colon < 0 ? key : key.slice(0, colon);
  if (!Object.hasOwn(ENTRY_SCHEMAS, kind)) {
    throw new KillSwitchError(
      'CORRUPT',
      `The store holds an entry ${JSON.stringify(key)} that this version does not know. Update this process.`,
    );
  }
  return [kind as EntryKind, colon < 0 ? '' : key.slice(colon + 1)];
};

/** One entry from outside. @throws KillSwitchError CORRUPT */
export function parseEntry(key: EntryKey, value: unknown): Entry {
  const [kind] = splitKey(key);
  if (kind === 'kill' && isActiveKill(value)) return value;
  const parsed = ENTRY_SCHEMAS[kind].safeParse(value);
  if (!parsed.success) {
    throw new KillSwitchError('CORRUPT', `The store's entry ${JSON.stringify(key)} is unreadable.`, {
      cause: parsed.error,
    });
  }
  return parsed.data;
}

const emptyKills = (): Record<TargetType, Map<string, ActiveKill>> => ({
  all: new Map(),
  agent: new Map(),
  mission: new Map(),
  run: new Map(),
  action: new Map(),
  feature: new Map(),
  surface: new Map(),
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
    return this.#mode ?? { mode: INITIAL_MODE, targeting: null, epoch: 1 };
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
    const [kind, name] = splitKey(key);
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
    const [kind, name] = splitKey(key);
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
