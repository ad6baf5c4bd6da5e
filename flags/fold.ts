import { z } from 'zod';
import { KillSwitchError } from './errors.ts';
import { INITIAL_MODE, strictness } from './modes.ts';
import {
  type ActiveKill,
  autonomyStageSchema,
  epochSchema,
  featureStageSchema,
  hashSchema,
  headSchema,
  type LogEvent,
  limitValueSchema,
  modeSchema,
  targetSchema,
  timeSchema,
} from './records.ts';
import { AUTONOMY_STAGES, FEATURE_STAGES } from './stages.ts';
import { ENTRY_SCHEMAS, type Entry, type EntryKind, entryKey, type Patch, type StateView } from './state.ts';

/** What an event does to authority: takes some away, gives some back, or changes none. A push may be acted on only when it does not loosen. */
export type Direction = 'tightens' | 'loosens' | 'neutral';

export interface Folded {
  readonly patch: Patch;
  readonly direction: Direction;
}

interface FoldRow<D> {
  readonly data: z.ZodType<D>;
  readonly fold: (view: StateView, data: D, event: Pick<LogEvent, 'seq' | 'at' | 'actor' | 'reason'>) => Folded;
}

const row = <D>(data: z.ZodType<D>, fold: FoldRow<D>['fold']): FoldRow<D> => ({ data, fold });

const set = <K extends EntryKind>(kind: K, name: string | undefined, entry: Entry<K>): Patch => ({
  set: [[entryKey(kind, name), entry]],
  remove: [],
});

const compare = (before: number, after: number): Direction =>
  after > before ? 'tightens' : after < before ? 'loosens' : 'neutral';

/** The later of two ends; null is never. */
export const laterEnd = (a: string | null, b: string | null): string | null =>
  a === null || b === null ? null : a > b ? a : b;

/** Strictness of a base mode: one with targeting may be looser for some, so it counts as the loosest until it is gone. */
const baseStrictness = (entry: Pick<Entry<'mode'>, 'mode' | 'targeting'>): number =>
  entry.targeting === null ? strictness(entry.mode) : -1;

const baseDirection = (before: Pick<Entry<'mode'>, 'mode' | 'targeting'>, after: typeof before): Direction => {
  const same = before.mode === after.mode && JSON.stringify(before.targeting) === JSON.stringify(after.targeting);
  if (same) return 'neutral';
  // Leaving a targeting rule for anything but full_stop may give somebody more than the rule gave.
  if (before.targeting !== null) return after.mode === 'full_stop' && after.targeting === null ? 'tightens' : 'loosens';
  return compare(baseStrictness(before), baseStrictness(after));
};

/** How little a feature's stage allows; an unknown feature is `dark`. */
const featureRank = (stage: Entry<'feature'>['stage'] | undefined): number => -FEATURE_STAGES.indexOf(stage ?? 'dark');

const endedKill = z.object({ id: z.string(), target: targetSchema });
const endKill = row(endedKill, (view, data) => {
  const active = view.get('kill', data.target);
  const ends = active?.id === data.id;
  return {
    patch: { set: [], remove: ends ? [entryKey('kill', data.target)] : [] },
    direction: ends ? 'loosens' : 'neutral',
  };
});

const recovery = z.object({
  generation: z.string().min(1),
  given_up: z.array(headSchema),
  /** Whose reports are not believed from now on. */
  excluded: z.array(z.string()).optional(),
});

