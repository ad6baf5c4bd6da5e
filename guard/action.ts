import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type Effect, idProblem, invalid, quoteId } from '../flags/index.ts';
import { checkKeys, type Keys } from '../flags/options.ts';
import { isOwnKey } from '../store/reversals.ts';
import type { Outcome } from './outcome.ts';

/** How an action is reached. */
export type Surface = 'tool' | 'http' | 'webhook' | 'queue' | 'schedule' | 'background';

/** What `execute` is given beside its input. */
export interface ExecuteContext {
  /**
   * Fires when the caller's own signal does, or the moment that the same call would get a stricter verdict; its reason
   * is that decision. A pause does not fire it.
   */
  readonly signal: AbortSignal;
  /** The caller's own, else generated. A caller gives every attempt at one piece of work the same key. */
  readonly idempotencyKey: string;
}

/** What `redirect` and `draft` are given beside their input. The signal also fires after `handlerTimeoutMs`. */
export type HandlerContext = Pick<ExecuteContext, 'signal'>;

/**
 * A wall for one call, in code; the flag `kill-switch.limit.NAME` can only lower it. `of` gives the call's amount, at
 * once and by the input alone: a finite number of at least 0 or, where `max` is a decimal text such as `'200.00'`, a
 * text like that. The call is blocked where the amount is more than `max`, or is anything else. `of` is called more
 * than once for a call, each time with a copy of its own.
 */
export type LimitDefinition<Input> =
  | { readonly max: number; readonly of: (input: Input) => number }
  | { readonly max: string; readonly of: (input: Input) => string };

/** What a call costs: all of it before the call, or reserved before it and settled after it. */
export type SpendAmount<Input, Result> =
  | ((input: Input) => number)
  | { readonly reserve: (input: Input) => number; readonly settle?: ((result: Result) => number) | undefined };

/** The action that undoes another one in a rollback. */
export interface ReverseDefinition<Input, Result> {
  readonly action: string;
  /** Its input, made of what was returned and what was given. Kept in the journal as it is. */
  readonly input: (result: Result, input: Input) => unknown;
  /**
   * True: such an input is kept also where something in it looks like a secret. Default false: it is not kept, and
   * nothing undoes that effect.
   */
  readonly verbatim?: boolean | undefined;
}

/** One thing that an agent can do. */
export interface ActionDefinition<Input, Result> {
  /** `domain.verb`, for instance `payments.refund`; 1 to 512 characters. */
  readonly name: string;
  /** Default `write`. */
  readonly effect?: Effect | undefined;
  /** Default `tool`. */
  readonly surface?: Surface | (string & {}) | undefined;
  /** True: the store confirms each call right before it starts. Default false. */
  readonly irreversible?: boolean | undefined;
  /** The opt-in feature that the action belongs to; a feature that the switch does not know is `dark`. */
  readonly feature?: string | undefined;
  /** Any Standard Schema. An input that does not fit is refused before anything is decided. */
  readonly inputSchema?: StandardSchemaV1<unknown, Input> | undefined;
  /**
   * By their names. They are checked before anybody is asked, and again right before `execute`. An input in whose plain
   * objects and lists there is a getter or a proxy is refused, since it could be another one each time it is read.
   */
  readonly limits?: Readonly<Record<string, LimitDefinition<Input>>> | undefined;
  /**
   * What a call may come to, by the input alone: finite numbers of dollars, tokens and calls from 0. That is set aside
   * in all budgets that the call meets before it starts, and settled to what it came to. An amount that is none blocks
   * the call; a `settle` that gives none leaves what was set aside. Without it a call counts as one call.
   */
  readonly spend?: Readonly<Partial<Record<'usd' | 'tokens' | 'calls', SpendAmount<Input, Result>>>> | undefined;
  /**
   * Does it. Its input's type is that of all members. Where its second argument has no type of its own, it stands
   * before those that depend on it (`limits`, `spend`): TypeScript infers in the order in which they are written.
   */
  readonly execute: (input: Input, context: ExecuteContext) => Result | Promise<Result>;
  /** The same input with a safe destination, for `test_mode`. */
  readonly redirect?: ((input: Input, context: HandlerContext) => Input | Promise<Input>) | undefined;
  /** What runs in place of `execute` in `draft_only`. */
  readonly draft?: ((input: Input, context: HandlerContext) => unknown) | undefined;
  /** How a rollback undoes it. */
  readonly reverse?: ReverseDefinition<Input, Result> | undefined;
  /**
   * True: what is about to be tried and what became of it are kept, so that no call is tried twice under one
   * idempotency key; the input must be plain data. Default: true for an action with `reverse` or `irreversible`, and
   * then it cannot be false.
   */
  readonly journal?: boolean | undefined;
  /**
   * True: trying it again does no harm, since what it changes recognises the second try (`idempotencyKey`), or comes to
   * the same. A call then runs again under an idempotency key whose last attempt has thrown or has no known end, and a
   * rollback repeats a reversal that was interrupted. Default false: nobody tries it again before a person has looked.
   */
  readonly idempotent?: boolean | undefined;
  /**
   * What an approver reads first, made of a copy of the input; of a text of more than 2000 characters the beginning,
   * which says so. Where it fails nobody is asked, and the call is blocked.
   */
  readonly describe?: ((input: Input) => string | Promise<string>) | undefined;
  /** How many people have to approve a call that is held: 1 to 10. Default 1. */
  readonly approvals?: number | undefined;
  /** How long people have for that, in milliseconds: at most 30 days. Default 3,600,000. */
  readonly approvalExpiresMs?: number | undefined;
  /** After how long they are told again, in milliseconds; less than `approvalExpiresMs`. Default: never. */
  readonly escalateAfterMs?: number | undefined;
}

