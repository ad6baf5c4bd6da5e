import type { FileHandle } from 'node:fs/promises';
import type { LogEvent } from '../../flags/index.ts';
import { withDeadline } from '../with-deadline.ts';
import { LogChain } from './log-chain.ts';
import { explained } from './log-tail.ts';
import { openFile, readLines } from './read-lines.ts';

/** The events of the log after that `seq`; each step takes at most `ms` milliseconds. @throws KillSwitchError CORRUPT, STORE_UNREACHABLE */
export async function* readLog(path: string, after: number, ms: number): AsyncGenerator<LogEvent> {
  let file: FileHandle | null = null;
  try {
    file = await withDeadline(openFile(path), ms, 'log');
    if (!file) return;
    const chain = new LogChain();
    const batches = readLines(file, 0);
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
    await file?.close();
  }
}
