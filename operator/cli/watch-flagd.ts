import { createHash } from 'node:crypto';
import { EventEmitter, on } from 'node:events';
import { type Beat, invalid } from '../../flags/index.ts';
import type { Work } from '../../store/own-beat.ts';
import { Replica, type ReplicaEvent } from '../../store/replica.ts';
import { deadManBound } from '../dead-man.ts';
import { replicaSource } from '../export-source.ts';
import { type FlagdExport, type FlagdExportEvent, startFlagdExport } from '../flagd-export.ts';
import type { Answer, Context, Lines } from './command.ts';
import { shortTime } from './output.ts';

/** In milliseconds. */
export interface WatchOptions {
  readonly valid: number;
  readonly reissue: number;
  readonly write: number;
  readonly poll: number;
  readonly skew: number;
}

/** What is told while the file is kept, one a line: records as they are printed with `--json`. */
type Told =
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
      `--valid ${exact(valid)} is too short: ${sum}. Before the next text reached flagd, the one before would be over, and everyone would stop without cause. Give --valid at least ${exact(least)}, or shorten the others (flagd looks at a file every second: --poll 1s).`,
    );
  }
  const value = { type: 'started', file, stops_within_ms: valid + skew, valid_ms: valid, least_valid_ms: least };
  const text = [
    `Keeping ${file} current for flagd, until Ctrl-C.`,
    `If this process dies or is cut off from ${context.store.location}, every client reads full_stop by itself within ${exact(valid + skew)} (valid ${exact(valid)} + skew ${exact(skew)}).`,
    `It never stops without cause, because valid ${exact(valid)} >= ${sum}.`,
  ].join('\n');
  return { lines: told(context, file, times, { value, text }), beside: true };
}

/** Not rounded: these are compared. */
const exact = (ms: number): string => (ms % 1000 === 0 ? `${ms / 1000} s` : `${ms} ms`);

async function* told(
  { store, organizationId, untilInterrupted }: Context,
  file: string,
  { valid, reissue, skew }: WatchOptions,
  first: Pick<Answer, 'value' | 'text'>,
): AsyncGenerator<Pick<Answer, 'value' | 'text'>> {
  const signal = untilInterrupted();
  const emitter = new EventEmitter<{ told: [Told] }>();
  const queue = on(emitter, 'told', { signal });
  // Bound to the store and the organization: the head of one must not be held against another.
  const place = createHash('sha256').update(`${store.location} ${organizationId}`).digest('hex').slice(0, 12);
  const replica = new Replica({
    store: await store.executor(store.location.startsWith('file:') ? undefined : `${file}.${place}.anchor`),
    organizationId,
    leaseMs: 5000,
    executorName: 'flagd-export',
    work: () => reported.now(),
  });
  const tell = changesOnly((event) => void emitter.emit('told', event));
  replica.on((event) => tell(ofReplica(event)));
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
        tell(ofExport(event));
        if (reported.isNews()) replica.report();
      },
    });
    yield first;
    try {
      for await (const [event] of queue as AsyncIterable<[Told]>) yield { value: event, text: sentence(event) };
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    await flagd.close();
    const { validUntil } = flagd;
    const ended: Told = { type: 'ended', at: now(), valid_until: validUntil === null ? null : isoOf(validUntil) };
    yield { value: ended, text: sentence(ended) };
  } finally {
    await flagd?.close();
    await replica.close();
  }
}

/**
 * What this process reports of itself: a write that has not landed is work in flight, so that no kill counts as obeyed
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
    return { inFlight: waiting, draining: waiting, agents: [], runs: [], export: this.#export, trouble };
  }

  /** Whether that is something else than what was reported last. */
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

function ofReplica(event: ReplicaEvent): Told | null {
  switch (event.type) {
    case 'changed':
      return null; // the file that is written of it is told
    case 'ready':
      return { type: 'connected', at: now(), message: 'the store confirms' };
    case 'stale':
    case 'fault':
      return { type: 'fault', at: now(), message: `${event.fault.code}: ${event.fault.message}` };
    default:
      return event satisfies never;
  }
}

function ofExport(event: FlagdExportEvent): Told {
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
 * Leaves out what was said last about the same thing: a file that is only written anew every two seconds is no news.
 */
function changesOnly(tell: (event: Told) => void): (event: Told | null) => void {
  let [ofFile, ofStore] = ['', ''];
  return (event) => {
    if (event === null) return;
    const isOfStore = event.type === 'connected' || event.type === 'fault';
    const said = `${event.type} ${'epoch' in event ? event.epoch : 'message' in event ? event.message : ''}`;
    if (said === (isOfStore ? ofStore : ofFile)) return;
    if (isOfStore) ofStore = said;
    else ofFile = said;
    tell(event);
  };
}

function sentence(event: Told): string {
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
