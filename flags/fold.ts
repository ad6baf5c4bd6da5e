import { z } from 'zod';
import { bothKills, killAdds, sameBaseMode } from './already.ts';
import { approvalIdSchema, type BoundRequest, boundRequestSchema, editedInputSchema } from './approvals.ts';
import { budgetSchema, isNoLooser } from './budget-records.ts';
import { featureAfter, featureDirection } from './feature-change.ts';
import { evidenceSchema, requirementSchema } from './feature-requirement.ts';
import {
  ENTRY_KINDS,
  ENTRY_SCHEMAS,
  type Entry,
  type EntryKey,
  type EntryKind,
  entryKey,
  FIRST_FORMAT,
  formatOf,
  type Patch,
  placeOf,
  type StateView,
} from './entries.ts';
import { KillSwitchError } from './errors.ts';
import { deepFreeze } from './freeze.ts';
import { coversRule, RULE_MEMBERS, weeklyWindowSchema } from './rule-entry.ts';
import { INITIAL_MODE, strictness } from './modes.ts';
import {
  type ActiveKill,
  epochSchema,
  hashSchema,
  headSchema,
  idSchema,
  type LastChange,
  type LogEvent,
  stopCauseSchema,
  targetSchema,
  timeSchema,
} from './records.ts';
import { type Performer, performerSchema, type Rollback, rollbackMembers } from './rollbacks.ts';
import { AUTONOMY_STAGES } from './stages.ts';
import { tripwireOf } from './stops.ts';
import { DEFAULT_TRIPWIRES, isNoLooserTripwire, tripwireSchema } from './tripwire-records.ts';
import { UNKNOWN, unknownParts } from './unknown-parts.ts';

/**
 * What an event does to authority: takes some away, gives some back, or changes none. A push may be acted on only when
 * it does not loosen.
 */
export type Direction = 'tightens' | 'loosens' | 'neutral';

export interface Folded {
  readonly patch: Patch;
  readonly direction: Direction;
}

/** What the fold reads of an event beside its data. */
type EventFacts = Pick<LogEvent, 'seq' | 'at' | 'actor' | 'reason'>;

/**
 * The member that every event's data may have besides its own: the id of its command, by which a retry finds its own
 * event.
 */
const OF_A_COMMAND = { command_id: z.string().min(1).optional() };

/** How many resolutions are kept, and for how long, in milliseconds: longer than the journal keeps their intents. */
const [MOST_RESOLVED, RESOLVED_MS] = [1000, 100 * 86_400_000];

/** How many rollbacks are kept, and for how long, in milliseconds. */
const [MOST_ROLLBACKS, ROLLBACK_MS] = [100, 30 * 86_400_000];

/** What else is known of a kind of event, beside what it does to the state. */
interface Traits {
  /** The generation that it begins: that of a new log, or one in which a log goes on after a loss. */
  readonly begins?: 'log' | 'recovery';
  /** True where nobody waits for it: it never goes before the changes of others. */
  readonly isUpkeep?: true;
}

/**
 * One kind of event: its data, and what that does to the state. Data with a member that is not named here is refused:
 * it may be a condition that only a newer version knows.
 */
function row<Members extends z.ZodRawShape>(
  members: Members,
  fold: (
    view: StateView,
    data: z.infer<z.ZodObject<Members & typeof OF_A_COMMAND, z.core.$strict>>,
    event: EventFacts,
  ) => Folded,
  traits: Traits = {},
) {
  const data = z.strictObject({ ...members, ...OF_A_COMMAND });
  return {
    data,
    traits,
    fold(view: StateView, event: LogEvent): Folded {
      const parsed = data.safeParse(event.data);
      if (!parsed.success) throw unknownEvent(event, unknownParts(parsed.error), parsed.error);
      return fold(view, parsed.data, event);
    },
  };
}

/** Its hash has shown that the event is what was written, so what cannot be read of it is no damage. */
const unknownEvent = ({ seq, type }: LogEvent, parts: string, cause?: z.ZodError): KillSwitchError =>
  new KillSwitchError('UNKNOWN_EVENT', `Event ${seq} of the log (${type}) has ${parts}, which ${UNKNOWN}`, { cause });

