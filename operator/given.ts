import { hash } from 'node:crypto';
import { canonicalize } from 'json-canonicalize';
import {
  approvalIdSchema,
  type EditedInput,
  hashSchema,
  idProblem,
  invalid,
  isAutonomyStage,
  isFeatureStage,
  MOST_RUNS,
  isMode,
  LONGEST_TIMER_MS,
  MAX_EDITED_INPUT,
  MAX_STANDING_USES,
  MODES,
  parseTarget,
  quoteId,
  readTarget,
  requirementSchema,
  ruleProblem,
  stageRuleProblem,
} from '../flags/index.ts';
import { checkKeys, type Keys } from '../flags/options.ts';
import { REDACTED } from '../flags/secret-keys.ts';
import { AUTONOMY_STAGES, FEATURE_STAGES } from '../flags/stages.ts';
import type {
  AllowOptions,
  ApproveOptions,
  AutonomyOptions,
  ChangeAnswer,
  ChangeOptions,
  FeatureOptions,
  FlagsOptions,
  KillOptions,
  LimitOptions,
  ModeOptions,
  RecordedKill,
  RecoverOptions,
  RequirementOptions,
  ResolveOptions,
  RejectOptions,
  ReviveOptions,
  WaitOptions,
  WithdrawStandingOptions,
} from './control-plane.ts';
import { parseFlagsDefinition } from './flags-definition.ts';
import { jsonObject, jsonValue } from './json-value.ts';
import type { CommandOf, CommandType } from './commands/index.ts';
import { readReason } from './reason.ts';
import { givenRun } from './runs.ts';
import type { Waiting } from './stop-heard.ts';

// The arguments of callers, checked before the store is asked: a wrong value is the caller's own mistake. It must
// neither look like an outage of the store nor hold up the changes of others. Each option is read once.

/** How a stop is waited for, and who is told meanwhile. */
export type GivenWaiting<Told = ChangeAnswer> = Waiting & Pick<WaitOptions<Told>, 'onMatched' | 'onRecorded'>;

/** A change that may take authority away. */
export interface Given<T extends CommandType, Told = ChangeAnswer> {
  readonly command: CommandOf<T>;
  readonly waiting: GivenWaiting<Told>;
}

export const CHANGE_KEYS: Keys<ChangeOptions> = { reason: ['why', 'because'], epoch: true };

export const WAIT_KEYS: Keys<WaitOptions> = {
  waitMs: ['wait', 'timeout', 'timeoutMs'],
  onProgress: true,
  onRecorded: true,
  onMatched: true,
  signal: true,
};

const KILL_KEYS: Keys<KillOptions> = {
  ...WAIT_KEYS,
  target: true,
  mode: true,
  reason: ['why', 'because'],
  expiresAt: ['until', 'expires', 'end', 'endsAt'],
  lastsMs: ['duration', 'durationMs', 'for', 'ttl', 'ttlMs', 'expiresInMs'],
};

/**
 * A kill is never refused for its reason. An unknown option is refused, as everywhere: it is the program's mistake, the
 * same each time it runs.
 */
export function givenKill(options: KillOptions): Given<'kill', RecordedKill> {
  const given = checkKeys('kill', options, KILL_KEYS);
  const { target, mode = 'full_stop', reason, expiresAt, lastsMs } = given;
  parseTarget(target);
  if (expiresAt !== undefined && lastsMs !== undefined) throw invalid('A kill has expiresAt or lastsMs, not both.');
  if (lastsMs !== undefined && !(typeof lastsMs === 'number' && lastsMs > 0))
    throw invalid(`lastsMs is a number of more than 0, in milliseconds, not ${quoteId(lastsMs)}.`);
  const waiting = givenWaiting(given);
  const command: CommandOf<'kill'> = {
    type: 'kill',
    target,
    mode: oneOf('a mode', mode, isMode, MODES),
    ...readReason(reason),
    expiresAt: expiresAt === undefined ? null : isoTime(expiresAt),
    lastsMs,
  };
  return { command, waiting };
}

export function givenWaiting<Told>({
  waitMs = 0,
  onProgress,
  onRecorded,
  onMatched,
  signal,
}: WaitOptions<Told>): GivenWaiting<Told> {
  if (typeof waitMs !== 'number' || !(waitMs >= 0))
    throw invalid(`waitMs is a number of at least 0, in milliseconds, not ${quoteId(waitMs)}.`);
  for (const [what, callback] of Object.entries({ onProgress, onRecorded, onMatched })) checkFunction(what, callback);
  checkSignal(signal);
  return { waitMs, onProgress, onRecorded, onMatched, signal };
}

