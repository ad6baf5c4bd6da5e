import { isKillSwitchError, type LogEvent } from '../../flags/index.ts';
import { withDeadline } from '../with-deadline.ts';
import { findEvent } from './find-event.ts';
import { type ChainEnd, LogChain } from './log-chain.ts';
import { explained } from './log-tail.ts';
import { openFile, type OpenedFile } from './opened-file.ts';
import { readLines } from './read-lines.ts';

/** Where reading begins, and what the first line there is to follow. */
interface Start {
  readonly end: number;
  readonly chain: LogChain;
}

/**
 * The events of the log after that `seq`; each step takes at most `ms` milliseconds. Where the event of that number is
 * `known`, which its reader has followed from the first line, reading begins there; else at the first line, and also
 * where something behind the known event only the whole log can explain.
 * @throws KillSwitchError CORRUPT, STORE_UNREACHABLE
 */
export async function* readLog(
  path: string,
  after: number,
  { ms, known = null }: { readonly ms: number; readonly known?: ChainEnd | null },
): AsyncGenerator<LogEvent> {
  let file: OpenedFile | null = null;
  let last = after;
  try {
    file = openFile(path);
    if (!file) return;
    const found = known && (await withDeadline(findEvent(file, known), ms, 'log'));
    for (const start of [found, { end: 0, chain: new LogChain() }]) {
      if (start === null) continue;
      try {
        for await (const event of eventsFrom(file, start, ms)) {
          if (event.seq <= last) continue;
          last = event.seq;
          yield event;
        }
        return;
      } catch (error) {
        if (start !== found || !isKillSwitchError(error) || error.code !== 'CORRUPT') throw error;
      }
    }
  } catch (error) {
    throw explained(error, path);
  } finally {
    file?.close();
  }
}

async function* eventsFrom(file: OpenedFile, { end, chain }: Start, ms: number): AsyncGenerator<LogEvent> {
  const batches = readLines(file, end);
  for (;;) {
    const batch = await withDeadline(batches.next(), ms, 'log');
    if (batch.done) break;
    for (const { bytes } of batch.value) {
      const event = chain.take(bytes);
      if (event) yield event;
    }
  }
  // Torn lines at the end are for `load` to report: a writer looks here for what it has written, and appends behind
  // them.
  chain.finish('for writing');
}
