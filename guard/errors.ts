import { becauseOf } from '../flags/decision.ts';
import { type Decision, freezeDecision, messageOf, printable, shownId } from '../flags/index.ts';
import type { StoppedStatus } from './outcome.ts';

const BRAND = Symbol.for('openfeature-kill-switch.action-stopped');

/** The status of an outcome as an error code, for instance `BLOCKED`. */
export type ActionStoppedCode = Uppercase<StoppedStatus>;

const CODES: { readonly [Status in StoppedStatus]: Uppercase<Status> } = {
  drafted: 'DRAFTED',
  held: 'HELD',
  paused: 'PAUSED',
  blocked: 'BLOCKED',
  aborted: 'ABORTED',
};

/** A decision kept an action from running to its end. Carries the same decision that `attempt` returns. */
export class ActionStoppedError extends Error {
  override readonly name = 'ActionStoppedError';
  readonly code: ActionStoppedCode;
  readonly decision: Decision;
  readonly [BRAND] = true;

  /** @param noun what was stopped, where it has no name */
  constructor(status: StoppedStatus, decision: Decision, noun = 'The run') {
    super(`${decision.action ?? noun} was stopped (${status}, mode ${decision.mode})${becauseOf(decision.cause)}.`);
    this.code = CODES[status];
    this.decision = freezeDecision(decision); // several may read one error: none of them may change it
  }

  /** One sentence for a model: that of the decision. */
  get modelMessage(): string {
    return this.decision.modelMessage;
  }
}

/** True for an ActionStoppedError, also of another copy of this package. */
export const isActionStoppedError = (error: unknown): error is ActionStoppedError =>
  error instanceof Error && BRAND in error;

const MAX_ISSUES = 20;

/** How many issues a model is told, and in how many characters. */
const MAX_TOLD = 5;
const MAX_TOLD_LENGTH = 500;

type Issue = { readonly message: string; readonly path: string };

/** What is wrong with an input, and what a model may do: where the schema itself failed no other input helps. */
const FOR_MODELS = {
  INVALID_INPUT: ['its input does not fit', 'correct it and try it again'],
  NOT_PLAIN_DATA: ['its input is not plain data', 'give plain values and try it again'],
  failed: ['the program could not check its input', 'do not try it again, and report that it was not done'],
} as const;

/** How an error of each code begins. */
const INPUT_PROBLEMS = {
  INVALID_INPUT: 'does not fit its schema',
  NOT_PLAIN_DATA:
    'is not plain data (JSON values, plain objects and lists), so what runs might not be what was checked',
} as const;

/**
 * The input of an action does not fit its schema (`INVALID_INPUT`), or has to be hashed and is no plain data
 * (`NOT_PLAIN_DATA`); nothing was decided and nothing was done. Carries the first 20 issues, without secrets.
 */
export class ActionInputError extends Error {
  override readonly name = 'ActionInputError';
  readonly code: keyof typeof INPUT_PROBLEMS;
  readonly action: string;
  readonly issues: ReadonlyArray<Issue>;
  readonly #isOfSchema: boolean;

  /** @param code `failed`: the schema did not read it at all, which is INVALID_INPUT too */
  constructor(
    action: string,
    issues: ReadonlyArray<Issue>,
    code: keyof typeof INPUT_PROBLEMS | 'failed' = 'INVALID_INPUT',
  ) {
    // A schema may quote a secret in an issue, and may report a million issues.
    const shown = issues
      .slice(0, MAX_ISSUES)
      .map(({ path, message }) => ({ message: messageOf(message), path: messageOf(path) }));
    const more = issues.length - shown.length;
    const isOfSchema = code === 'failed';
    const known = isOfSchema ? 'INVALID_INPUT' : code;
    super(
      messageOf(
        `The input of ${action} ${INPUT_PROBLEMS[known]}: ${inWords(shown)}${more > 0 ? `; and ${more} more` : ''}`,
      ),
    );
    this.code = known;
    this.#isOfSchema = isOfSchema;
    this.action = action;
    this.issues = shown;
  }

  /** One sentence for a model, with the first issues: without them it could only try at random. */
  get modelMessage(): string {
    const [because, instead] = FOR_MODELS[this.#isOfSchema ? 'failed' : this.code];
    const told = this.#isOfSchema ? '' : printable(inWords(this.issues.slice(0, MAX_TOLD))).slice(0, MAX_TOLD_LENGTH);
    const issues = told === '' ? '' : ` (${told.replace(/[\s.]+$/, '')})`;
    return `${shownId(this.action)} is not executed, because ${because}${issues}: ${instead}.`;
  }
}

const inWords = (issues: ReadonlyArray<Issue>): string =>
  issues.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ');

/**
 * An idempotency key was used for two pieces of work: it has an intent of another action, or of another input. Nothing
 * was executed. Calls that are the same piece of work give the same input; others need a key of their own.
 */
export class IdempotencyKeyError extends Error {
  override readonly name = 'IdempotencyKeyError';
  readonly code = 'KEY_REUSED';
  readonly action: string;
  readonly idempotencyKey: string;

  constructor(action: string, idempotencyKey: string, what: string) {
    super(
      `The idempotency key ${shownId(idempotencyKey)} was given to ${shownId(action)}, but it has been used before ${what}. A key names one piece of work, in the whole organization: give this one a key of its own, or repeat the first call exactly.`,
    );
    this.action = action;
    this.idempotencyKey = idempotencyKey;
  }

  /** One sentence for a model. */
  get modelMessage(): string {
    return `${shownId(this.action)} is not executed, because its idempotency key stands for something else that was asked before: do not try it again with that key, and report that it was not done.`;
  }
}

/**
 * An action returned something that could act after the call where the switch could not be checked. What `execute` has
 * done is done.
 */
export class ActionResultError extends Error {
  override readonly name = 'ActionResultError';
  readonly code = 'RESULT_GOES_ON';
  readonly action: string;

  constructor(action: string, what: string) {
    super(`What ${action} returned ${what}.`);
    this.action = action;
  }

  /** One sentence for a model. */
  get modelMessage(): string {
    return `${shownId(this.action)} was executed, and its result is lost, because of a mistake in the program: do not repeat it, and report that it was done without a result.`;
  }
}
