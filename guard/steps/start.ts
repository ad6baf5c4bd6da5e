import { isThenable } from '../../flags/callbacks.ts';
import type { Attempt } from '../attempt.ts';
import { decide } from '../decide.ts';
import { settled } from '../ongoing/promises.ts';
import { RunningAction } from '../running-action.ts';
import { approvedDecision, spoiledApproval } from './holding.ts';
import { needsLastChecks } from './last-checks.ts';
import { always, type Next, type Step } from './step.ts';

/**
 * Starts the action. One synchronous block looks at the local copy, its lease and the permit's age, and calls
 * `execute`. In between nothing is awaited, no code of the application runs, and nothing takes longer for a larger
 * input: handlers, schemas, the record of a redirect and the caller's options all come before. When the last look gives
 * another verdict, or the permit has run out, the attempt is decided again.
 */
export const start: Step = {
  name: 'start',
  isFor: always,
  take<Input, Result>(attempt: Attempt<Input, Result>): Next<Result> | Promise<Next<Result>> {
    const { action, decision, guard, permit, signal, subject } = attempt;
    const { input: asked, keepRecord } = attempt.effective;
    const input = needsLastChecks(action) ? checkedInput(attempt) : asked;
    if (signal?.aborted) return attempt.abandon('aborted', decision);

    // From here to `execute` nothing is awaited, and no code of the application runs.
    const isHeld = decision.verdict === 'hold';
    const spoiled = isHeld ? spoiledApproval(attempt) : null;
    if (spoiled) return spoiled;
    const last = attempt.look();
    if (last.verdict === 'block') return attempt.refuse(last);
    if (permit?.is === 'refused') return attempt.refuse(decide(subject, permit.reading));
    const isConfirmed = (!action.irreversible && !isHeld) || (permit?.is === 'granted' && permit.isFresh());
    if (last.verdict !== decision.verdict || !isConfirmed) return attempt.reconsider();
    const by = isHeld ? approvedDecision(attempt, last) : last;
    const running = new RunningAction(attempt, by);
    const execute = (): Result | Promise<Result> => action.execute(input, running.work.given());
    attempt.start();
    guard.inFlight.start(running);
    let result: Result | Promise<Result>;
    try {
      result =
        isHeld || attempt.reversal ? guard.around.run({ call: running, as: guard.parent() }, execute) : execute();
    } catch (error) {
      return running.failed(error);
    } finally {
      keepRecord?.();
      guard.interventions.notice(last, subject, { input, key: () => running.work.idempotencyKey });
      attempt.count(by);
    }
    return ended(running, result);
  },
};

/**
 * What keeps the limits, and costs what is set aside.
 * @throws where nothing was checked in this turn, which refuses the attempt
 */
function checkedInput<Input, Result>({ checked }: Attempt<Input, Result>): Input {
  if (!checked) throw new Error('nothing has checked what this action would execute');
  return checked.input;
}

/** The end of the attempt: now, or when the promise of `execute` settles. */
function ended<Input, Result>(
  running: RunningAction<Input, Result>,
  result: Result | Promise<Result>,
): Next<Result> | Promise<Next<Result>> {
  let given: Result | Promise<Result>;
  try {
    given = isThenable(result) ? Promise.resolve(result) : result;
  } catch (error) {
    return running.failed(error); // its `then` or `constructor` is a getter that throws
  }
  if (!(given instanceof Promise)) return running.landed(given);
  return settled(
    given,
    (value) => running.landed(value),
    (error: unknown) => running.failed(error),
  );
}
