import { type Decision, LONGEST_TIMER_MS } from '../flags/index.ts';
import { type Changes, untilChange } from './changes.ts';
import { evaluateMode, type Evaluating } from './evaluate.ts';
import { type LocalState, look } from './look.ts';
import type { GuardMetrics } from './metrics.ts';
import type { GuardedSubject } from './subject.ts';

/** Without a store, waiting calls ask the provider again at least this often, in milliseconds. */
export const POLL_MS = 1000;

/** How long to wait. */
export interface Wait {
  /** By the monotonic clock; Infinity: without end. */
  readonly until: number;
  readonly signal?: AbortSignal | undefined;
  /** Whether what the local copy says leaves everything as it is; default: it is a pause. */
  readonly stays?: ((now: Decision) => boolean) | undefined;
}

const isPaused = ({ verdict }: Decision): boolean => verdict === 'pause';

/**
 * Waits until the decision may have changed; false when the wait is over instead. Everything that waits for the switch
 * waits here: attempts in a pause (`guard/steps/deciding.ts`) or for people (`guard/steps/holding.ts`), and
 * checkpoints. A job is skipped instead.
 */
export async function mayHaveChanged(
  guard: LocalState & { readonly changes: Changes },
  subject: GuardedSubject,
  { until, signal, stays = isPaused }: Wait,
): Promise<boolean> {
  const { replica, changes } = guard;
  do {
    const left = until - performance.now();
    if (left <= 0 || signal?.aborted === true) return false;
    const most = left === Number.POSITIVE_INFINITY ? left : Math.min(LONGEST_TIMER_MS, left);
    await untilChange(changes, replica ? most : Math.min(POLL_MS, left), signal);
    // A change that does not end this costs one local look, no evaluation.
  } while (replica && stays(look(guard, subject, replica.reading(subject))));
  return true;
}

/** What is asked, waited for and counted when a checkpoint decides. */
export interface Deciding extends Evaluating, LocalState {
  readonly changes: Changes;
  readonly metrics: Pick<GuardMetrics, 'decided'>;
}

const WITHOUT_END: Wait = { until: Number.POSITIVE_INFINITY };

/**
 * Decides from the start, and in a pause again from the start when something has changed, until it is none. The pause
 * is counted, and `onWait` called, once.
 */
export async function decideAndWait(
  guard: Deciding,
  subject: GuardedSubject,
  onWait: (decision: Decision) => void,
): Promise<Decision> {
  for (let waits = false; ; waits = true) {
    const askedAt = performance.now();
    const decision = look(guard, subject, await evaluateMode(guard, subject, askedAt));
    const waitsOn = isPaused(decision);
    if (!waitsOn || !waits) guard.metrics.decided(decision, performance.now() - askedAt);
    if (!waitsOn) return decision;
    if (!waits) onWait(decision);
    await mayHaveChanged(guard, subject, WITHOUT_END);
  }
}
