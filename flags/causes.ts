// The small form of zod: causes are read in browsers too, and the whole of it would be 15 times as large.
import * as z from 'zod/mini';
import { messageOf } from './errors.ts';
import { isFaultCode, type FaultCode } from './faults.ts';
import { printable, shellWord, shownId } from './printable.ts';
import { redactText } from './secret-texts.ts';
import { AUTONOMY_STAGES, FEATURE_STAGES } from './stages.ts';

/** The longest text in a cause that arrives from outside, in UTF-16 units: more than any that is written here. */
const MAX_TEXT = 4000;

/** The longest amount that a model is told, in characters. */
const MAX_DIGITS = 40;

const id = z.string().check(z.minLength(1), z.maxLength(MAX_TEXT));
const words = z.string().check(z.maxLength(MAX_TEXT));
/** A finite number; or, where a number would not be exact, a decimal string: `digits` or `digits.digits`. */
const DECIMAL = /^\d+(\.\d+)?$/;
const amount = z.union([z.number(), z.string().check(z.maxLength(MAX_TEXT), z.regex(DECIMAL))]);

/** Whether it is an amount, and not in words what stood in its place. */
const isAmount = (value: string | number): boolean => (typeof value === 'number' ? value >= 0 : DECIMAL.test(value));

const NOT_SET_UP = 'the program cannot do it as it is set up at present';

/** The faults that do not pass by themselves, for a model: to try again changes nothing. */
const LASTING: Readonly<Partial<Record<FaultCode, string>>> = {
  CLOSED: 'the program that would do it is ending',
  HANDLER_FAILED: NOT_SET_UP,
  INTERNAL: NOT_SET_UP,
  NO_LOCAL_STATE: NOT_SET_UP,
  UNDONE: 'what it had done before was undone by a person',
  UNSUPPORTED: NOT_SET_UP,
};

const NEW_REQUEST = 'ask a person before you try it again, or go on without it';

/** What has become of a request, for a model: why its action does not run, and what to do instead. */
const APPROVALS: Readonly<Record<string, { readonly because: string; readonly instead: string }>> = {
  pending: { because: 'nobody has decided yet', instead: 'do not repeat it meanwhile' },
  rejected: {
    because: 'a person has looked at it and said no',
    instead: 'do not try it again, also not in another form, and report that it was not done',
  },
  expired: { because: 'nobody has approved it in time', instead: NEW_REQUEST },
  cancelled: { because: 'its request was given up, or it has been restricted since', instead: NEW_REQUEST },
  used: { because: 'what was approved has been done, or tried, already', instead: 'do not repeat it' },
  other_call: { because: 'it is not what was asked for', instead: 'change nothing of what was asked for, or ask anew' },
  unfit: {
    because: 'a person has approved it with other arguments, which do not keep its limits',
    instead: 'ask a person to correct that, and change nothing of what was asked for',
  },
  missing: { because: 'nobody knows of its request', instead: NEW_REQUEST },
  too_many: { because: 'too many calls wait for a person already', instead: 'try it again later, or go on without it' },
};

/** A limit, for a model. */
const limitOf = (max: string | number): string =>
  String(max).length > MAX_DIGITS ? 'its limit' : `the limit of ${max}`;

type Value = string | number | null;

/** Flat, because flag metadata holds texts and numbers only. A member that is null is left out there. */
type Members = Readonly<Record<string, z.ZodMiniType<Value>>>;

/** How a stop is lifted; null: what it has stopped is not known, as in what an older version has recorded. */
const lifts = (target: string | null): string =>
  target === null
    ? 'kill-switch status shows what to revive'
    : `kill-switch revive ${shellWord(target)} --reason "…" lifts this`;

/** What a budget has stopped that has counted this; one of a user or an account has stopped a run or agent. */
const stoppedBy = (scope: string): string | null =>
  scope === 'day' || scope === 'all' ? 'all' : /^(run|agent|mission|action):/.test(scope) ? scope : null;

/** Names that no member may have: metadata and records put values of their own under them. */
type Taken = { readonly kind?: never; readonly cause?: never; readonly epoch?: never };