/** Every kind of event: the shape of its data, what it does to the state. To add one, copy a row; `planChange` makes it. */
export const FOLDS = Object.freeze({
  init: row(z.object({ generation: z.string().min(1) }), (_view, data, event) => ({
    patch: {
      set: [
        [
          entryKey('control'),
          { generation: data.generation, generations: [data.generation], recovered: false, epoch: event.seq },
        ],
        [entryKey('mode'), { mode: INITIAL_MODE, targeting: null, epoch: event.seq }],
      ],
      remove: [],
    },
    direction: 'loosens',
  })),
  recover: row(recovery, (view, data, event) => {
    const known = view.get('control')?.generations ?? [];
    const control = {
      generation: data.generation,
      generations: [...new Set([...known, ...data.given_up.map((head) => head.generation), data.generation])],
      ...(data.excluded && data.excluded.length > 0 && { excluded: data.excluded }),
      recovered: true,
      epoch: event.seq,
    };
    const mode = view.get('mode') ?? { mode: INITIAL_MODE, targeting: null, epoch: event.seq };
    return {
      patch: {
        set: [
          [entryKey('control'), control],
          [entryKey('mode'), mode],
        ],
        remove: [],
      },
      direction: 'loosens',
    };
  }),
  kill: row(
    z.object({ id: z.string().min(1), target: targetSchema, mode: modeSchema, expires_at: timeSchema.nullable() }),
    (view, data, event) => {
      const active = view.get('kill', data.target);
      const kill: ActiveKill = {
        id: active?.id ?? data.id,
        target: data.target,
        mode: active && strictness(active.mode) > strictness(data.mode) ? active.mode : data.mode,
        reason: event.reason ?? active?.reason ?? null,
        killed_by: event.actor,
        killed_at: active?.killed_at ?? event.at,
        expires_at: active ? laterEnd(active.expires_at, data.expires_at) : data.expires_at,
        epoch: event.seq,
      };
      return { patch: set('kill', data.target, kill), direction: 'tightens' };
    },
  ),
  /** Somebody else wants the same restriction: nothing changes but its epoch, so that who did not know of it cannot lift it. */
  second: row(
    z.object({ kind: z.enum(['kill', 'mode', 'feature', 'limit', 'autonomy']), name: z.string().nullable() }),
    (view, data, event) => {
      const name = data.name ?? undefined;
      const entry = view.get(data.kind, name);
      return {
        patch: entry ? set(data.kind, name, { ...entry, epoch: event.seq }) : { set: [], remove: [] },
        direction: 'neutral',
      };
    },
  ),
  revive: endKill,
  expire: endKill,
  mode: row(z.object({ mode: modeSchema, targeting: z.unknown() }), (view, data, event) => {
    const entry = { mode: data.mode, targeting: data.targeting ?? null, epoch: event.seq };
    const before = view.get('mode') ?? { mode: 'full_stop', targeting: null };
    return { patch: set('mode', undefined, entry), direction: baseDirection(before, entry) };
  }),
  feature: row(z.object({ name: z.string(), stage: featureStageSchema }), (view, data, event) => ({
    patch: set('feature', data.name, { stage: data.stage, epoch: event.seq }),
    direction: compare(featureRank(view.get('feature', data.name)?.stage), featureRank(data.stage)),
  })),
  limit: row(z.object({ name: z.string(), value: limitValueSchema }), (view, data, event) => {
    const before = view.get('limit', data.name)?.value ?? Number.POSITIVE_INFINITY; // absent: only the limit in code, which no flag raises
    return {
      patch: set('limit', data.name, { value: data.value, epoch: event.seq }),
      direction: compare(-before, -data.value),
    };
  }),
  autonomy: row(z.object({ action: z.string(), stage: autonomyStageSchema }), (view, data, event) => {
    const rank = (stage: Entry<'autonomy'>['stage']): number => -AUTONOMY_STAGES.indexOf(stage);
    const before = view.get('autonomy', data.action);
    // Absent is no floor, but answers `human_in_the_loop` when it is asked for: setting that is a new floor, setting more is a grant.
    const direction = before
      ? compare(rank(before.stage), rank(data.stage))
      : data.stage === 'human_in_the_loop'
        ? 'tightens'
        : 'loosens';
    return { patch: set('autonomy', data.action, { stage: data.stage, epoch: event.seq }), direction };
  }),
  flags: row(ENTRY_SCHEMAS.flags.omit({ epoch: true }), (_view, data, event) => ({
    patch: set('flags', undefined, { definition: data.definition, epoch: event.seq }),
    direction: 'loosens', // what the app's own flags mean is not known here
  })),
  /** A store has kept the state of that epoch apart, in bytes with this digest: who reads this in the log may begin with them. */
  snapshot: row(z.object({ epoch: epochSchema, digest: hashSchema }), () => ({
    patch: { set: [], remove: [] },
    direction: 'neutral',
  })),
} as const);

export type EventType = keyof typeof FOLDS;
export type EventData<T extends EventType> = z.infer<(typeof FOLDS)[T]['data']>;

/**
 * What one event does to the state: the only reader of events.
 * @throws KillSwitchError UNKNOWN_EVENT (a newer operator wrote it: who cannot read a change must not act), CORRUPT
 */
export function foldEvent(view: StateView, event: LogEvent): Folded {
  const found = Object.hasOwn(FOLDS, event.type) ? FOLDS[event.type as EventType] : undefined;
  if (!found) {
    throw new KillSwitchError(
      'UNKNOWN_EVENT',
      `Event ${event.seq} of the log has the type ${JSON.stringify(event.type)}, which this version does not know. Update this process.`,
    );
  }
  const { data, fold } = found as FoldRow<unknown>;
  const parsed = data.safeParse(event.data);
  if (!parsed.success) {
    throw new KillSwitchError('CORRUPT', `Event ${event.seq} of the log (${event.type}) has unreadable data.`, {
      cause: parsed.error,
    });
  }
  return fold(view, parsed.data, event);
}

/** True when `event` continues the log that ends in `hash` at `epoch`; only a `recover` may skip numbers, because executors may have seen later ones that were lost. */
export const follows = (event: LogEvent, hash: string, epoch: number): boolean =>
  event.prev === hash && (event.seq === epoch + 1 || (event.type === 'recover' && event.seq > epoch));
