import { setTimeout as sleep } from 'node:timers/promises';
import { type Head, KillSwitchError, type LogEvent } from '../flags/index.ts';
import { outages } from './outages.ts';
import { untilEnded } from './until-ended.ts';

/** How often the store is asked for new events, in milliseconds. */
const POLL_MS = 300;

/** Where following a log begins, and when it ends. */
export interface Following {
  readonly after: number;
  /** Only these are given. */
  readonly matches: (event: LogEvent) => boolean;
  readonly signal: AbortSignal;
  /** Called once with an outage of the store, and once with an empty text when it is over. */
  readonly onTrouble: (problem: string) => void;
}

/** The log that is followed. */
export interface FollowedLog {
  log(after: number): AsyncIterable<LogEvent>;
  head(): Promise<Head | null>;
  /** Fires with a KillSwitchError CLOSED when the store is closed. */
  readonly closed: AbortSignal;
}

/**
 * Each event as it is appended, until `signal` fires or the iterator is returned: both end a waiting `next()` at once,
 * too. Waits through outages of the store.
 * @throws KillSwitchError LOG_REPLACED, CLOSED
 */
export function followLog(followed: FollowedLog, following: Following): AsyncIterableIterator<LogEvent> {
  const { closed } = followed;
  return untilEnded((signal) => eventsOf(followed, { ...following, signal }), { signal: following.signal, closed });
}

/**
 * Each poll begins with the last known event (before the first event: the head at the start): a log that was cut off,
 * wiped or replaced would otherwise look like one in which nothing happens.
 */
async function* eventsOf(
  { log, head }: Pick<FollowedLog, 'log' | 'head'>,
  { after, matches, signal, onTrouble }: Following,
): AsyncGenerator<LogEvent> {
  let last: Place | null = null;
  const store = outages(onTrouble);
  while (!signal.aborted) {
    try {
      last ??= placeAt(await head(), after);
      let met = last === null;
      for await (const event of log(last ? last.seq - 1 : after)) {
        if (signal.aborted) return;
        if (!met) {
          if (event.hash !== last?.hash) break;
          met = true;
          continue;
        }
        last = event;
        if (event.seq > after && matches(event)) yield event;
      }
      if (!met) throw replaced(last?.seq ?? after);
      store.answered();
    } catch (error) {
      if (signal.aborted) return;
      store.failed(error);
    }
    await sleep(POLL_MS, undefined, { signal }).catch(() => {}); // aborted: the loop ends
  }
}

type Place = Pick<LogEvent, 'seq' | 'hash'>;

/** The head as the place to go on from; null where there are events to give before it. */
const placeAt = (head: Head | null, after: number): Place | null =>
  head && head.epoch <= after ? { seq: head.epoch, hash: head.hash } : null;

const replaced = (seq: number): KillSwitchError =>
  new KillSwitchError(
    'LOG_REPLACED',
    `Event ${seq}, up to which the log was followed, is no longer in the log: it was cut off, wiped or replaced. Look: kill-switch log verify`,
  );
