import { z } from 'zod';
import { alertTargetSchema } from './alerts.ts';
import { approvalMembers, standingMembers } from './approvals.ts';
import { archiveSchema } from './archive.ts';
import { budgetSchema } from './budget-records.ts';
import { drillsMembers } from './drills.ts';
import { KillSwitchError } from './errors.ts';
import { governanceSchema } from './governance.ts';
import { isJsonObject } from './json-object.ts';
import {
  type ActiveKill,
  activeKillSchema,
  autonomyStageSchema,
  epochSchema,
  featureStageSchema,
  isActiveKill,
  lastChangeSchema,
  limitValueSchema,
  membersSchema,
  modeSchema,
  resolvedSchema,
  restrictersSchema,
  timeSchema,
} from './records.ts';
import { requirementSchema } from './feature-requirement.ts';
import { attemptSchema } from './refused-attempts.ts';
import { requestSchema } from './requests.ts';
import { rollbackSchema } from './rollbacks.ts';
import { RULE_MEMBERS } from './rule-entry.ts';
import { tripwireSchema } from './tripwire-records.ts';
import { UNKNOWN, unknownMembers } from './unknown-parts.ts';

/**
 * The format of the state. A version that adds something which this one would not know (a kind of entry, a member, a
 * meaning) raises it with the first event that uses it: so whoever changes one entry only, without having read the
 * others, knows whether it understands them.
 */
export const FORMATS = Object.freeze([1, 2] as const);
export type Format = (typeof FORMATS)[number];

/** A state begins with it, and keeps it until something needs another one. */
export const FIRST_FORMAT: Format = 1;

/** One kind of entry: its members, and those that every entry has. */
const entry = <Members extends z.ZodRawShape>(members: Members) =>
  z.strictObject({ ...members, ...lastChangeSchema.shape });

/**
 * When authority was last given back, where that goes step by step (`ladder.ts`): absent from when it was taken away
 * again.
 */
const STEPPED = { loosened_at: timeSchema.optional() };

/** Who has restricted it; absent where that was not kept. */
const RESTRICTED = { restricted_by: restrictersSchema.optional() };

/**
 * The state is a flat set of entries, each under its own key: `KIND` or `KIND:NAME`. One row for each kind. An entry
 * with a member that is not named here is refused: that member may be a condition of a newer version, and ignoring it
 * would allow what that version forbids.
 */