export function givenRevive(options: ReviveOptions): CommandOf<'revive'> {
  const given = checkKeys('revive', options, { ...CHANGE_KEYS, target: true });
  const { target } = given;
  readTarget(target);
  return { type: 'revive', target, ...change(given) };
}

const RECOVER_KEYS: Keys<RecoverOptions> = {
  reason: ['why', 'because'],
  create: true,
  exclude: true,
  include: true,
};

export function givenRecover(options: RecoverOptions) {
  const given = checkKeys('recover', options, RECOVER_KEYS);
  const { reason, create = false, exclude, include } = given;
  checkBoolean('create', create);
  const event = { ...readReason(reason), exclude: names('exclude', exclude), include: names('include', include) };
  return { create, event };
}

export function givenMode(options: ModeOptions): Given<'mode'> {
  const given = checkKeys('setMode', options, { ...CHANGE_KEYS, ...WAIT_KEYS, mode: true, targeting: true });
  const { mode, targeting = null } = given;
  const rule =
    targeting === null
      ? null
      : jsonObject('targeting', "a rule of flagd's as a JSON object, or null: the same for everyone", targeting);
  const problem = ruleProblem(rule);
  if (problem !== null) throw invalid(`targeting is a rule that ${problem}.`);
  const asked = oneOf('a mode', mode, isMode, MODES);
  return { command: { type: 'mode', mode: asked, targeting: rule, ...change(given) }, waiting: givenWaiting(given) };
}

export function givenFeature(options: FeatureOptions): Given<'feature'> {
  const given = checkKeys('setFeature', options, FEATURE_KEYS);
  const { name, stage, targeting = null } = given;
  checkName('a feature', name);
  oneOf('a stage of a feature', stage, isFeatureStage, FEATURE_STAGES);
  const rule =
    targeting === null
      ? null
      : jsonObject('targeting', "a rule of flagd's as a JSON object, or null: the same for everyone", targeting);
  const problem = stageRuleProblem(rule);
  if (problem !== null) throw invalid(`targeting is a rule that ${problem}.`);
  const terms = { name, stage, ...(rule !== null && { targeting: rule }) };
  return { command: { type: 'feature', ...terms, ...change(given) }, waiting: givenWaiting(given) };
}

/** @throws KillSwitchError INVALID_ARGUMENT */
export function givenFeatureName(name: unknown): { readonly name: string } {
  const problem = idProblem(name);
  if (problem !== null) throw invalid(`${quoteId(name)} is not the name of a feature: it ${problem}.`);
  return { name: String(name) };
}

const FEATURE_KEYS: Keys<FeatureOptions> = {
  ...CHANGE_KEYS,
  ...WAIT_KEYS,
  name: ['feature'],
  stage: true,
  targeting: ['rule', 'accounts'],
};

const REQUIREMENT_KEYS: Keys<RequirementOptions> = {
  ...CHANGE_KEYS,
  name: ['feature'],
  runs: ['shadowRuns'],
  days: true,
  agreement: true,
};

export function givenRequirement(options: RequirementOptions): CommandOf<'requirement'> {
  const given = checkKeys('setRequirement', options, REQUIREMENT_KEYS);
  const { name } = given;
  checkName('a feature', name);
  const { runs, days, agreement } = requirementSchema.shape;
  const asked = {
    ...asks(runs, 'runs', given.runs, `a whole number of shadow runs from 0 to ${MOST_RUNS}`),
    ...asks(days, 'days', given.days, 'a whole number of days from 0 to 365'),
    ...asks(agreement, 'agreement', given.agreement, 'a share from 0 to 1, such as 0.95'),
  };
  if (Object.keys(asked).length === 0) throw invalid('A requirement asks for runs, days or agreement, or several.');
  return { type: 'requirement', name, asked, ...change(given) };
}

/** A number of a requirement; nothing where it is not named. */
function asks<Name extends string>(
  schema: { safeParse(value: unknown): { readonly success: boolean } },
  name: Name,
  value: number | undefined,
  must: string,
): { readonly [N in Name]?: number } {
  if (value === undefined) return {};
  if (!schema.safeParse(value).success) throw invalid(`${name} is ${must}, not ${quoteId(value)}.`);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a computed key has the type of any text
  return { [name]: value } as { readonly [N in Name]?: number };
}