/** The last change of an entry that this event sets. */
const changedBy = ({ seq, actor, at }: EventFacts): LastChange => ({ epoch: seq, by: actor, at });

const set = <K extends EntryKind>(kind: K, name: string | undefined, entry: Entry<K>): Patch => ({
  set: [[entryKey(kind, name), entry]],
  remove: [],
});

const NOTHING: Patch = deepFreeze({ set: [], remove: [] });

const compare = (before: number, after: number): Direction =>
  after > before ? 'tightens' : after < before ? 'loosens' : 'neutral';

/**
 * The strictness of a base mode. One with targeting may be looser for some contexts, so it counts as looser than
 * `live`.
 */
const baseStrictness = (entry: Pick<Entry<'mode'>, 'mode' | 'targeting'>): number =>
  entry.targeting === null ? strictness(entry.mode) : -1;

const baseDirection = (before: Pick<Entry<'mode'>, 'mode' | 'targeting'>, after: typeof before): Direction => {
  if (sameBaseMode(before, after)) return 'neutral';
  // Leaving a targeting rule for anything but full_stop may give somebody more than the rule gave.
  if (before.targeting !== null) return after.mode === 'full_stop' && after.targeting === null ? 'tightens' : 'loosens';
  return compare(baseStrictness(before), baseStrictness(after));
};

/** The cause is that of whoever has made the kill. */
function withoutCause(kill: ActiveKill | undefined): Omit<ActiveKill, 'cause'> | undefined {
  if (!kill) return undefined;
  const { cause, ...rest } = kill;
  return cause ? rest : kill;
}

/** How many things that were counted one kill names. */
const MOST_COUNTED_BY_ONE = 100;

const endKill = row({ id: z.string(), target: targetSchema }, (view, data, event) => {
  const active = view.get('kill', data.target);
  const ends = active?.id === data.id;
  const lifted = (ends && active.counted ? [...new Set([data.target, ...active.counted])] : []).map(
    (counted) => [entryKey('lifted', counted), changedBy(event)] as const,
  );
  return {
    patch: { set: lifted, remove: ends ? [entryKey('kill', data.target)] : [] },
    direction: ends ? 'loosens' : 'neutral',
  };
});

const { kill, mode, feature, limit, autonomy, flags, standing } = ENTRY_SCHEMAS;

const decidedBy = ({ actor, at, reason }: EventFacts) => ({ decided_by: actor, decided_at: at, notes: reason });

/** The entry of a request, as it is or as it begins. */
const approvalOf = (
  view: StateView,
  request: BoundRequest,
): Omit<Entry<'approval'>, keyof LastChange> & Partial<LastChange> =>
  view.get('approval', request.id) ?? {
    status: 'pending',
    request,
    given: [],
    edited: null,
    decided_by: null,
    decided_at: null,
    notes: null,
    escalated: false,
  };

/**
 * Who is waited for when a rollback is taken over: whoever had it before the one who has it now may act no longer than
 * a lease of theirs either.
 */
const formerOf = ({ performer, former }: Rollback): Performer => ({
  ...performer,
  lease_ms: Math.max(performer.lease_ms, former?.lease_ms ?? 0),
});

