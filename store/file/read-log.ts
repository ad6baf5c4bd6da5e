import type { FileHandle } from 'node:fs/promises';
import { isKillSwitchError, type LogEvent } from '../../flags/index.ts';
import { withDeadline } from '../with-deadline.ts';
import { fileError } from './file-errors.ts';
import { LogChain } from './log-chain.ts';
import { damaged } from './log-tail.ts';
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
    chain.finish();
  } catch (error) {
    throw isKillSwitchError(error) && error.code === 'CORRUPT' ? damaged(path, error) : fileError(error, 'read', path);
  } finally {
    await file?.close();
  }
}
