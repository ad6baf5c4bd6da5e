import { setTimeout as sleep } from 'node:timers/promises';
import { notify } from '../flags/callbacks.ts';
import { type Clock, type Head, KILL_RETURN_MS, messageOf } from '../flags/index.ts';
import { systemClock } from '../store/system-clock.ts';
import {
  acknowledge,
  type Acknowledgements,
  allStopped,
  executorKey,
  type Reach,
  type UnacknowledgingClients,
} from './acknowledge.ts';
import { within } from '../store/with-deadline.ts';
import type { Hearing } from './hearing.ts';

const POLL_MS = 50;

/** How much longer than was asked the last look may take, in milliseconds: a store can be gone by then. */
const GRACE_MS = 1000;

/** How time passes for a stop that waits: a test that means no real time gives its own. */
export interface Pace {
  readonly clock: Clock;
  /** Resolves when the clock has gone on by so many milliseconds. */
  readonly sleep: (ms: number) => Promise<unknown>;
}

export const SYSTEM_PACE: Pace = { clock: systemClock, sleep };

/** How to wait for a stop. */
export interface Waiting {
  readonly waitMs: number;
  readonly onProgress: ((acknowledgements: Acknowledgements) => void) | undefined;
  /** Ends the waiting. */
  readonly signal: AbortSignal | undefined;
}

/** A change that takes authority away, has been appended, and is waited for. */
export interface Stop extends Waiting {
  readonly head: Head;
  /** What it has hit: work of others is not waited for. */
  readonly reach: Reach;
}

/**
 * Waits for executors to obey a stop whose append was acknowledged. Returns after `KILL_RETURN_MS` at the earliest,
 * then as soon as all have stopped or `waitMs` is over. The guarantee rests on time, not on reports: those can be lost,
 * and an unreported executor can still act until its confirmation is too old.
 */
export async function stopHeard(hearing: Hearing, stop: Stop, pace: Pace): Promise<Acknowledgements> {
  const { waitMs, onProgress, signal } = stop;
  const since = pace.clock().mono;
  const elapsed = (): number => pace.clock().mono - since;
  const soonest = soonestClients();
  const latest = Math.max(KILL_RETURN_MS, waitMs) + GRACE_MS;
  for (;;) {
    const leftMs = Math.max(GRACE_MS, latest - elapsed());
    const heard = soonest(await hear(hearing, { ...stop, leftMs }, elapsed));
    notify(onProgress, heard); // a callback that throws ends neither the stop nor the wait
    const enough = allStopped(heard) || signal?.aborted === true;
    const left = (enough ? KILL_RETURN_MS : Math.max(KILL_RETURN_MS, waitMs)) - elapsed();
    if (left <= 0) return heard;
    await pace.sleep(Math.max(1, Math.min(POLL_MS, left)));
  }
}

async function hear(
  hearing: Hearing,
  { head, reach, leftMs }: Stop & { readonly leftMs: number },
  elapsed: () => number,
): Promise<Acknowledgements> {
  try {
    const late = (): Error => new Error('they were not read in time');
    const { beats, head: store, time } = await within(hearing.hear(), leftMs, late);
    return acknowledge(beats, { head, reach, store: store ?? head, time }, elapsed());
  } catch (error) {
    // The stop is recorded, whether or not reports can be read now.
    return { ...acknowledge([], { head, reach, store: head, time: '' }, elapsed()), problem: messageOf(error) };
  }
}

/** A later look knows no better when clients have stopped: the first that knew it holds. */
function soonestClients(): (heard: Acknowledgements) => Acknowledgements {
  const known = new Map<string, string>();
  const soonest = (client: UnacknowledgingClients): UnacknowledgingClients => {
    const key = `${executorKey({ id: client.executor, writer: client.writer })}\n${client.name}`;
    const before = known.get(key);
    const { stops_by: now } = client;
    const stops_by = before !== undefined && (now === null || before < now) ? before : now;
    if (stops_by !== null) known.set(key, stops_by);
    return { ...client, stops_by };
  };
  return (heard) => ({ ...heard, unacknowledging_clients: heard.unacknowledging_clients.map(soonest) });
}