/** What one call of an action may be given. */
export interface CallOptions {
  /** Ends the waiting when it fires; `execute` gets a signal that follows it. */
  readonly signal?: AbortSignal | undefined;
  /**
   * How long to wait for a pause to end, and for people to approve, in milliseconds. Default: without end for
   * `action(…)`, 0 for `attempt`.
   */
  readonly waitMs?: number | undefined;
  /**
   * The approval that an earlier call of the same action with the same input was given, perhaps in another process. It
   * is used where the call is held; where it no longer is, the request is given up.
   */
  readonly approvalId?: string | undefined;
  /** Names this piece of work; it does not begin with `reverse:` or `rollback:`, as the keys of rollbacks do. */
  readonly idempotencyKey?: string | undefined;
}

const CALL_KEYS: Keys<CallOptions> = { signal: true, waitMs: true, approvalId: true, idempotencyKey: true };

/**
 * The options of one call, each read once, before anything is decided: a getter among them would otherwise run between
 * the last look and `execute`.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function readOptions(options: CallOptions, waitMsByDefault: number): CallOptions & { readonly waitMs: number } {
  const given = checkKeys('a call', options, CALL_KEYS);
  const { signal, waitMs = waitMsByDefault, approvalId, idempotencyKey } = given;
  if (signal !== undefined && typeof signal?.addEventListener !== 'function')
    throw invalid('The signal of a call must be an AbortSignal.');
  if (typeof waitMs !== 'number' || !(waitMs >= 0))
    throw invalid(`waitMs must be a number of milliseconds from 0, not ${quoteId(waitMs)}.`);
  for (const [what, id] of [
    ['approvalId', approvalId],
    ['idempotencyKey', idempotencyKey],
  ] as const) {
    const problem = id === undefined ? null : idProblem(id);
    if (problem) throw invalid(`The ${what} of a call ${problem}.`);
  }
  if (idempotencyKey !== undefined && isOwnKey(idempotencyKey))
    throw invalid(
      `The idempotencyKey of a call must not begin with reverse: or rollback:, as ${quoteId(idempotencyKey)} does: those are the keys of rollbacks. Name your piece of work otherwise.`,
    );
  return { signal, waitMs, approvalId, idempotencyKey };
}

/** What a call is given. The input may be left out only where `execute` takes none, or takes undefined. */
export type CallArguments<Input> = undefined extends Input
  ? [input?: Input, options?: CallOptions]
  : [input: Input, options?: CallOptions];

/**
 * A guarded action. Calling it returns the result or throws ActionStoppedError; `attempt` returns an outcome for every
 * decision. Both rethrow what `execute` throws.
 */
export interface GuardedAction<Input, Result> {
  (...given: CallArguments<Input>): Promise<Result>;
  attempt(...given: CallArguments<Input>): Promise<Outcome<Result>>;
  readonly definition: ActionDefinition<Input, Result>;
}

/** An action with its defaults filled in. */
export type NormalisedAction<Input, Result> = ActionDefinition<Input, Result> & {
  readonly effect: Effect;
  readonly surface: string;
  readonly irreversible: boolean;
  /** Undefined where there are none. */
  readonly limits: Readonly<Record<string, LimitDefinition<Input>>> | undefined;
  /** Undefined where it names none. */
  readonly spend: ActionDefinition<Input, Result>['spend'];
  readonly journal: boolean;
  readonly idempotent: boolean;
  readonly approvals: number;
  readonly approvalExpiresMs: number;
};
