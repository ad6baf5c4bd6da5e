import { escapeUnseen, hasControls, MAX_REASON_LENGTH, messageOf, quoteId } from '../flags/index.ts';
import { redactedStart } from '../flags/secret-texts.ts';

/**
 * A reason, ready for the log. `reasonProblem`: what was wrong with it as it was given; a loosening is refused with
 * such a reason.
 */
export interface GivenReason {
  readonly reason?: string | undefined;
  readonly reasonProblem?: string | undefined;
}

const CUT = ' … (cut)';

/**
 * Makes any given reason into a text for the log, and says what was wrong with it. Never throws: no kill is lost for
 * its reason (`catch (error) { kill({ target, reason: error }) }`). Characters that the log does not take are escaped,
 * and a long text is cut.
 */
export function readReason(given: unknown): GivenReason {
  if (given === undefined || given === null) return {};
  const text = typeof given === 'string' ? given.trim() : textOf(given);
  if (text === '') return {};
  const problem = problemOf(given, text);
  return problem === null ? { reason: text } : { reason: fit(text), reasonProblem: problem };
}

function problemOf(given: unknown, text: string): string | null {
  if (typeof given !== 'string') return `A reason is a text, not ${kindOf(given)}: ${quoteId(text)}.`;
  if (text.length > MAX_REASON_LENGTH)
    return `A reason has at most ${MAX_REASON_LENGTH} characters, not ${text.length}.`;
  return hasControls(text) ? 'A reason must not contain control characters.' : null;
}

const kindOf = (given: unknown): string =>
  given instanceof Error ? 'an error' : Array.isArray(given) ? 'a list' : `of the type ${typeof given}`;

/** The text of a reason that is no string, without secrets: its values were not written for others to read. */
function textOf(given: unknown): string {
  try {
    if (given instanceof Error) return messageOf(given).trim() || String(given.name);
    const text: unknown = isPrimitive(given) ? String(given) : JSON.stringify(given);
    if (typeof text === 'string') return redactedStart(text, MAX_REASON_LENGTH + 1);
  } catch {
    // said below
  }
  return `(a reason that is no text: ${typeof given})`;
}

const isPrimitive = (given: unknown): given is number | bigint | boolean | symbol =>
  typeof given !== 'object' && typeof given !== 'function';

/** The text as the log takes it. */
function fit(text: string): string {
  const start = text
    .slice(0, MAX_REASON_LENGTH)
    .replaceAll('\r\n', '\n')
    .replace(/[\p{Cc}\u2028\u2029\p{Surrogate}]/gu, (each) =>
      each === '\n' || each === '\t' ? each : escapeUnseen(each),
    );
  if (text.length <= MAX_REASON_LENGTH && start.length <= MAX_REASON_LENGTH) return start;
  return `${start
    .slice(0, MAX_REASON_LENGTH - CUT.length)
    .toWellFormed()
    .replace(/\ufffd$/, '')}${CUT}`;
}