/** Every kind of event: the shape of its data, and what it does to the state. To add one, copy a row. */
export const FOLDS = Object.freeze({
  init: row(
    { generation: z.string().min(1) },
    (_view, { generation }, event) => ({
      patch: {
        set: [
          [
            entryKey('control'),
            { format: FIRST_FORMAT, generation, generations: [generation], recovered: false, ...changedBy(event) },
          ],
          [entryKey('mode'), { mode: INITIAL_MODE, targeting: null, ...changedBy(event) }],
        ],
        remove: [],
      },
      direction: 'loosens',
    }),
    { begins: 'log' },
  ),
  /** `excluded`: the names whose reports of forks are not believed from now on. */
  recover: row(
    { generation: z.string().min(1), given_up: z.array(headSchema), excluded: z.array(z.string()).optional() },
    (view, data, event) => {
      const before = view.get('control');
      const control: Entry<'control'> = {
        format: before?.format ?? FIRST_FORMAT,
        generation: data.generation,
        generations: [
          ...new Set([
            ...(before?.generations ?? []),
            ...data.given_up.map((head) => head.generation),
            data.generation,
          ]),
        ],
        ...(data.excluded && data.excluded.length > 0 && { excluded: data.excluded }),
        recovered: true,
        ...changedBy(event),
      };
      const mode = view.get('mode') ?? { mode: INITIAL_MODE, targeting: null, ...changedBy(event) };
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
    },
    { begins: 'recovery' },
  ),
  kill: row(kill.pick({ id: true, target: true, mode: true, expires_at: true }).shape, (view, data, event) => {
    const active = view.get('kill', data.target);
    const killed: ActiveKill = {
      ...withoutCause(active), // also what was set aside
      id: active?.id || data.id,
      target: data.target,
      reason: event.reason ?? active?.reason ?? null,
      killed_by: event.actor,
      killed_at: active?.killed_at || event.at,
      ...(active ? bothKills(active, data) : { mode: data.mode, expires_at: data.expires_at }),
      ...changedBy(event),
    };
    return { patch: set('kill', data.target, killed), direction: 'tightens' };
  }),
  /**
   * Somebody else asks for a restriction that is there already. Only the entry's last change moves on, so whoever had
   * read it before must read it again to lift it.
   */
  second: row({ kind: z.enum(ENTRY_KINDS), name: z.string().nullable() }, (view, data, event) => {
    const name = data.name ?? undefined;
    const entry = view.get(data.kind, name);
    return {
      patch: entry ? set(data.kind, name, { ...entry, ...changedBy(event) }) : NOTHING,
      direction: 'neutral',
    };
  }),
  revive: endKill,
  expire: endKill,
  mode: row({ mode: mode.shape.mode, targeting: z.unknown() }, (view, data, event) => {
    const entry = { mode: data.mode, targeting: data.targeting ?? null, ...changedBy(event) };
    const before = view.get('mode') ?? { mode: 'full_stop', targeting: null };
    return { patch: set('mode', undefined, entry), direction: baseDirection(before, entry) };
  }),
  /**
   * Without `requirement` the one that is there stays; null: none from now on. `evidence`: what the reports of
   * executors came to when it was promoted; it is told, and changes nothing.
   */
  feature: row(
    {
      name: z.string(),
      stage: feature.shape.stage,
      targeting: z.unknown().optional(),
      requirement: requirementSchema.nullable().optional(),
      evidence: evidenceSchema.optional(),
    },
    (view, { name, ...data }, event) => {
      const before = view.get('feature', name);
      const terms = featureAfter(before, data, event.at);
      return {
        patch: set('feature', name, { ...terms, ...changedBy(event) }),
        direction: featureDirection(name, before, terms),
      };
    },
  ),
  limit: row({ name: z.string(), value: limit.shape.value }, (view, data, event) => {
    // Absent means only the limit in code, which no flag can raise.
    const before = view.get('limit', data.name)?.value ?? Number.POSITIVE_INFINITY;
    return {
      patch: set('limit', data.name, { value: data.value, ...changedBy(event) }),
      direction: compare(-before, -data.value),
    };
  }),
  autonomy: row({ action: z.string(), stage: autonomy.shape.stage }, (view, data, event) => {
    const rank = (stage: Entry<'autonomy'>['stage']): number => -AUTONOMY_STAGES.indexOf(stage);
    const before = view.get('autonomy', data.action);
    // Without an entry there is no floor, and the flag answers `human_in_the_loop`. So to set that stage adds a floor;
    // to set a later one gives the flag a looser answer.
    const direction = before
      ? compare(rank(before.stage), rank(data.stage))
      : data.stage === 'human_in_the_loop'
        ? 'tightens'
        : 'loosens';
    return { patch: set('autonomy', data.action, { stage: data.stage, ...changedBy(event) }), direction };
  }),
  /** `definition`: null removes the budget of this name. */
  budget: row({ name: z.string().min(1), definition: budgetSchema.nullable() }, (view, { name, definition }, event) => {
    const before = view.get('budget', name);
    if (!definition)
      return {
        patch: { set: [], remove: before ? [entryKey('budget', name)] : [] },
        direction: before ? 'loosens' : 'neutral',
      };
    const budget = { ...definition, since: before?.since ?? event.seq, ...changedBy(event) };
    return {
      patch: set('budget', name, budget),
      direction: !before || isNoLooser(definition, before) ? 'tightens' : 'loosens',
    };
  }),
  /** `definition`: null removes the tripwire of this name, also one that is there by default. */
  tripwire: row({ name: idSchema, definition: tripwireSchema.nullable() }, (view, { name, definition }, event) => {
    const before = tripwireOf(view, name);
    const isRemoved = !definition && !Object.hasOwn(DEFAULT_TRIPWIRES, name);
    return {
      patch: isRemoved
        ? { set: [], remove: view.get('tripwire', name) ? [entryKey('tripwire', name)] : [] }
        : set('tripwire', name, { definition, ...changedBy(event) }),
      direction: !before
        ? definition
          ? 'tightens'
          : 'neutral'
        : definition && isNoLooserTripwire(definition, before)
          ? 'tightens'
          : 'loosens',
    };
  }),
  /** The copy of an executor's stop, as a kill of that target; the event's actor is what stopped. */
  stop: row(
    {
      ...kill.pick({ id: true, target: true, mode: true }).shape,
      stop_id: z.string().min(1),
      counted: z.string(),
      cause: stopCauseSchema.nullable(),
      /** When it was made, by the executor's word: not later than it was copied; absent where that is not known. */
      stopped_at: timeSchema.optional(),
    },
    (view, data, event) => {
      const active = view.get('kill', data.target);
      const terms = { mode: data.mode, expires_at: null };
      const adds = killAdds(active, terms);
      const cause = adds || !active ? data.cause : active.cause;
      const killed: ActiveKill = {
        ...withoutCause(active), // also what was set aside
        id: active?.id || data.id,
        target: data.target,
        reason: adds ? event.reason : (active?.reason ?? event.reason),
        killed_by: adds || !active ? event.actor : active.killed_by,
        killed_at: active?.killed_at || data.stopped_at || event.at,
        ...(active ? bothKills(active, terms) : terms),
        counted: [...new Set([...(active?.counted ?? []), data.counted])].slice(-MOST_COUNTED_BY_ONE),
        ...(cause && { cause }),
        ...changedBy(event),
      };
      return { patch: set('kill', data.target, killed), direction: 'tightens' };
    },
  ),
  flags: row({ definition: flags.shape.definition }, (_view, data, event) => ({
    patch: set('flags', undefined, { definition: data.definition, ...changedBy(event) }),
    direction: 'loosens', // nobody here knows what the app's own flags mean
  })),
  /** Adds a standing rule, or replaces the one of that name. */
  rule_add: row({ name: z.string(), ...RULE_MEMBERS }, (view, { name, target, mode, window, when }, event) => {
    const before = view.get('rule', name);
    const after = { target, mode, window, when: when ?? null };
    const rule = { ...after, reason: event.reason ?? before?.reason ?? null, ...changedBy(event) };
    const tightens = !before || coversRule(after, before, event.at);
    return { patch: set('rule', name, rule), direction: tightens ? 'tightens' : 'loosens' };
  }),
  rule_remove: row({ name: z.string(), target: targetSchema }, (view, { name }) => {
    const found = view.get('rule', name) !== undefined;
    return {
      patch: { set: [], remove: found ? [entryKey('rule', name)] : [] },
      direction: found ? 'loosens' : 'neutral',
    };
  }),
  /**
   * The instants of a rule's window for further weeks. They say nothing but what its words say, so who has last changed
   * the rule stays as it was. `words`: those that were read; a rule with others has been replaced meanwhile.
   */
  rule_renew: row(
    { name: z.string(), ...weeklyWindowSchema.pick({ words: true, since: true, until: true, opens: true }).shape },
    (view, { name, words, since, until, opens }) => {
      const rule = view.get('rule', name);
      if (rule?.window?.kind !== 'weekly' || rule.window.words !== words)
        return { patch: NOTHING, direction: 'neutral' };
      const window = { ...rule.window, since, until, opens };
      return { patch: set('rule', name, { ...rule, window }), direction: 'loosens' };
    },
  ),
  /**
   * An operator says whether an effect has landed, of which its executor has not said so. `intent`: its id in the
   * journal. Old ones go when a new one comes: their intents are unknown again, and nothing runs by that.
   */
  resolve: row(
    { intent: z.string(), landed: z.boolean(), run_id: z.string().nullable(), idempotency_key: z.string() },
    (view, { intent, landed }, event) => {
      const before = view.get('resolutions')?.resolved ?? [];
      const since = Date.parse(event.at) - RESOLVED_MS;
      const kept = before.filter((each) => each.intent !== intent && Date.parse(each.at) >= since);
      const resolved = [...kept, { intent, landed, at: event.at }].slice(-MOST_RESOLVED);
      return { patch: set('resolutions', undefined, { resolved, ...changedBy(event) }), direction: 'loosens' };
    },
  ),
  /**
   * Somebody asks that what a target has done is undone: exactly what was previewed, by the one executor that is named,
   * past the kills that are named. `loosens`: reversals may run under a stop.
   */
  rollback: row(rollbackMembers, (view, { command_id: _, ...data }, event) => {
    const before = view.get('rollbacks')?.asked ?? [];
    const since = Date.parse(event.at) - ROLLBACK_MS;
    const kept = before.filter(({ id, at }) => id !== data.id && Date.parse(at) >= since);
    const rollback = { ...data, former: null, asked_by: event.actor, ...changedBy(event) };
    const asked = [...kept, rollback].slice(-MOST_ROLLBACKS);
    return { patch: set('rollbacks', undefined, { asked, ...changedBy(event) }), direction: 'loosens' };
  }),
  /** Another executor performs a rollback from then on. */
  takeover: row({ id: z.string(), performer: performerSchema }, (view, { id, performer }, event) => {
    const before = view.get('rollbacks')?.asked ?? [];
    if (!before.some((each) => each.id === id)) return { patch: NOTHING, direction: 'neutral' };
    const asked = before.map((each) =>
      each.id === id
        ? { ...each, performer, former: formerOf(each), asked_by: event.actor, ...changedBy(event) }
        : each,
    );
    return { patch: set('rollbacks', undefined, { asked, ...changedBy(event) }), direction: 'loosens' };
  }),
  /**
   * A store keeps the state of that epoch in a file with this digest: readers that find this event in the log may begin
   * with that file.
   */
  snapshot: row({ epoch: epochSchema, digest: hashSchema }, () => ({ patch: NOTHING, direction: 'neutral' }), {
    isUpkeep: true,
  }),
  /** One person approves exactly this request; with `edited`, these arguments in the place of those it asked for. */
  approve: row({ request: boundRequestSchema, edited: editedInputSchema.optional() }, (view, data, event) => {
    const { id, approvals_needed: needed } = data.request;
    const before = approvalOf(view, data.request);
    const given = [...before.given, { by: event.actor, at: event.at }];
    const approval: Entry<'approval'> = {
      ...before,
      status: given.length < needed ? 'pending' : 'approved',
      request: data.request,
      given,
      edited: data.edited ?? null,
      ...decidedBy(event),
      ...changedBy(event),
    };
    return { patch: set('approval', id, approval), direction: 'loosens' };
  }),
  reject: row({ request: boundRequestSchema }, (view, { request }, event) => {
    const before = approvalOf(view, request);
    const rejected: Entry<'approval'> = { ...before, status: 'rejected', ...decidedBy(event), ...changedBy(event) };
    return { patch: set('approval', request.id, rejected), direction: 'tightens' };
  }),
  /** Requests that nobody has answered in time are told again, once. */
  escalate: row(
    { requests: z.array(boundRequestSchema).min(1).max(100) },
    (view, { requests }, event) => ({
      patch: {
        set: requests.map((request) => [
          entryKey('approval', request.id),
          { ...approvalOf(view, request), escalated: true, ...changedBy(event) },
        ]),
        remove: [],
      },
      direction: 'neutral',
    }),
    { isUpkeep: true },
  ),
  standing: row(
    standing.pick({ id: true, action: true, agent_id: true, run_id: true, match: true, times: true, until: true })
      .shape,
    (_view, { command_id: _, ...data }, event) => ({
      patch: set('standing', data.id, { ...data, notes: event.reason, ...changedBy(event) }),
      direction: 'loosens',
    }),
  ),
  standing_withdraw: row({ id: approvalIdSchema }, (_view, { id }) => ({
    patch: { set: [], remove: [entryKey('standing', id)] },
    direction: 'tightens',
  })),
  /** What can be used no more leaves the state, which would otherwise grow with every decision. */
  lapse: row(
    { approvals: z.array(approvalIdSchema).max(500), standing: z.array(approvalIdSchema).max(500) },
    (_view, data) => ({
      patch: {
        set: [],
        remove: [
          ...data.approvals.map((id) => entryKey('approval', id)),
          ...data.standing.map((id) => entryKey('standing', id)),
        ],
      },
      direction: 'neutral',
    }),
    { isUpkeep: true },
  ),
} as const);

