import { isKillSwitchError, type LogEvent } from '../../flags/index.ts';
import { withDeadline } from '../with-deadline.ts';
import { archivedAway } from '../archived-away.ts';
import { archivedBeginning, type Beginning, chainFrom, whyNotFrom } from './archived.ts';
import { logError } from './file-errors.ts';
import { eventBefore, findEvent } from './find-event.ts';
import { type ChainEnd, LogChain } from './log-chain.ts';
import { openFile, type OpenedFile } from './opened-file.ts';
import { readLines } from './read-lines.ts';

/** Where reading begins, and the chain that the first line there goes on with. */
interface Start {
  readonly end: number;
  readonly chain: LogChain;
}

interface Reading {
  /** How long each step may take, in milliseconds. */
  readonly ms: number;
  /** The event numbered `after`, where the caller has read the log up to it before: reading then begins there. */
  readonly known?: ChainEnd | null;
  /** A later event that the caller has read: one that is not far before it is looked up from there. */
  readonly later?: ChainEnd;
  /** Called before each step; throws once the connection has been closed. */
  readonly admit: () => void;
}

/**
 * The events of the log after this `seq`. Where that place is not known or found, and where only the whole log can
 * explain a line behind it, reading begins where the log does. After 0: all that is left of a log that was archived.
 * @throws KillSwitchError CORRUPT, STORE_UNREACHABLE, ARCHIVED, and what `admit` throws
 */
export async function* readLog(
  path: string,
  after: number,
  { ms, known = null, later, admit }: Reading,
): AsyncGenerator<LogEvent> {
  let file: OpenedFile | null = null;
  let beginning: Beginning | null = null;
  let last = after;
  try {
    admit();
    file = openFile(path);
    if (!file) return;
    beginning = await withDeadline(archivedBeginning(path, file), ms, 'log');
    if (beginning && after > 0 && after < beginning.event.seq - 1) throw archivedAway(after + 1, beginning.event.seq);
    const near = known ?? (later ? await withDeadline(eventBefore(file, after, later), ms, 'log') : null);
    const found = near && (await withDeadline(findEvent(file, near), ms, 'log'));
    // Only the last one remembers every hash: the line of a writer that slept for long needs that.
    const starts = [found, startOf(beginning, true), startOf(beginning, false)];
    for (const [index, start] of starts.entries()) {
      if (start === null) continue;
      try {
        for await (const event of eventsFrom(file, start, { ms, admit })) {
          if (event.seq <= last) continue;
          last = event.seq;
          yield event;
        }
        return;
      } catch (error) {
        if (index === starts.length - 1 || !isKillSwitchError(error) || error.code !== 'CORRUPT') throw error;
      }
    }
  } catch (error) {
    throw logError(file ? await whyNotFrom(beginning, error, path, file) : error, path);
  } finally {
    file?.close();
  }
}

/** Where the log begins. */
const startOf = (beginning: Beginning | null, forgets: boolean): Start =>
  beginning
    ? { end: beginning.start, chain: chainFrom(beginning, { forgets }) }
    : { end: 0, chain: new LogChain(undefined, { forgets }) };

async function* eventsFrom(file: OpenedFile, { end, chain }: Start, { ms, admit }: Reading): AsyncGenerator<LogEvent> {
  const batches = readLines(file, end);
  for (;;) {
    const batch = await withDeadline(batches.next(), ms, 'log');
    admit();
    if (batch.done) break;
    for (const { bytes } of batch.value) {
      const event = chain.take(bytes);
      if (event) yield event;
    }
  }
  // `load` reports torn lines at the end. Here a writer looks for what it has written, and appends after them.
  chain.finish('for writing');
}