interface Row<Shape extends Members> {
  readonly members: Shape;
  /**
   * Members with free text, which a person wrote or an error holds: redacted in records, left out of traces, cut where
   * they are too long.
   */
  readonly written?: readonly (keyof Shape & string)[];
  /** Members that name a person: left out of traces. */
  readonly people?: readonly (keyof Shape & string)[];
  /**
   * Why, for people: what comes after "stopped by". `given`: the same members as they were before they were made fit to
   * be shown.
   */
  sentence(
    members: { readonly [Name in keyof Shape]: z.infer<Shape[Name]> },
    given: { readonly [Name in keyof Shape]: z.infer<Shape[Name]> },
  ): string;
  /** Why, for a model: a clause about the action, which names nobody and quotes nothing that somebody wrote. */
  forModel(members: { readonly [Name in keyof Shape]: z.infer<Shape[Name]> }): string;
  /** What a model may do where this has blocked the action; default: what the mode says. */
  instead?(members: { readonly [Name in keyof Shape]: z.infer<Shape[Name]> }): string | undefined;
}

interface Member {
  readonly name: string;
  /** Its name in records: `killedBy` is `killed_by`. */
  readonly recordName: string;
  readonly holds: 'id' | 'person' | 'words';
}

function row<const Kind extends string, Shape extends Members>(
  kind: Kind,
  given: Row<Shape> & { readonly members: Taken },
) {
  const { members, sentence, forModel, instead = () => undefined }: Row<Shape> = given;
  const { written = [], people = [] }: { readonly written?: readonly string[]; readonly people?: readonly string[] } =
    given;
  return {
    kind,
    schema: z.object({ kind: z.literal(kind), ...members }),
    members: Object.keys(members).map(
      (name): Member => ({
        name,
        recordName: name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
        holds: written.includes(name) ? 'words' : people.includes(name) ? 'person' : 'id',
      }),
    ),
    sentence,
    forModel,
    instead,
  };
}

/**
 * One row for each kind of cause. To add one, copy a row: sentences, metadata, records and traces are all made and read
 * by this table.
 */
