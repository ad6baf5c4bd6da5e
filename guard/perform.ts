import type { CallOptions, NormalisedAction } from './action.ts';
import { Attempt } from './attempt.ts';
import type { Guard } from './guard.ts';
import { preparedBy } from './handlers.ts';
import { parseInput, takeInput } from './input.ts';
import { unasked } from './look.ts';
import type { Outcome } from './outcome.ts';
import { readPlain } from './plain-data.ts';
import type { ReversalTerms } from './reversal-terms.ts';
import type { Step } from './steps/index.ts';
import { subjectOf } from './subject.ts';

/** An action, and the steps that each attempt at it goes through. */
export interface Performable<Input, Result> {
  readonly guard: Guard;
  readonly action: NormalisedAction<Input, Result>;
  readonly steps: readonly Step[];
  /** Present where each attempt undoes something. */
  readonly reversal?: ReversalTerms | undefined;
}

/**
 * The centre: takes one attempt through the steps of its action until one of them ends it. What must hold at the moment
 * of starting is in `guard/steps/start.ts`.
 *
 * @throws ActionInputError for an input that does not fit its schema, or must be plain data and is not (nothing has
 * been attempted then); IdempotencyKeyError; and what `execute` throws
 */
export async function perform<Input, Result>(
  { guard, action, steps, reversal }: Performable<Input, Result>,
  rawInput: Input,
  options: CallOptions & { readonly waitMs: number },
): Promise<Outcome<Result>> {
  const period = guard.calls.begin();
  try {
    // Asked now, since a handler need not wait for what it calls.
    const handler = action.effect === 'write' ? preparedBy(guard) : null;
    const given = takeInput(action, rawInput);
    const turn = guard.turns.beforeCall();
    if (turn) await turn;
    const identity = guard.identity();
    const subject = subjectOf(action, guard.organizationId, identity);
    const { signal } = options;
    const input = action.inputSchema
      ? await parseInput(action, given, {
          guard,
          subject,
          signal,
          evaluated: unasked(guard, subject),
          askedAt: performance.now(),
        })
      : given;
    const plain = action.journal ? readPlain(action.name, input) : undefined;
    const attempt = new Attempt({ guard, action, identity, subject, input, plain, options, reversal, handler });
    attempt.renewInput();
    try {
      for (let at = 0; ; ) {
        let next = steps[at]?.take(attempt) ?? attempt.broken('no step has ended this attempt');
        // Awaited only where it is a promise: most steps have nothing to wait for.
        if (next !== 'go on' && next instanceof Promise) next = await next;
        if (next === 'go on') {
          at += 1;
        } else if (next === 'again') {
          attempt.again();
          at = 0;
        } else return attempt.recording ? await attempt.recorded(next) : next;
      }
    } catch (error) {
      return attempt.broken(error);
    } finally {
      // also of what `execute` threw: the caller may try again at once, and must then find what has been recorded
      if (attempt.recording) await attempt.recording;
    }
  } finally {
    guard.calls.end(period);
  }
}
