import type { Decision } from '../flags/index.ts';
import { type Changes, nextChange } from './changes.ts';
import { evaluateMode, type ModeSource } from './evaluate.ts';
import { type LocalState, look } from './look.ts';
import type { Evaluated } from './looked-at.ts';
import type { GuardMetrics } from './metrics.ts';
import type { GuardedSubject } from './subject.ts';

/** Where the mode comes from a provider alone, whoever waits asks it again at least this often, in milliseconds. */
export const POLL_MS = 1000;

/** How long to wait. */
export interface Wait {
  /** By the monotonic clock; Infinity: without end. */
  readonly until: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Waits in a pause until the subject may be decided otherwise; false when the wait is over instead. The one place where
 * anybody waits for a change of the switch to decide again: attempts (`guard/steps/deciding.ts`), checkpoints and jobs.
 */
export async function mayHaveChanged(
  guard: LocalState & { readonly changes: Changes },
  subject: GuardedSubject,
  { until, signal }: Wait,
): Promise<boolean> {
  const { replica, changes } = guard;
  do {
    const left = until - performance.now();
    if (left <= 0 || signal?.aborted === true) return false;
    await nextChange(changes, replica ? left : Math.min(POLL_MS, left), signal);
    // A change of something else costs one local look, not an evaluation.
  } while (replica && look(guard, subject, replica.reading(subject)).verdict === 'pause');
  return true;
}

/** What is asked, waited for and counted when a decision is wanted that is no attempt's. */
export interface Deciding extends ModeSource, LocalState {
  readonly changes: Changes;
  readonly metrics: Pick<GuardMetrics, 'decided'>;
}

/** A decision, and what it was made from. */
interface Decided extends Evaluated {
  readonly decision: Decision;
}

/**
 * Decides from the start, and again from the start when something has changed in a pause; ends with another verdict, or
 * with `pause` when the wait is over.
 */
export async function decideAndWait(
  guard: Deciding,
  subject: GuardedSubject,
  { onWait, ...wait }: Wait & { readonly onWait?: (decision: Decision) => void },
): Promise<Decided> {
  for (;;) {
    const asked = performance.now();
    const evaluated = await evaluateMode(guard, subject, asked);
    const decision = look(guard, subject, evaluated);
    guard.metrics.decided(decision, performance.now() - asked);
    if (decision.verdict !== 'pause') return { decision, evaluated, asked };
    onWait?.(decision);
    if (!(await mayHaveChanged(guard, subject, wait))) return { decision, evaluated, asked };
  }
}
