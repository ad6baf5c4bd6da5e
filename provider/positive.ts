import type { FlagValue, ResolutionDetails } from '@openfeature/server-sdk';
import {
  type Cause,
  epochOf,
  type Fault,
  type FlagRow,
  type FlagType,
  faultOfAnswer,
  messageOf,
  safeAnswer,
} from '../flags/index.ts';
import { within } from '../store/with-deadline.ts';

/**
 * A provider with this member answers for kill-switch flags with positive answers or safe values, within a deadline of
 * its own, whoever initialises it.
 */
export const ANSWERS_SAFELY = Symbol.for('openfeature-kill-switch.answers-safely');

/** One question for a kill-switch flag. */
export interface Question {
  readonly row: FlagRow;
  readonly flagKey: string;
  readonly type: FlagType;
  readonly callerDefault: unknown;
}

class DeadlineExceeded extends Error {
  override readonly name = 'DeadlineExceeded';
}

const late = (flagKey: string, ms: number) => (): Error =>
  new DeadlineExceeded(`nothing answered for ${flagKey} within ${ms} ms`);

/** Settles as `ask` does, or rejects after the deadline; an `ask` that throws rejects. */
export const askWithin = <T>(flagKey: string, ms: number, ask: () => Promise<T>): Promise<T> =>
  within(Promise.resolve().then(ask), ms, late(flagKey, ms));

/**
 * A copy of an answer, for its caller to keep: evaluators return the same objects, values and metadata, to the next
 * caller.
 */
export const ownAnswer = <T extends FlagValue>(details: ResolutionDetails<T>): ResolutionDetails<T> => {
  const { value, flagMetadata } = details;
  return {
    ...details,
    value: typeof value === 'object' && value !== null ? ownValue(value) : value,
    ...(flagMetadata && { flagMetadata: { ...flagMetadata } }),
  };
};

function ownValue<T>(value: T): T {
  try {
    return structuredClone(value);
  } catch {
    return value; // cannot be cloned, so no evaluator of ours has it
  }
}

/**
 * The safe value of a flag as a resolution. It has no error code: with one, a client would return its caller's own
 * default.
 */
export function safeResolution<T extends FlagValue>(
  { row, type }: Question,
  fault: Fault,
  epoch = 0,
): ResolutionDetails<T> {
  return safeResolutionFor(row, type, { kind: 'fault', ...fault }, epoch);
}

/** The same for any cause. */
export const safeResolutionFor = <T extends FlagValue>(
  row: FlagRow,
  type: FlagType,
  cause: Cause,
  epoch = 0,
): ResolutionDetails<T> => asAskedFor(safeAnswer(row, type, cause, epoch));

/**
 * An answer, typed as the caller asked for. Whoever answers has checked that the value is a text, a number or an
 * object; whether it is of the caller's own subtype nobody can check, the SDKs neither.
 */
export const asAskedFor = <T extends FlagValue>(
  details: Omit<ResolutionDetails<FlagValue>, 'value' | 'variant'> & {
    readonly value: unknown;
    readonly variant?: string | undefined;
  },
): ResolutionDetails<T> =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as said above: nobody can check the subtype
  details as ResolutionDetails<T>;

/**
 * The answer of a source for a kill-switch flag, if it is positive and within the deadline; else the safe value, with
 * the fault.
 *
 * @param faultNow called when the answer is there: a lease may have ended while it was awaited
 */
export async function resolvePositive<T extends FlagValue>(
  question: Question,
  ask: () => Promise<ResolutionDetails<T>>,
  { timeoutMs, faultNow = () => null }: { readonly timeoutMs: number; readonly faultNow?: () => Fault | null },
): Promise<ResolutionDetails<T>> {
  const { row, flagKey, callerDefault } = question;
  try {
    const details = await askWithin(flagKey, timeoutMs, ask);
    const fault = faultNow() ?? faultOfAnswer(row, flagKey, details, callerDefault);
    return fault ? safeResolution(question, fault, epochOf(details)) : ownAnswer(details);
  } catch (error) {
    return safeResolution(question, faultOfError(question, error));
  }
}

/** The fault of a thrown error: the same as if the source had answered with its code. */
export function faultOfError({ row, flagKey, callerDefault }: Question, error: unknown): Fault {
  if (error instanceof DeadlineExceeded) return { code: 'DEADLINE_EXCEEDED', message: error.message };
  const code: unknown = Reflect.get(Object(error), 'code');
  const details = {
    value: callerDefault,
    errorCode: typeof code === 'string' ? code : 'GENERAL',
    errorMessage: messageOf(error),
  };
  return faultOfAnswer(row, flagKey, details, callerDefault) ?? { code: 'PROVIDER_ERROR', message: messageOf(error) };
}
