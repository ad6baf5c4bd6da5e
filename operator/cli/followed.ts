import { setTimeout as sleep } from 'node:timers/promises';
import { isKillSwitchError, type LogEvent } from '../../flags/index.ts';
import type { ControlPlane } from '../control-plane.ts';
import type { FollowOptions } from '../lists.ts';
import type { Context } from './command.ts';

type Noting = Pick<Context, 'note'>;

/** Follows the log; notes when the store stops answering, and when it answers again. */
export const followed = (
  context: Noting,
  control: ControlPlane,
  options: Omit<FollowOptions, 'onTrouble'>,
): AsyncIterable<LogEvent> => control.follow({ ...options, onTrouble: noteTrouble(context) });

/** What notes that the store stops answering, and answers again. */
export const noteTrouble =
  ({ note }: Noting) =>
  (problem: string): void =>
    note(problem === '' ? 'The store answers again.' : `${problem} Waiting until it answers again.`);

/** How soon the head of a log that was replaced is read again where it cannot be read, in milliseconds. */
const AGAIN_MS = 1000;

/**
 * The same for an operating process, which has to go on whatever becomes of the log: where that was cut off or replaced
 * this is noted, and it follows what is there from then on.
 */
export async function* followedOn(
  context: Noting,
  control: ControlPlane,
  { after, signal }: { readonly after: number; readonly signal: AbortSignal },
): AsyncGenerator<LogEvent> {
  for (let from = after; !signal.aborted; from = await headAgain(control, from, signal)) {
    try {
      yield* followed(context, control, { after: from, signal });
      return;
    } catch (error) {
      if (!isKillSwitchError(error) || error.code !== 'LOG_REPLACED') throw error;
      context.note(error.message);
    }
  }
}

/** The epoch of the log as it is now, once that can be read. */
async function headAgain(control: ControlPlane, before: number, signal: AbortSignal): Promise<number> {
  while (!signal.aborted) {
    const head = await control.head().catch((error: unknown) => {
      if (!isKillSwitchError(error) || error.code === 'CLOSED') throw error;
      return null; // following notes an outage of the store
    });
    if (head) return head.epoch;
    await sleep(AGAIN_MS, undefined, { signal }).catch(() => {}); // aborted: the loop ends
  }
  return before;
}
