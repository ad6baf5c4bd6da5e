import { setTimeout as sleep } from 'node:timers/promises';
import { isKillSwitchError, type LogEvent, messageOf } from '../../flags/index.ts';
import type { ControlPlane } from '../control-plane.ts';
import { CommandError } from './command-error.ts';

/** How often the store is asked for what is new, in milliseconds. */
const POLL_MS = 300;

/** What is waited for. What is not permitted is: but only where it had been, since rules may be mended while somebody watches. */
const PASSING: ReadonlySet<string> = new Set(['STORE_UNREACHABLE', 'STORE_READ_ONLY', 'NOT_PERMITTED']);

/**
 * Each event as it is appended, until `signal` aborts. Each time it begins with the last one that was shown: a log that was cut off,
 * wiped or replaced would otherwise look like one in which nothing happens. An outage of the store is told once, and then waited for.
 */
export async function* followLog(
  control: ControlPlane,
  after: number,
  signal: AbortSignal,
  note: (line: string) => void,
): AsyncGenerator<LogEvent> {
  let last: LogEvent | null = null;
  let troubled = false;
  let answered = false;
  while (!signal.aborted) {
    try {
      let met = last === null;
      for await (const event of control.log({ after: last ? last.seq - 1 : after })) {
        if (signal.aborted) return;
        if (!met) {
          if (event.hash !== last?.hash) break;
          met = true;
          continue;
        }
        last = event;
        yield event;
      }
      if (!met) throw replaced(last?.seq ?? after);
      answered = true;
      if (troubled) note('The store answers again.');
      troubled = false;
    } catch (error) {
      if (!isKillSwitchError(error) || !PASSING.has(error.code)) throw error;
      if (error.code === 'NOT_PERMITTED' && !answered) throw error;
      if (!troubled) note(`${messageOf(error)} Waiting until it answers again.`);
      troubled = true;
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => {}); // aborted: the loop ends
  }
}

const replaced = (seq: number): CommandError =>
  new CommandError(
    'LOG_REPLACED',
    `Event ${seq}, which was shown last, is no longer in the log: it was cut off, wiped or replaced. Look: kill-switch log verify`,
  );