export type EventType = keyof typeof FOLDS;
export type EventData<T extends EventType> = z.infer<(typeof FOLDS)[T]['data']>;

/**
 * What one event does to the state: the only reader of events.
 * @throws KillSwitchError UNKNOWN_EVENT (a newer version wrote it: an executor that cannot read a change must not act)
 */
export function foldEvent(view: StateView, event: LogEvent): Folded {
  if (event.unknown !== undefined) throw unknownEvent(event, event.unknown);
  if (isEventType(event.type)) return inItsFormat(view, FOLDS[event.type].fold(view, event));
  const type = JSON.stringify(event.type);
  throw new KillSwitchError('UNKNOWN_EVENT', `Event ${event.seq} of the log has the type ${type}, which ${UNKNOWN}`);
}

/** Raises the format of the state where what is set needs that. Who has last changed the `control` entry stays. */
function inItsFormat(view: StateView, folded: Folded): Folded {
  if (!folded.patch.set.some(([key, entry]) => formatOf(key, entry) > FIRST_FORMAT && !wasSo(view, key))) return folded;
  const control = view.get('control');
  if (!control || control.format === 2) return folded;
  const raised = [entryKey('control'), { ...control, format: 2 }] as const;
  return { ...folded, patch: { ...folded.patch, set: [...folded.patch.set, raised] } };
}

/** A kill reads nothing but its target's entry, and adds nothing to it that needs another format than before. */
function wasSo(view: StateView, key: EntryKey): boolean {
  const [kind, name] = placeOf(key);
  const before = kind === 'kill' ? view.get(kind, name) : undefined;
  return before !== undefined && formatOf(key, before) > FIRST_FORMAT;
}

/** The generation that an event of this type begins; null where it begins none, or this version does not know it. */
export const generationBegun = (type: string): 'log' | 'recovery' | null => traitsOf(type).begins ?? null;

/** True for events that a store makes for itself, for which nobody waits. */
export const isUpkeep = (type: string): boolean => traitsOf(type).isUpkeep === true;

const traitsOf = (type: string): Traits => (isEventType(type) ? FOLDS[type].traits : {});

/** True for a kind of event that this version knows. */
export const isEventType = (type: string): type is EventType => Object.hasOwn(FOLDS, type);
