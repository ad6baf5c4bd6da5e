import {
  actionNameProblem,
  EFFECTS,
  idProblem,
  invalid,
  isEffect,
  MAX_APPROVAL_MS,
  MAX_APPROVERS,
  maxProblem,
  quoteId,
} from '../flags/index.ts';
import { checkKeys, checkType, type Keys, readable } from '../flags/options.ts';
import type { ActionDefinition, LimitDefinition, NormalisedAction, ReverseDefinition, SpendAmount } from './action.ts';
import { checkMembers } from './options.ts';
import { isPlain } from './plain.ts';

const ACTION_KEYS: Keys<ActionDefinition<unknown, unknown>> = {
  name: true,
  effect: true,
  surface: true,
  irreversible: true,
  feature: true,
  inputSchema: true,
  limits: true,
  spend: true,
  execute: true,
  redirect: true,
  draft: true,
  reverse: true,
  describe: true,
  journal: true,
  idempotent: true,
  approvals: true,
  approvalExpiresMs: true,
  escalateAfterMs: true,
};

/** How long people have to approve a call by default, in milliseconds. */
const APPROVAL_EXPIRES_MS = 3_600_000;

/**
 * An action with its defaults. Each property is read once, by its name: so inherited ones count (a class may have a
 * getter `feature`), and methods keep their `this`.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export const normaliseAction = <Input, Result>(
  definition: ActionDefinition<Input, Result>,
): NormalisedAction<Input, Result> => readable('The definition of an action', () => normalised(definition));

function normalised<Input, Result>(definition: ActionDefinition<Input, Result>): NormalisedAction<Input, Result> {
  const given: ActionDefinition<Input, Result> = checkMembers('an action', definition, ACTION_KEYS);
  const { name, effect = 'write', surface = 'tool', irreversible = false, feature } = given;
  const { inputSchema, execute, redirect, draft, describe } = given;
  const problem = actionNameProblem(name);
  if (problem) throw invalid(`The name of an action ${problem}.`);
  for (const [what, id] of Object.entries({ surface, ...(feature === undefined ? {} : { feature }) })) {
    const wrong = idProblem(id);
    if (wrong) throw invalid(`The ${what} of an action ${wrong}.`);
  }
  if (!isEffect(effect))
    throw invalid(`The effect of ${name} must be one of ${EFFECTS.join(', ')}, not ${quoteId(effect)}.`);
  const isJournaled = irreversible || given.reverse !== undefined;
  const { journal = isJournaled, idempotent = false } = given;
  for (const [what, value] of Object.entries({ irreversible, journal, idempotent }))
    if (typeof value !== 'boolean') throw invalid(`${what} of ${name} must be true or false, not ${quoteId(value)}.`);
  if (isJournaled && !journal)
    throw invalid(
      `journal of ${name} cannot be false: ${irreversible ? 'it is irreversible, and what cannot be undone must not be tried twice' : 'its reverse operation is kept in the journal'}. Leave journal out.`,
    );
  if (typeof execute !== 'function') throw invalid(`The action ${name} has no execute function.`);
  for (const [what, handler] of Object.entries({ redirect, draft, describe }))
    checkType(`The ${what} of ${name}`, handler, 'function');
  if (inputSchema !== undefined && typeof inputSchema?.['~standard']?.validate !== 'function')
    throw invalid(`The inputSchema of ${name} must be a Standard Schema (https://standardschema.dev).`);
  return {
    name,
    effect,
    surface,
    irreversible,
    journal,
    idempotent,
    feature,
    inputSchema,
    limits: limitsOf(name, given.limits),
    spend: spendOf(name, given.spend),
    execute: execute.bind(definition),
    redirect: redirect?.bind(definition),
    draft: draft?.bind(definition),
    reverse: reverseOf(name, given.reverse),
    describe: describe?.bind(definition),
    ...askingOf(name, given),
  };
}

type AskingKey = 'approvals' | 'approvalExpiresMs' | 'escalateAfterMs';
type Asking<Definition extends ActionDefinition<never, unknown>> = Pick<Definition, AskingKey>;

function askingOf(
  name: string,
  given: Asking<ActionDefinition<never, unknown>>,
): Asking<NormalisedAction<never, unknown>> {
  const { approvals = 1, approvalExpiresMs = APPROVAL_EXPIRES_MS, escalateAfterMs } = given;
  mustBeWhole(`approvals of ${name}`, approvals, MAX_APPROVERS);
  mustBeWhole(`approvalExpiresMs of ${name}`, approvalExpiresMs, MAX_APPROVAL_MS);
  if (escalateAfterMs !== undefined)
    mustBeWhole(`escalateAfterMs of ${name}, before it expires,`, escalateAfterMs, approvalExpiresMs - 1);
  return { approvals, approvalExpiresMs, escalateAfterMs };
}

function mustBeWhole(what: string, value: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return;
  throw invalid(`${what} must be a whole number from 1 to ${most}, not ${quoteId(value)}.`);
}

type Limits<Input> = Readonly<Record<string, LimitDefinition<Input>>>;

function limitsOf<Input>(action: string, limits: Limits<Input> | undefined): Limits<Input> | undefined {
  const own = Object.entries(ownOnly(`limits of ${action}`, limits) ?? {});
  if (own.length === 0) return undefined;
  return Object.fromEntries(own.map(([name, limit]) => [name, limitOf(action, name, limit)]));
}

function limitOf<Input>(action: string, name: string, limit: LimitDefinition<Input>): LimitDefinition<Input> {
  const problem = idProblem(name);
  if (problem) throw invalid(`The name of a limit of ${action} ${problem}, not ${quoteId(name)}.`);
  const what = `the limit ${quoteId(name)} of ${action}`;
  const read = checkKeys(what, limit, { max: true, of: true });
  const wrong = maxProblem(read.max);
  if (wrong) throw invalid(`max of ${what} ${wrong}, not ${shownMax(read.max)}.`);
  mustBeFunction(`of of ${what}`, read.of);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of the same type as the limit that was read
  return { ...read, of: read.of.bind(limit) } as LimitDefinition<Input>;
}

/** JSON has no -0. */
const shownMax = (max: unknown): string => (Object.is(max, -0) ? '-0' : quoteId(max));

