import { isKillSwitchError, type LogEvent, readEvent } from '../../flags/index.ts';
import { type ChainEnd, LogChain } from './log-chain.ts';
import { openFile, type OpenedFile } from './opened-file.ts';
import { type Line, readLines } from './read-lines.ts';

/**
 * By how many events lines may stand out of order: a batch that lost a race is numbered on from where it was planned.
 */
const DISORDER = 2000;

/** The number of an event stands near the end of its one text. */
const SEQ = /,"seq":(\d+),"type":"[^"]*"\}$/;
const LOOKED_AT = 512;

const seqOf = ({ bytes }: Line): number | null => {
  const found = SEQ.exec(bytes.toString('latin1', Math.max(0, bytes.length - LOOKED_AT)));
  return found ? Number(found[1]) : null;
};

/**
 * Whether the event of `held` is in the log before that of `later`, which is in its chain: it is looked up where its
 * number says, and the chain followed from there, so that this takes as long as what lies between them, however long
 * the log is.
 */
export async function leadsTo(path: string, held: ChainEnd, later: ChainEnd): Promise<boolean> {
  const file = openFile(path);
  if (!file) return false;
  try {
    return (await isLedTo(file, held, later)) || (await isInWholeLog(file, held, later));
  } finally {
    file.close();
  }
}

async function isLedTo(file: OpenedFile, held: ChainEnd, later: ChainEnd): Promise<boolean> {
  try {
    const found = await findEvent(file, held);
    if (!found) return false;
    for await (const lines of readLines(file, found.end)) {
      for (const { bytes } of lines) {
        found.chain.take(bytes);
        if (found.chain.end.hash === later.hash) return true;
        if (found.chain.end.epoch >= later.epoch) return false;
      }
    }
  } catch (error) {
    if (!isKillSwitchError(error) || error.code !== 'CORRUPT') throw error; // the whole log tells
  }
  return false;
}

/**
 * Where the line of that event ends, and the chain from there; null where it is not near the place that its number
 * says. What that chain calls damage may be a line that was lost long ago: then the whole log tells.
 */
export async function findEvent(
  file: OpenedFile,
  event: ChainEnd,
): Promise<{ readonly end: number; readonly chain: LogChain } | null> {
  /** What each event that stands before it follows, those that were lost included. */
  const before = new Map<string, string>();
  for await (const lines of readLines(file, await startBefore(file, event.epoch - DISORDER))) {
    for (const line of lines) {
      const seq = seqOf(line);
      if (seq === null) continue;
      if (seq > event.epoch + DISORDER) return null;
      const found = eventIn(line);
      if (found?.hash === event.hash && seq === event.epoch) {
        const chain = new LogChain(event, { forgets: true, earlier: chainTo(found.prev, before) });
        return { end: line.start + line.bytes.length + 1, chain };
      }
      if (found) before.set(found.hash, found.prev);
    }
  }
  return null;
}

/**
 * The hashes of the chain that ends with this one, as far back as it is known: to the beginning of the log (GENESIS)
 * where that is near.
 */
function chainTo(end: string, before: ReadonlyMap<string, string>): string[] {
  const hashes = [end];
  for (let prev = before.get(end); prev !== undefined; prev = before.get(prev)) hashes.push(prev);
  return hashes.reverse();
}

function eventIn({ bytes }: Line): LogEvent | null {
  try {
    return readEvent(bytes.toString('utf8'));
  } catch {
    return null;
  }
}

/** A byte before which no event has a number beyond that, give or take the disorder; found by halving. */
async function startBefore(file: OpenedFile, epoch: number): Promise<number> {
  let low = 0;
  let high = Number(file.stats().size);
  while (high - low > 64 * 1024) {
    const middle = Math.floor((low + high) / 2);
    const seq = await firstSeqAfter(file, middle);
    if (seq !== null && seq < epoch) low = middle;
    else high = middle;
  }
  return low;
}

async function firstSeqAfter(file: OpenedFile, offset: number): Promise<number | null> {
  let whole = false; // the first line may have begun before
  for await (const lines of readLines(file, offset)) {
    for (const line of lines) {
      const seq = whole ? seqOf(line) : null;
      if (seq !== null) return seq;
      whole = true;
    }
  }
  return null;
}

async function isInWholeLog(file: OpenedFile, held: ChainEnd, later: ChainEnd): Promise<boolean> {
  const chain = new LogChain();
  for await (const lines of readLines(file, 0)) {
    for (const { bytes } of lines) {
      if (chain.take(bytes)?.hash === held.hash) return true;
      if (chain.end.epoch >= later.epoch) return false;
    }
  }
  return false;
}