export const ENTRY_SCHEMAS = Object.freeze({
  /** The generation of this log, and all generations before it. */
  control: entry({
    format: z.literal(FORMATS),
    generation: z.string().min(1),
    generations: z.array(z.string()),
    /** The names whose reports of forks are not believed. */
    excluded: z.array(z.string()).optional(),
    recovered: z.boolean(),
  }),
  /**
   * The base mode; `targeting` is a flagd targeting rule that answers with a mode (null: the same for everyone).
   * `stood`: what stood before a pause.
   */
  mode: entry({
    mode: modeSchema,
    targeting: z.unknown().nullable(),
    stood: modeSchema.optional(),
    ...STEPPED,
    ...RESTRICTED,
  }),
  /** The app's ordinary flags, as a flagd definition. */
  flags: entry({ definition: membersSchema }),
  kill: activeKillSchema,
  /**
   * `targeting`: a flagd targeting rule that answers with a stage. `shadow_since`: from when on shadow runs count as
   * evidence for it; absent where nobody has had it in shadow since it was last dark.
   */
  feature: entry({
    stage: featureStageSchema,
    targeting: z.unknown().optional(),
    requirement: requirementSchema.optional(),
    shadow_since: timeSchema.optional(),
    ...STEPPED,
    ...RESTRICTED,
  }),
  limit: entry({ value: limitValueSchema, ...RESTRICTED }),
  autonomy: entry({ stage: autonomyStageSchema, ...RESTRICTED }),
  /** What operators have found out of intents whose executor has not said how they ended, the oldest first. */
  resolutions: entry({ resolved: z.array(resolvedSchema) }),
  /** A request that somebody has decided, or that was told again; until it can be used no more. */
  approval: entry(approvalMembers),
  standing: entry(standingMembers),
  /** The last rollbacks that were asked for, the oldest first. */
  rollbacks: entry({ asked: z.array(rollbackSchema) }),
  /** A standing restriction. `reason`: why it was added. */
  rule: entry({ ...RULE_MEMBERS, reason: z.string().nullable(), ...RESTRICTED }),
  /** By the name of the budget. `since`: the epoch from which on it counts; to change it does not move that. */
  budget: entry({ ...budgetSchema.shape, since: epochSchema, ...RESTRICTED }),
  /** `definition`: null where the tripwire that is there by default was removed. */
  tripwire: entry({ definition: tripwireSchema.nullable(), ...RESTRICTED }),
  /** What giving authority back takes, beside a reason and a role. */
  governance: entry(governanceSchema.shape),
  /** The changes that wait for another person, the oldest first. */
  requests: entry({ open: z.array(requestSchema) }),
  /** What was refused lately, so that repeats are counted and not recorded one by one. */
  refusals: entry({ last: z.array(attemptSchema) }),
  /** What was exercised lately, and what is to be. */
  drills: entry(drillsMembers),
  /** Where alerts go, in the order in which they were added. */
  alerts: entry({ targets: z.array(alertTargetSchema) }),
  /** Up to where the log was archived last. */
  archive: entry(archiveSchema.shape),
  /** By the scope or target that budgets and tripwires have counted: since then they count anew. */
  lifted: entry({}),
});

export type EntryKind = keyof typeof ENTRY_SCHEMAS;
export type Entry<K extends EntryKind = EntryKind> = z.infer<(typeof ENTRY_SCHEMAS)[K]>;

const isEntryKind = (kind: string): kind is EntryKind => Object.hasOwn(ENTRY_SCHEMAS, kind);

/** Every kind, in the order of the table. */
export const ENTRY_KINDS: readonly EntryKind[] = Object.freeze(Object.keys(ENTRY_SCHEMAS).filter(isEntryKind));

/** The key of an entry, as stores keep it: `mode`, `kill:agent:returns-bot`, `feature:refunds`. */
export type EntryKey = string;

export const entryKey = (kind: EntryKind, name?: string): EntryKey => (name === undefined ? kind : `${kind}:${name}`);

/** The kind of an entry, and its name where the kind has several. */
export type EntryPlace = readonly [kind: EntryKind, name?: string];

/**
 * The entry that a store's key names.
 * @throws KillSwitchError UNKNOWN_ENTRY for a kind that this version does not know
 */
export function placeOf(key: EntryKey): EntryPlace {
  const colon = key.indexOf(':');
  const kind = colon < 0 ? key : key.slice(0, colon);
  if (isEntryKind(kind)) return colon < 0 ? [kind] : [kind, key.slice(colon + 1)];
  throw new KillSwitchError('UNKNOWN_ENTRY', `The store holds an entry ${JSON.stringify(key)} that ${UNKNOWN}`);
}

/**
 * The kinds of the first format, with those of their members that it does not have. `restricted_by` of a kill is not
 * among them: a kill reads no `control` entry, so it can raise no format. A version that does not know that member
 * refuses the entry as unknown, and stops.
 */
const NOT_IN_FIRST: { readonly [K in EntryKind]?: ReadonlyArray<keyof Entry<K>> } = {
  ...{ control: [], flags: [], limit: ['restricted_by'], autonomy: ['restricted_by'] },
  mode: ['stood', 'loosened_at', 'restricted_by'],
  kill: ['counted', 'cause', 'loosened_at', 'drill_id'],
  feature: ['targeting', 'requirement', 'shadow_since', 'loosened_at', 'restricted_by'],
};

