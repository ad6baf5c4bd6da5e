import { createHash } from 'node:crypto';
import { EventEmitter, on } from 'node:events';
import { type Beat, invalid } from '../../flags/index.ts';
import { connectExecutor } from '../../store/connect-executor.ts';
import { NO_WORK, type Work } from '../../store/own-beat.ts';
import type { ReplicaEvent } from '../../store/replica.ts';
import { deadManBound } from '../dead-man.ts';
import { replicaSource } from '../export-source.ts';
import { type FlagdExport, type FlagdExportEvent, startFlagdExport } from '../flagd-export.ts';
import type { Context, Item, Lines } from './command.ts';
import { shortTime } from './output.ts';

/** In milliseconds. */
export interface WatchOptions {
  readonly valid: number;
  readonly reissue: number;
  readonly write: number;
  readonly poll: number;
  readonly skew: number;
}

/** What happens to the file while it is kept: one record a line, as `--json` prints them. */
type FileNews =
  | { readonly type: 'written'; readonly at: string; readonly epoch: number; readonly valid_until: string }
  | { readonly type: 'stopped' | 'trouble' | 'fault' | 'connected'; readonly at: string; readonly message: string }
  | { readonly type: 'ended'; readonly at: string; readonly valid_until: string | null };

/** Keeps a file current for flagd until it is interrupted. @throws KillSwitchError INVALID_ARGUMENT */
export async function keepCurrent(context: Context, file: string, times: WatchOptions): Promise<Lines> {
  const { valid, reissue, write, poll, skew } = times;
  const least = deadManBound({ reissueMs: reissue, writeMs: write, pollMs: poll, skewMs: skew });
  const sum = `reissue ${exact(reissue)} + write ${exact(write)} + poll ${exact(poll)} + skew ${exact(skew)} + 1 s = ${exact(least)}`;
  if (valid < least) {
    throw invalid(
      `--valid ${exact(valid)} is too short: ${sum}. The file would end before flagd has read the next one, and everyone would stop without cause. Give --valid at least ${exact(least)}, or shorten the others (flagd looks at a file every second: --poll 1s).`,
    );
  }
  const value = { type: 'started', file, stops_within_ms: valid + skew, valid_ms: valid, least_valid_ms: least };
  const text = [
    `Keeping ${file} current for flagd, until Ctrl-C.`,
    `If this process dies or is cut off from ${context.store.location}, every client reads full_stop by itself within ${exact(valid + skew)} (valid ${exact(valid)} + skew ${exact(skew)}).`,
    `It never stops without cause, because valid ${exact(valid)} >= ${sum}.`,
  ].join('\n');
  return { lines: fileNews(context, file, times, { value, text }), beside: true };
}

/** Not rounded, because people compare these. */
const exact = (ms: number): string => (ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`);

async function* fileNews(
  { store, organizationId, untilInterrupted }: Context,
  file: string,
  { valid, reissue, skew }: WatchOptions,
  first: Item,
): AsyncGenerator<Item> {
  const signal = untilInterrupted();
  const emitter = new EventEmitter<{ news: [FileNews] }>();
  const queue = on(emitter, 'news', { signal });
  // One anchor for each store and organization: their heads must not be compared with each other's.
  const place = createHash('sha256').update(`${store.location} ${organizationId}`).digest('hex').slice(0, 12);
  const { replica } = connectExecutor({
    store: await store.executor(store.location.startsWith('file:') ? undefined : `${file}.${place}.anchor`),
    organizationId,
    leaseMs: 5000,
    executorName: 'flagd-export',
    work: () => reported.now(),
  });
  const show = changesOnly((event) => void emitter.emit('news', event));
  replica.on((event) => show(ofReplica(event)));
  let flagd: FlagdExport | undefined;
  const reported = new Reported(() => flagd, { file, stops_within_ms: valid + skew });
  try {
    await replica.start();
    flagd = await startFlagdExport({
      source: replicaSource(replica),
      file,
      organizationId,
      validMs: valid,
      reissueMs: reissue,
      onEvent: (event) => {
        show(ofExport(event));
        if (reported.isNews()) replica.report();
      },
    });
    yield first;
    try {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the types of `on` lose the emitter's
      for await (const [event] of queue as AsyncIterable<[FileNews]>) yield { value: event, text: sentence(event) };
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    await flagd.close();
    const { validUntil } = flagd;
    const ended: FileNews = { type: 'ended', at: now(), valid_until: validUntil === null ? null : isoOf(validUntil) };
    yield { value: ended, text: sentence(ended) };
  } finally {
    await flagd?.close();
    await replica.close();
  }
}

/**
 * What this process reports of itself. A write that has not landed is work in flight, so that no kill counts as obeyed
 * before its text is on the disk.
 */
class Reported {
  readonly #flagd: () => FlagdExport | undefined;
  readonly #export: NonNullable<Beat['export']>;
  #last = '';

  constructor(flagd: () => FlagdExport | undefined, exported: NonNullable<Beat['export']>) {
    this.#flagd = flagd;
    this.#export = exported;
  }

  now(): Work {
    this.#last = this.#standing();
    const flagd = this.#flagd();
    const waiting = flagd?.isWritten ? 0 : 1;
    const trouble = flagd?.trouble ?? undefined;
    return { ...NO_WORK, inFlight: waiting, draining: waiting, export: this.#export, trouble };
  }

  /** Whether it differs from the last report. */
  isNews(): boolean {
    return this.#standing() !== this.#last;
  }

  #standing(): string {
    const flagd = this.#flagd();
    return `${flagd?.isWritten} ${flagd?.trouble}`;
  }
}

const now = (): string => new Date().toISOString();
const isoOf = (seconds: number): string => new Date(seconds * 1000).toISOString();

function ofReplica(event: ReplicaEvent): FileNews | null {
  switch (event.type) {
    case 'changed':
      return null; // the file that is written for it is shown
    case 'ready':
      return { type: 'connected', at: now(), message: 'the store confirms' };
    case 'stale':
    case 'fault':
      return { type: 'fault', at: now(), message: `${event.fault.code}: ${event.fault.message}` };
    default:
      return event satisfies never;
  }
}

function ofExport(event: FlagdExportEvent): FileNews {
  switch (event.type) {
    case 'written':
      return { type: 'written', at: now(), epoch: event.epoch, valid_until: isoOf(event.validUntil) };
    case 'stopped':
    case 'trouble':
      return { type: event.type, at: now(), message: event.message };
    default:
      return event satisfies never;
  }
}

/**
 * Leaves out records that only repeat the last one about the same thing, such as a file that is renewed every two
 * seconds.
 */
function changesOnly(show: (event: FileNews) => void): (event: FileNews | null) => void {
  let [ofFile, ofStore] = ['', ''];
  return (event) => {
    if (event === null) return;
    const isOfStore = event.type === 'connected' || event.type === 'fault';
    const said = `${event.type} ${'epoch' in event ? event.epoch : 'message' in event ? event.message : ''}`;
    if (said === (isOfStore ? ofStore : ofFile)) return;
    if (isOfStore) ofStore = said;
    else ofFile = said;
    show(event);
  };
}

function sentence(event: FileNews): string {
  switch (event.type) {
    case 'written':
      return `${event.at}  written  epoch ${event.epoch}, valid until ${shortTime(event.valid_until)} and renewed`;
    case 'ended':
      return event.valid_until === null
        ? `${event.at}  ended  nothing was written; the file is what it was at the start`
        : `${event.at}  ended  the file stays, and every client that reads it stops by itself at ${shortTime(event.valid_until)}`;
    default:
      return `${event.at}  ${event.type}  ${event.message}`;
  }
}
