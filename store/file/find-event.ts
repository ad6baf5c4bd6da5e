import { isKillSwitchError, type LogEvent, readEvent } from '../../flags/index.ts';
import { archivedAway } from '../archived-away.ts';
import { archivedBeginning, chainAfter, nearEndOfHole } from './archived.ts';
import { type ChainEnd, LogChain } from './log-chain.ts';
import { openFile, type OpenedFile } from './opened-file.ts';
import { type Line, readLines } from './read-lines.ts';

/**
 * By how many events lines may stand out of order: a batch that lost a race has the numbers with which it was planned.
 */
const DISORDER = 2000;

/** The number of an event stands near the end of its line. */
const SEQ = /,"seq":(\d+),"type":"[^"]*"\}$/;
const LOOKED_AT = 512;

const seqOf = ({ bytes }: Line): number | null => {
  const found = SEQ.exec(bytes.toString('latin1', Math.max(0, bytes.length - LOOKED_AT)));
  return found ? Number(found[1]) : null;
};

/**
 * Whether the event `held` is in the log's chain before the event `later`, which is in it. The event is looked up where
 * its number says, and the chain followed from there: that takes as long as what lies between the two, however long the
 * log is.
 * @throws KillSwitchError ARCHIVED for an event that this log no longer has: nobody can tell by it
 */
export async function leadsTo(path: string, held: ChainEnd, later: ChainEnd): Promise<boolean> {
  const file = openFile(path);
  if (!file) return false;
  try {
    return (await isLedTo(file, held, later)) || (await isInWholeLog(path, file, { held, later }));
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
 * Where the line of that event ends, and the chain from there; null where the event is not near the place that its
 * number says. That chain may call a line damage that is a lost swap of long ago: only the whole log can tell then.
 */
export async function findEvent(
  file: OpenedFile,
  event: ChainEnd,
): Promise<{ readonly end: number; readonly chain: LogChain } | null> {
  /** For each event before it, lost swaps included: the hash that it follows. */
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

/** By how many events an event may stand before a later one that is known, so that it is looked up from there. */
const NEAR = 20_000;

/**
 * The event with this number (the one before, where a recovery has skipped it), found from a later one by going back
 * from hash to hash; null where it is far from that, or not found so. The lines before it are not read.
 */
export async function eventBefore(file: OpenedFile, epoch: number, later: ChainEnd): Promise<ChainEnd | null> {
  if (epoch < 1 || epoch >= later.epoch || later.epoch - epoch > NEAR) return null;
  const before = new Map<string, { readonly prev: string; readonly seq: number }>();
  for await (const lines of readLines(file, await startBefore(file, epoch - DISORDER))) {
    for (const line of lines) {
      const found = eventIn(line);
      if (found) before.set(found.hash, { prev: found.prev, seq: found.seq });
    }
    if (before.has(later.hash)) break;
  }
  let { hash } = later;
  for (let at = before.get(hash); at !== undefined; at = before.get(hash)) {
    if (at.seq <= epoch) return { epoch: at.seq, hash };
    hash = at.prev;
  }
  return null;
}

/** The hashes of the chain that ends with `end`, as far back as they are known, up to GENESIS; the oldest first. */
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

/** An offset, found by bisection, before which all events have lower numbers, but for the disorder. */
async function startBefore(file: OpenedFile, epoch: number): Promise<number> {
  let low = await nearEndOfHole(file);
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
  let whole = false; // the first line may be the end of one
  for await (const lines of readLines(file, offset)) {
    for (const line of lines) {
      const seq = whole ? seqOf(line) : null;
      if (seq !== null) return seq;
      whole = true;
    }
  }
  return null;
}

async function isInWholeLog(
  path: string,
  file: OpenedFile,
  { held, later }: { readonly held: ChainEnd; readonly later: ChainEnd },
): Promise<boolean> {
  const beginning = await archivedBeginning(path, file);
  if (beginning && held.epoch < beginning.event.seq) throw archivedAway(held.epoch, beginning.event.seq);
  if (beginning?.event.seq === held.epoch) return beginning.event.hash === held.hash;
  const chain = beginning ? chainAfter(beginning) : new LogChain();
  for await (const lines of readLines(file, beginning?.place.offset ?? 0)) {
    for (const { bytes } of lines) {
      if (chain.take(bytes)?.hash === held.hash) return true;
      if (chain.end.epoch >= later.epoch) return false;
    }
  }
  return false;
}