type Spend<Input, Result> = NonNullable<ActionDefinition<Input, Result>['spend']>;

function spendOf<Input, Result>(
  action: string,
  spend: Spend<Input, Result> | undefined,
): Spend<Input, Result> | undefined {
  const own = ownOnly(`spend of ${action}`, spend);
  if (own === undefined) return undefined;
  const read = checkKeys(`spend of ${action}`, own, { usd: true, tokens: true, calls: true });
  const amounts = Object.entries(read).filter(([, amount]) => amount !== undefined);
  if (amounts.length === 0) return undefined;
  return Object.fromEntries(amounts.map(([type, amount]) => [type, amountOf(`spend.${type} of ${action}`, amount)]));
}

type Amount<Input, Result> = SpendAmount<Input, Result> | undefined;

function amountOf<Input, Result>(what: string, amount: Amount<Input, Result>): Amount<Input, Result> {
  if (amount === undefined || typeof amount === 'function') return amount;
  const { reserve, settle } = checkKeys(what, amount, { reserve: true, settle: true });
  mustBeFunction(`reserve of ${what}`, reserve);
  checkType(`settle of ${what}`, settle, 'function');
  return { reserve: reserve.bind(amount), settle: settle?.bind(amount) };
}

function reverseOf<Input, Result>(
  name: string,
  reverse: ReverseDefinition<Input, Result> | undefined,
): ReverseDefinition<Input, Result> | undefined {
  if (reverse === undefined) return undefined;
  const keys: Keys<ReverseDefinition<Input, Result>> = { action: true, input: true, verbatim: true };
  const { action, input, verbatim = false } = checkMembers(`reverse of ${name}`, reverse, keys);
  const problem = actionNameProblem(action);
  if (problem) throw invalid(`The reverse action of an action ${problem}.`);
  mustBeFunction(`input of reverse of ${name}`, input);
  if (typeof verbatim !== 'boolean')
    throw invalid(`verbatim of reverse of ${name} must be true or false, not ${quoteId(verbatim)}.`);
  return { action, input: input.bind(reverse), verbatim };
}

function mustBeFunction(what: string, value: unknown): void {
  if (typeof value !== 'function') throw invalid(`${what} must be a function, not ${quoteId(value)}.`);
}

/**
 * A copy of a plain object. Others are refused: inherited members would be overlooked when the members are listed.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
function ownOnly<T extends object>(what: string, members: T | undefined): T | undefined {
  if (members === undefined) return undefined;
  if (typeof members !== 'object' || members === null || Array.isArray(members) || !isPlain(members))
    throw invalid(`The ${what} must be a plain object, not an instance of a class.`);
  return { ...members };
}
