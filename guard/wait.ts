import type { Decision, Reading } from '../flags/index.ts';
import { nextChange } from './changes.ts';
import type { DecidedCall } from './decide.ts';
import { evaluateMode } from './evaluate.ts';
import { type Guard, look } from './guard.ts';

/** Where the mode comes from a provider alone, a waiting call asks it again at least this often, in milliseconds. */
export const POLL_MS = 1000;

/** A decision, what was evaluated for it, and when that was asked for, by the monotonic clock. */
interface Decided {
  readonly decision: Decision;
  readonly evaluated: Reading;
  readonly asked: number;
}

export interface Waiting {
  readonly until: number;
  readonly signal?: AbortSignal | undefined;
  readonly onWait: (decision: Decision) => void;
}

async function decideOnce(guard: Guard, call: DecidedCall): Promise<Decided> {
  const asked = performance.now();
  return decided(guard, call, await evaluateMode(guard, call, asked), asked);
}

/** What is decided from an evaluation, and counted. */
export function decided(guard: Guard, call: DecidedCall, evaluated: Reading, asked: number): Decided {
  const decision = look(guard, call, evaluated);
  guard.metrics.decided(decision, performance.now() - asked);
  return { decision, evaluated, asked };
}

/** Waits while the switch says `pause`, and decides again from the start when something has changed: the one waiting loop. Ends with another verdict, or with `pause` when the wait is over. */
export async function waitFor(
  guard: Guard,
  call: DecidedCall,
  first: Decided,
  { until, signal, onWait }: Waiting,
): Promise<Decided> {
  const isOver = (): boolean => performance.now() >= until || signal?.aborted === true;
  for (let now = first; ; now = await decideOnce(guard, call)) {
    if (now.decision.verdict !== 'pause') return now;
    onWait(now.decision);
    do {
      if (isOver()) return now;
      const most = guard.replica ? Number.POSITIVE_INFINITY : POLL_MS;
      await nextChange(guard.changes, Math.min(most, until - performance.now()), signal);
      // A change of something else costs one local look, not an evaluation.
    } while (guard.replica && look(guard, call, guard.replica.reading(call)).verdict === 'pause');
  }
}

/** Decides from the start, and waits while the switch says `pause`. */
export async function decideAndWait(guard: Guard, call: DecidedCall, waiting: Waiting): Promise<Decided> {
  const first = await decideOnce(guard, call);
  return first.decision.verdict === 'pause' ? waitFor(guard, call, first, waiting) : first;
}