export function givenLimit(options: LimitOptions): Given<'limit'> {
  const given = checkKeys('setLimit', options, { ...CHANGE_KEYS, ...WAIT_KEYS, name: ['limit'], value: true });
  const { name, value } = given;
  checkName('a limit', name);
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
    throw invalid(`A limit is a finite number of at least 0, not ${quoteId(value)}.`);
  return { command: { type: 'limit', name, value, ...change(given) }, waiting: givenWaiting(given) };
}

export function givenAutonomy(options: AutonomyOptions): Given<'autonomy'> {
  const given = checkKeys('setAutonomy', options, { ...CHANGE_KEYS, ...WAIT_KEYS, action: ['name'], stage: true });
  const { action, stage } = given;
  checkName('an action', action);
  oneOf('a stage of autonomy', stage, isAutonomyStage, AUTONOMY_STAGES);
  return { command: { type: 'autonomy', action, stage, ...change(given) }, waiting: givenWaiting(given) };
}

export function givenFlags(options: FlagsOptions): CommandOf<'flags'> {
  const given = checkKeys('setFlags', options, { ...CHANGE_KEYS, definition: ['flags'] });
  return { type: 'flags', definition: parseFlagsDefinition(given.definition), ...change(given) };
}

/** What is to be said of an intent; which one that is, the journal knows. */
export function givenResolve(options: ResolveOptions) {
  const given = checkKeys('resolve', options, {
    ...CHANGE_KEYS,
    run: ['runId', 'run_id'],
    key: ['idempotencyKey', 'idempotency_key'],
    landed: true,
  });
  const { run, key, landed } = given;
  if (typeof landed !== 'boolean') throw invalid(`landed is true or false, not ${quoteId(landed)}.`);
  if (typeof key !== 'string' || key === '') throw invalid(`key is an idempotency key, not ${quoteId(key)}.`);
  return { run: givenRun('resolve', run), key, landed, ...change(given) };
}

const NOTES = ['reason', 'note', 'comment', 'why'];

export function givenApprove(options: ApproveOptions) {
  const given = checkKeys('approve', options, {
    id: ['approvalId', 'request'],
    inputHash: ['hash', 'input_hash'],
    input: ['arguments', 'args', 'edited'],
    notes: NOTES,
  });
  const { id, inputHash, input, notes } = given;
  if (inputHash !== undefined && !hashSchema.safeParse(inputHash).success)
    throw invalid(`inputHash is the input_hash of a request (64 hexadecimal digits), not ${quoteId(inputHash)}.`);
  return {
    id: approvalId(id),
    inputHash,
    edited: input === undefined ? null : editedInput(input),
    ...readReason(notes),
  };
}

/** A lone surrogate, as JSON writes it. */
const HALF_A_CHARACTER = /(?<!\\)(?:\\\\)*\\ud[89a-f]/;

/** Arguments that an approver has put in the place of others. */
function editedInput(given: unknown): EditedInput {
  const value = jsonValue('input', given) ?? null;
  const input = JSON.stringify(value);
  if (input.length > MAX_EDITED_INPUT)
    throw invalid(
      `The edited input has ${input.length} characters of JSON, and at most ${MAX_EDITED_INPUT} are taken.`,
    );
  if (HALF_A_CHARACTER.test(input)) throw invalid('The edited input has half a character in a text.');
  if (input.includes(REDACTED))
    throw invalid(
      `The edited input has ${REDACTED} in the place of a secret that was not shown: give the whole input, or leave out what the action does not need.`,
    );
  return { input, input_hash: hash('sha256', canonicalize(value), 'hex') };
}

export function givenReject(options: RejectOptions) {
  const { id, reason } = checkKeys('reject', options, {
    id: ['approvalId', 'request'],
    reason: ['notes', 'note', 'why'],
  });
  return { id: approvalId(id), ...readReason(reason) };
}

