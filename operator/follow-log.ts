import { setTimeout as sleep } from 'node:timers/promises';
import { notify } from '../flags/callbacks.ts';
import { isKillSwitchError, KillSwitchError, type LogEvent, messageOf } from '../flags/index.ts';

/** How often the store is asked for what is new, in milliseconds. */
const POLL_MS = 300;

/**
 * What is waited for. What is not permitted is: but only where it had been, since rules may be mended while somebody
 * watches.
 */
const PASSING: ReadonlySet<string> = new Set(['STORE_UNREACHABLE', 'STORE_READ_ONLY', 'NOT_PERMITTED']);

/** From where on a log is followed, and until when. */
export interface Following {
  readonly after: number;
  readonly signal: AbortSignal;
  /** Told of an outage of the store, and with an empty text that it is over; each once. */
  readonly onTrouble: (problem: string) => void;
}

/**
 * Each event as it is appended, until `signal` aborts. Each time it begins with the last one that was given: a log that
 * was cut off, wiped or replaced would otherwise look like one in which nothing happens. An outage of the store is
 * waited for.
 */
export async function* followLog(
  log: (after: number) => AsyncIterable<LogEvent>,
  { after, signal, onTrouble }: Following,
): AsyncGenerator<LogEvent> {
  let last: LogEvent | null = null;
  let troubled = false;
  let answered = false;
  while (!signal.aborted) {
    try {
      let met = last === null;
      for await (const event of log(last ? last.seq - 1 : after)) {
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
      if (troubled) notify(onTrouble, '');
      troubled = false;
    } catch (error) {
      if (!isKillSwitchError(error) || !PASSING.has(error.code)) throw error;
      if (error.code === 'NOT_PERMITTED' && !answered) throw error;
      if (!troubled) notify(onTrouble, messageOf(error));
      troubled = true;
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => {}); // aborted: the loop ends
  }
}

const replaced = (seq: number): KillSwitchError =>
  new KillSwitchError(
    'LOG_REPLACED',
    `Event ${seq}, which was given last, is no longer in the log: it was cut off, wiped or replaced. Look: kill-switch log verify`,
  );