const CAUSES = [
  /** The base mode; or a mode that came without a cause, or with one that cannot be read. */
  row('mode', {
    members: {},
    sentence: () => 'the mode of the switch',
    forModel: () => 'it is restricted at present',
  }),
  row('kill', {
    members: { killId: id, target: id, killedBy: id, reason: z.nullable(words) },
    written: ['reason'],
    people: ['killedBy'],
    sentence: ({ target, killedBy, reason }) => `a kill of ${target} by ${killedBy}${reason ? ` (${reason})` : ''}`,
    forModel: () => 'an operator has restricted it',
  }),
  /** `until`: when its window ends, RFC 3339 UTC; null where it has none, or its end is not known. */
  row('rule', {
    members: { rule: id, until: z.nullable(id) },
    sentence: ({ rule, until }) => `the rule ${rule}${until === null ? '' : ` until ${until.replace('.000Z', 'Z')}`}`,
    forModel: () => 'a standing rule restricts it',
  }),
  row('feature', {
    members: { feature: id, stage: z.enum(FEATURE_STAGES) },
    sentence: ({ feature, stage }) => `the feature ${feature}, which is ${stage}`,
    forModel: () => 'its feature has not been released',
    instead: () => 'go on without it, and report that it was not done',
  }),
  row('autonomy', {
    members: { action: id, stage: z.enum(AUTONOMY_STAGES) },
    sentence: ({ action, stage }) => `the autonomy stage ${stage} of ${action}`,
    forModel: () => 'a person has to look at it first',
  }),
  /** `value`: the amount of this call, or as a text whatever stood there instead of an amount. */
  row('limit', {
    members: { limit: id, value: z.union([z.number(), words]), max: amount },
    written: ['value'],
    sentence: ({ limit, value, max }, given) =>
      `the limit ${limit} of ${max}, ${isAmount(given.value) ? `which ${given.value} does not keep` : `for which ${value} is no amount`}`,
    forModel: ({ value, max }) =>
      isAmount(value)
        ? `it does not keep ${limitOf(max)}`
        : `its amount is not a plain number that could be held to ${limitOf(max)}`,
    instead: () => 'do not split it into parts, and ask a person or stay within the limit',
  }),
  /** `target`: what it has stopped, or would stop. */
  row('budget', {
    members: { scope: id, type: id, spent: amount, limit: amount, target: z.nullable(id) },
    sentence: ({ scope, type, spent, limit }, given) =>
      `the budget of ${scope}, of which ${spent} of ${limit} ${type} are spent (${lifts(given.target ?? stoppedBy(given.scope))})`,
    forModel: () => 'its budget is spent, and a person has to look at it',
    instead: () => 'do not try it again, and report what is left to do',
  }),
  /** `why`: a clause for people that goes on after the id. */
  row('approval', {
    members: { approvalId: id, status: id, why: z.nullable(words) },
    written: ['why'],
    sentence: ({ approvalId, status, why }) =>
      `the approval ${approvalId}${why === null ? `, which is ${status}` : ` ${why}`}`,
    forModel: ({ status }) => APPROVALS[status]?.because ?? 'it has not been approved',
    instead: ({ status }) => APPROVALS[status]?.instead ?? 'ask a person, or go on without it',
  }),
  row('tripwire', {
    members: { name: id, value: amount, limit: amount, target: z.nullable(id) },
    sentence: ({ name, value, limit }, given) =>
      `the tripwire ${name}, with ${value} where the limit is ${limit} (${lifts(given.target)}, kill-switch tripwire set changes it)`,
    forModel: () => 'something was done too often, and a person has to look at it',
    instead: () => 'do not repeat it in this or another form, and report what is left to do',
  }),
  row('identity', {
    members: { message: words },
    written: ['message'],
    sentence: ({ message }) => message,
    forModel: () => 'nobody can tell who asks for it',
    instead: () => 'this is a mistake in the program, so report it instead of trying again',
  }),
  row('fault', {
    members: { code: z.custom<FaultCode>(isFaultCode), message: words },
    written: ['message'],
    sentence: ({ code, message }) => (message === '' ? `the fault ${code}` : `${message} (${code})`),
    forModel: ({ code }) => LASTING[code] ?? 'the switch that could allow it cannot be read',
    instead: ({ code }) =>
      code in LASTING
        ? 'do not try it again, and report that it was not done'
        : 'try it again later, or report that it was not done',
  }),
] as const;

type Each<T> = T extends unknown ? { readonly [Name in keyof T]: T[Name] } : never;

/** Why a decision is what it is: a union by `kind`. */
export type Cause = Each<z.infer<(typeof CAUSES)[number]['schema']>>;

const [modeRow, ...others] = CAUSES;

/** A cause as it stands in a decision, and in its JSON. */
export const causeSchema = z.discriminatedUnion('kind', [modeRow.schema, ...others.map(({ schema }) => schema)]);

/** What all rows have in common. */
interface AnyRow {
  readonly kind: string;
  readonly schema: z.ZodMiniType<Cause>;
  readonly members: readonly Member[];
  sentence(members: Readonly<Record<string, Value>>, given: Readonly<Record<string, Value>>): string;
  forModel(members: Readonly<Record<string, Value>>): string;
  instead(members: Readonly<Record<string, Value>>): string | undefined;
}

const ROWS: ReadonlyMap<unknown, AnyRow> = new Map(CAUSES.map((each: AnyRow) => [each.kind, each]));

/** The row of a cause; that of `mode` for a kind that only another version of this package has. */
const rowOf = (cause: Cause): AnyRow => ROWS.get(cause.kind) ?? modeRow;

/** The mode alone. Shared by all decisions that rest on it, so nobody may change it. */
export const MODE_CAUSE: Cause = Object.freeze({ kind: 'mode' });

/** How the texts of a cause are shown: `id` for ids, codes, stages and amounts, `words` for what somebody wrote. */
export interface ShownAs {
  readonly id: (text: string) => string;
  readonly words: (text: string) => string;
}

/**
 * Fit for one line: what cannot be seen is escaped, and an id that could be taken for another is in quotes besides. A
 * kill of `agent:bot` with a character of no width must not read like one of `agent:bot`.
 */
export const ON_ONE_LINE: ShownAs = Object.freeze({ id: shownId, words: printable });