export function givenAllow(options: AllowOptions): CommandOf<'standing'> {
  const given = checkKeys('allow', options, {
    action: ['name'],
    agentId: ['agent'],
    runId: ['run'],
    match: ['where', 'matching'],
    times: ['count', 'most'],
    expiresAt: ['until', 'expires', 'end'],
    lastsMs: ['duration', 'durationMs', 'for', 'ttlMs'],
    notes: NOTES,
  });
  const { action, agentId, runId, match, times, expiresAt, lastsMs, notes } = given;
  checkName('an action', action);
  const agent = named('agentId', agentId);
  const run = runId === undefined ? null : named('runId', runId);
  if (wholeNumber('times', times, 1) > MAX_STANDING_USES)
    throw invalid(`times is at most ${MAX_STANDING_USES}, not ${times}.`);
  if ((expiresAt === undefined) === (lastsMs === undefined))
    throw invalid('A standing approval has an end: expiresAt or lastsMs, and not both.');
  if (lastsMs !== undefined && !(typeof lastsMs === 'number' && lastsMs > 0))
    throw invalid(`lastsMs is a number of more than 0, in milliseconds, not ${quoteId(lastsMs)}.`);
  const matching = match === undefined ? null : jsonObject('match', 'a JSON object of members and their values', match);
  if (JSON.stringify(matching).length > MAX_MATCH) throw invalid(`match has at most ${MAX_MATCH} characters of JSON.`);
  return {
    type: 'standing',
    ...{ action, agentId: agent, runId: run, match: matching, times },
    until: expiresAt === undefined ? null : isoTime(expiresAt),
    lastsMs,
    ...readReason(notes),
  };
}

/** The longest condition of a standing approval, in characters of JSON: executors hold it for each call. */
const MAX_MATCH = 8192;

export function givenWithdrawStanding(options: WithdrawStandingOptions): CommandOf<'standing_withdraw'> {
  const { id, reason } = checkKeys('withdrawStanding', options, { id: true, reason: ['notes', 'why'] });
  return { type: 'standing_withdraw', id: approvalId(id), ...readReason(reason) };
}

/** The id of one request: each is decided by its own id, never all at once. */
export function approvalId(id: unknown): string {
  if (typeof id === 'string' && approvalIdSchema.safeParse(id).success) return id;
  throw invalid(
    `${quoteId(id)} is not the id of a request or of a standing approval: 1 to 64 letters, digits, - and _. Each is decided by its own id.`,
  );
}

function named(what: string, id: unknown): string {
  const problem = idProblem(id);
  if (problem === null) return String(id);
  throw invalid(`${what} ${problem}, and is ${quoteId(id)}.`);
}

/** Refuses options where there are none: they would be ignored silently. */
export function takesNone(what: string, given: readonly unknown[]): void {
  if (given[0] !== undefined) throw invalid(`${what} takes no options, and was given ${quoteId(given[0])}.`);
}

export function wholeNumber(what: string, value: unknown, least: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least)
    throw invalid(`${what} is a whole number of at least ${least}, not ${quoteId(value)}.`);
  return value;
}

/** A duration in milliseconds. */
export function milliseconds(what: string, value: unknown): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= LONGEST_TIMER_MS))
    throw invalid(`${what} is a number of milliseconds from 0 to ${LONGEST_TIMER_MS}, not ${quoteId(value)}.`);
  return value;
}

export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal !== undefined && typeof signal?.aborted !== 'boolean')
    throw invalid(`signal is an AbortSignal, not ${quoteId(signal)}.`);
}

export function checkName(what: string, name: unknown): void {
  if (typeof name !== 'string') throw invalid(`${quoteId(name)} is not the name of ${what}: it must be a text.`);
}

export function checkFunction(what: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function')
    throw invalid(`${what} is a function, not ${quoteId(value)}.`);
}

export function checkBoolean(what: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean')
    throw invalid(`${what} is true or false, not ${quoteId(value)}.`);
}

export function change({ reason, epoch }: ChangeOptions) {
  return { ...readReason(reason), epoch: epoch === undefined ? undefined : wholeNumber('epoch', epoch, 0) };
}

function names(what: string, given: unknown): readonly string[] | undefined {
  if (given === undefined) return undefined;
  if (!Array.isArray(given)) throw invalid(`${what} is a list of names, not ${quoteId(given)}.`);
  return given.map((name: unknown) => {
    const problem = idProblem(name);
    if (problem === null) return String(name);
    throw invalid(`${what} has ${quoteId(name)}, which is not the name of an executor: it ${problem}.`);
  });
}

/** @throws KillSwitchError INVALID_ARGUMENT */
export function isoTime(value: unknown): string {
  const date = typeof value === 'string' || value instanceof Date ? new Date(value) : null;
  if (date === null || Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999) {
    throw invalid(
      `${quoteId(value)} is not a time up to the year 9999: write it as RFC 3339, for instance 2026-12-24T18:00:00Z.`,
    );
  }
  return date.toISOString();
}

export function oneOf<T extends string>(
  what: string,
  value: T,
  is: (value: unknown) => boolean,
  all: readonly string[],
): T {
  if (!is(value)) throw invalid(`${quoteId(value)} is not ${what}: it must be one of ${all.join(', ')}.`);
  return value;
}
