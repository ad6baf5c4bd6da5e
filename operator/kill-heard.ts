import { setTimeout as sleep } from 'node:timers/promises';
import { notify } from '../flags/callbacks.ts';
import { type Clock, type Head, KILL_RETURN_MS, messageOf } from '../flags/index.ts';
import { systemClock } from '../store/system-clock.ts';
import { acknowledge, type Acknowledgements, allStopped } from './acknowledge.ts';
import type { Hearing } from './hearing.ts';

const POLL_MS = 50;

/** How time passes for a kill that waits: a test that means no real time gives its own. */
export interface Pace {
  readonly clock: Clock;
  /** Resolves when the clock has gone on by so many milliseconds. */
  readonly sleep: (ms: number) => Promise<unknown>;
}

export const SYSTEM_PACE: Pace = { clock: systemClock, sleep };

/** A kill that has been appended, and how to wait for it. */
export interface Recorded {
  readonly head: Head;
  readonly waitMs: number;
  readonly onProgress: ((acknowledgements: Acknowledgements) => void) | undefined;
  /** Ends the waiting. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Waits for executors to obey a kill whose append was acknowledged. Returns after `KILL_RETURN_MS` at the earliest,
 * then as soon as all have stopped or `waitMs` is over. The guarantee rests on time, not on reports: those can be lost,
 * and an unreported executor can still act until its confirmation is too old.
 */
export async function killHeard(
  hearing: Hearing,
  { head, waitMs, onProgress, signal }: Recorded,
  pace: Pace,
): Promise<Acknowledgements> {
  const since = pace.clock().mono;
  const elapsed = (): number => pace.clock().mono - since;
  for (;;) {
    const heard = await hear(hearing, head, elapsed);
    notify(onProgress, heard); // a callback that throws ends neither the kill nor the wait
    const enough = allStopped(heard) || signal?.aborted === true;
    const left = (enough ? KILL_RETURN_MS : Math.max(KILL_RETURN_MS, waitMs)) - elapsed();
    if (left <= 0) return heard;
    await pace.sleep(Math.max(1, Math.min(POLL_MS, left)));
  }
}

async function hear(hearing: Hearing, head: Head, elapsed: () => number): Promise<Acknowledgements> {
  try {
    const { beats, head: store, time } = await hearing.hear();
    return acknowledge(beats, { head, store: store ?? head, time }, elapsed());
  } catch (error) {
    // The kill is recorded, whether or not reports can be read now.
    return { ...acknowledge([], { head, store: head, time: '' }, elapsed()), problem: messageOf(error) };
  }
}
