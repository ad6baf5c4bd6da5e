import { setTimeout as sleep } from 'node:timers/promises';
import { notify } from '../flags/callbacks.ts';
import { type Head, KILL_RETURN_MS, messageOf } from '../flags/index.ts';
import { acknowledge, type Acknowledgements, allStopped } from './acknowledge.ts';
import type { Hearing } from './hearing.ts';

const POLL_MS = 50;

/** A kill that has been appended, and who is told what is heard of it. */
export interface Recorded {
  readonly head: Head;
  readonly waitMs: number;
  readonly onProgress: ((acknowledgements: Acknowledgements) => void) | undefined;
  /** Ends the waiting. */
  readonly signal: AbortSignal | undefined;
}

/**
 * What is heard of a kill, from when its append was acknowledged: it returns no sooner than `KILL_RETURN_MS`, and then
 * as soon as all have stopped, or `waitMs` is over. By time, not by trust in the registry: it can be lost, and who is
 * not in it can still act until its confirmation is too old.
 */
export async function killHeard(
  hearing: Hearing,
  { head, waitMs, onProgress, signal }: Recorded,
): Promise<Acknowledgements> {
  const since = performance.now();
  const elapsed = (): number => performance.now() - since;
  for (;;) {
    const heard = await hear(hearing, head, elapsed);
    notify(onProgress, heard); // what shows the progress cannot undo the kill, nor end its wait
    const enough = allStopped(heard) || signal?.aborted === true;
    const left = (enough ? KILL_RETURN_MS : Math.max(KILL_RETURN_MS, waitMs)) - elapsed();
    if (left <= 0) return heard;
    await sleep(Math.max(1, Math.min(POLL_MS, left)));
  }
}

async function hear(hearing: Hearing, head: Head, elapsed: () => number): Promise<Acknowledgements> {
  try {
    const { beats, head: store, time } = await hearing.hear();
    return acknowledge(beats, { head, store: store ?? head, time }, elapsed());
  } catch (error) {
    // The change is recorded; that nobody can be heard now does not undo it.
    return { ...acknowledge([], { head, store: head, time: '' }, elapsed()), problem: messageOf(error) };
  }
}