/** The lowest format that has this entry. */
export function formatOf(key: EntryKey, entry: Entry): Format {
  const [kind] = placeOf(key);
  const members: readonly string[] | undefined = NOT_IN_FIRST[kind];
  return members?.every((member) => !Object.hasOwn(entry, member)) ? 1 : 2;
}

/** One entry from outside. @throws KillSwitchError UNKNOWN_ENTRY (a newer version wrote it), CORRUPT */
export function parseEntry(key: EntryKey, value: unknown): Entry {
  const [kind] = placeOf(key);
  return kind === 'kill' && isActiveKill(value) ? sharingTexts(value) : parseEntryOf(kind, value, key);
}

const SCHEMAS: { readonly [K in EntryKind]: z.ZodType<Entry<K>> } = ENTRY_SCHEMAS;

/** The same for an entry whose kind the caller knows. @throws KillSwitchError UNKNOWN_ENTRY, CORRUPT */
export function parseEntryOf<K extends EntryKind>(kind: K, value: unknown, key: EntryKey = kind): Entry<K> {
  const the = `The store's entry ${JSON.stringify(key)}`;
  if (kind === 'kill' && isJsonObject(value) && 'set_aside' in value) {
    const what = '"set_aside", what was there before the kill';
    throw new KillSwitchError('UNKNOWN_ENTRY', `${the} has ${what}, which ${UNKNOWN}`);
  }
  const parsed = SCHEMAS[kind].safeParse(value);
  if (parsed.success) return parsed.data;
  const cause = parsed.error;
  const what = unknownMembers(cause) ?? unknownFormat(value, cause);
  throw what === null
    ? new KillSwitchError('CORRUPT', `${the} is unreadable.`, { cause })
    : new KillSwitchError('UNKNOWN_ENTRY', `${the} has ${what}, which ${UNKNOWN}`, { cause });
}

const unknownFormat = (value: unknown, { issues }: z.ZodError): string | null =>
  isJsonObject(value) && issues.some(({ path }) => path[0] === 'format') ? `format ${String(value['format'])}` : null;

/**
 * A kill that is read only to kill that target again, so that an operator can stop what this version cannot read. That
 * counts as the strictest, a full stop without an end, and stays in the entry as it was, set aside.
 */
export function killToAddTo(target: string, value: unknown): Entry<'kill'> {
  if (isActiveKill(value)) return value;
  const parsed = activeKillSchema.safeParse(value);
  return parsed.success ? parsed.data : unreadKill(target, value);
}

/** Something that may be a kill of that target, and that this version cannot read, as a kill. */
export function unreadKill(target: string, value: unknown): Entry<'kill'> {
  const { id, killed_at, reason } = isJsonObject(value) ? value : {};
  return {
    // '' where they cannot be read: the event of the next kill then gives its own
    id: typeof id === 'string' ? id : '',
    killed_at: timeSchema.safeParse(killed_at).data ?? '',
    reason: typeof reason === 'string' ? reason : null,
    ...{ target, mode: 'full_stop', expires_at: null, killed_by: '', epoch: 1, by: '', at: '' },
    set_aside: value,
  };
}

/**
 * The same kill with equal texts shared: most kills have not changed since they were made, so `by` and `at` repeat
 * `killed_by` and `killed_at`. For 100,000 kills this saves 7 MB.
 */
function sharingTexts(kill: ActiveKill): ActiveKill {
  const { by, at, killed_by, killed_at } = kill;
  return { ...kill, by: by === killed_by ? killed_by : by, at: at === killed_at ? killed_at : at };
}

/**
 * What one event does to the state: entries to set and keys to remove. Every driver applies patches, and reads no
 * events.
 */
export interface Patch {
  readonly set: ReadonlyArray<readonly [EntryKey, Entry]>;
  readonly remove: readonly EntryKey[];
}

/**
 * What planning and folding read: single entries, so that the cost of a change does not grow with the number of kills.
 */
export interface StateView {
  get<K extends EntryKind>(kind: K, name?: string): Entry<K> | undefined;
}
