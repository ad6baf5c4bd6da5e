import type { LogEvent } from '../../flags/index.ts';
import { withDeadline } from '../with-deadline.ts';
import { findEvent } from './find-event.ts';
import { type ChainEnd, LogChain } from './log-chain.ts';
import { explained } from './log-tail.ts';
import { openFile, type OpenedFile } from './opened-file.ts';
import { readLines } from './read-lines.ts';

/**
 * The events of the log after that `seq`; each step takes at most `ms` milliseconds. Where the event of that number is `known`, which its reader has followed
 * from the first line, reading begins there; else at the first line.
 * @throws KillSwitchError CORRUPT, STORE_UNREACHABLE
 */
export async function* readLog(
  path: string,
  after: number,
  { ms, known = null }: { readonly ms: number; readonly known?: ChainEnd | null },
): AsyncGenerator<LogEvent> {
  let file: OpenedFile | null = null;
  try {
    file = openFile(path);
    if (!file) return;
    const found = known && (await withDeadline(findEvent(file, known), ms, 'log'));
    const chain = found?.chain ?? new LogChain();
    const batches = readLines(file, found?.end ?? 0);
    for (;;) {
      const batch = await withDeadline(batches.next(), ms, 'log');
      if (batch.done) break;
      for (const { bytes } of batch.value) {
        const event = chain.take(bytes);
        if (event && event.seq > after) yield event;
      }
    }
    // Torn lines at the end are for `load` to report: a writer looks here for what it has written, and appends behind them.
    chain.finish('for writing');
  } catch (error) {
    throw explained(error, path);
  } finally {
    file?.close();
  }
}