/** One sentence for people: why. Its texts stand in it as they are, unless `shownAs` changes them. */
export function describeCause(cause: Cause, shownAs?: ShownAs): string {
  const { members, sentence } = rowOf(cause);
  const values: Readonly<Record<string, Value>> = cause;
  if (!shownAs) return sentence(values, values);
  const shown = { ...values };
  for (const { name, holds } of members) {
    const value = values[name];
    if (typeof value === 'string') shown[name] = holds === 'words' ? shownAs.words(value) : shownAs.id(value);
  }
  return sentence(shown, values);
}

/** Why, for a model: a clause about the action, which names nobody and quotes nothing that somebody wrote. */
export const clauseForModel = (cause: Cause): string => rowOf(cause).forModel(cause);

/** What a model may do where this cause has blocked its action; undefined where that depends on the mode. */
export const insteadForModel = (cause: Cause): string | undefined => rowOf(cause).instead(cause);

/** A cause in one word, for counters: its kind; for a fault its code. */
export const causeWord = (cause: Cause): string => (cause.kind === 'fault' ? cause.code : cause.kind);

/**
 * The `flagMetadata` of an answer: `cause` is the kind of its cause, the members stand beside it, and those that are
 * null are left out.
 */
export function causeMetadata(cause: Cause, epoch: number): Record<string, string | number> {
  const metadata: Record<string, string | number> = { cause: cause.kind, epoch };
  if (cause.kind === 'mode') return metadata; // most answers
  const values: Readonly<Record<string, Value>> = cause;
  for (const { name } of rowOf(cause).members) {
    const value = values[name];
    if (value !== null && value !== undefined) metadata[name] = value;
  }
  return metadata;
}

/**
 * The cause that `causeMetadata` had put into an answer's metadata; null where there is none, or none that can be read.
 * Anybody may have written the metadata: with a kind that is not in the table, a member that is missing or of another
 * type, or an id of more than 4000 characters, it holds no cause.
 */
export function causeFromMetadata(metadata: Readonly<Record<string, unknown>>): Cause | null {
  const kind = metadata['cause'];
  // Most answers; nothing is looked up for them.
  if (kind === 'mode') return MODE_CAUSE;
  const cause = kind === undefined ? null : readCause(kind, ({ name }) => metadata[name]);
  // As with a fault the message may be that of an error, with the URL of a server in it.
  return cause?.kind === 'identity' ? { ...cause, message: messageOf(cause.message) } : cause;
}

/** A cause as records have it: `kind` and its members in snake_case. Secrets in its free texts are redacted. */
export function causeRecord(cause: Cause): Record<string, Value> {
  const record: Record<string, Value> = { kind: cause.kind };
  const values: Readonly<Record<string, Value>> = cause;
  for (const { name, recordName, holds } of rowOf(cause).members) {
    const value = values[name] ?? null;
    record[recordName] = holds === 'words' && typeof value === 'string' ? redactText(value) : value;
  }
  return record;
}

/** The cause of a record; null where it cannot be read, for instance because another version wrote it. */
export const causeFromRecord = (record: Readonly<Record<string, unknown>>): Cause | null =>
  readCause(record['kind'], ({ recordName }) => record[recordName]);

/** The part of a cause that may stand in traces: its kind, ids and amounts, under the names that records have. */
export function causeAttributes(cause: Cause): Record<string, string | number> {
  const attributes: Record<string, string | number> = { cause: cause.kind };
  const values: Readonly<Record<string, Value>> = cause;
  for (const { name, recordName, holds } of rowOf(cause).members) {
    const value = values[name];
    if (holds === 'id' && value !== null && value !== undefined) attributes[recordName] = value;
  }
  return attributes;
}

function readCause(kind: unknown, given: (member: Member) => unknown): Cause | null {
  const row = ROWS.get(kind);
  if (!row) return null;
  const values: Record<string, unknown> = { kind };
  for (const member of row.members) {
    const value = given(member) ?? null;
    values[member.name] = member.holds === 'words' && typeof value === 'string' ? value.slice(0, MAX_TEXT) : value;
  }
  return row.schema.safeParse(values).data ?? null;
}
