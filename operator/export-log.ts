import { randomUUID } from 'node:crypto';
import { lstatSync } from 'node:fs';
import { type FileHandle, open, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  type Head,
  KillSwitchError,
  type LogEvent,
  messageOf,
  printable,
  sealEvent,
  serializeEvent,
} from '../flags/index.ts';
import { removeIfThere, removeLeftBehind } from '../store/left-behind.ts';
import { sameHead } from '../store/answers.ts';
import { EventChain } from './event-chain.ts';
import { HEADER, type HeadSigner } from './head-signature.ts';
import { type LogProof, readLogProof } from './log-proof.ts';

/** What was written. `fingerprint`: of the key that has signed the head; null where it is not signed. */
export interface LogExport {
  readonly file: string;
  readonly events: number;
  readonly head: Head;
  readonly fingerprint: string | null;
}

/** The log that is exported. */
export interface Exported {
  readonly organizationId: string;
  /** @throws KillSwitchError NOT_INITIALISED */
  readonly head: () => Promise<Head>;
  readonly log: () => AsyncIterable<LogEvent>;
  /** The time of a signature, RFC 3339 UTC. */
  readonly now: () => string;
}

/** A line, and where the log stood when it was made. */
interface Part {
  readonly line: string;
  readonly chain: EventChain;
}

/**
 * The lines of an export: the events up to the head that the store shows at the start, exactly as they were hashed;
 * with a signer, between a header and the signed head.
 * @throws KillSwitchError CORRUPT where the log is not whole up to that head, UNKNOWN_EVENT
 */
export async function* exportedLines(
  { organizationId, head: readHead, log, now }: Exported,
  signer: HeadSigner | null,
  remembers: readonly number[] = [],
): AsyncGenerator<Part> {
  const chain = new EventChain({ folds: false, remembers });
  const head = await readHead();
  if (signer) yield { line: HEADER, chain };
  for await (const event of log()) {
    if (event.seq > head.epoch) break;
    const problem = chain.take(event);
    if (problem !== null) throw damaged(problem);
    yield { line: asHashed(event), chain };
  }
  if (!sameHead(chain.head, head))
    throw damaged(`It ends at epoch ${chain.head?.epoch ?? 0}, and the store's head says epoch ${head.epoch}.`);
  if (!signer) return;
  for (const line of signer.lines(head, { organizationId, events: chain.events, at: now() })) yield { line, chain };
}

const damaged = (problem: string): KillSwitchError =>
  new KillSwitchError(
    'CORRUPT',
    `The log is not whole, so it is not exported. ${problem} Look: kill-switch log verify`,
  );

/** @throws KillSwitchError UNKNOWN_EVENT for an event whose text cannot be made again from what this version reads */
function asHashed(event: LogEvent): string {
  const { hash, ...rest } = event;
  if (sealEvent(rest).hash === hash) return serializeEvent(event);
  throw new KillSwitchError(
    'UNKNOWN_EVENT',
    `Event ${event.seq} of the log was written by a newer version of kill-switch: export the log with that version.`,
  );
}

/**
 * Writes an export: all of it, on the disk, or nothing under that name. A file that is there is replaced only where it
 * is an export of the same log, of which that log still has every event.
 * @throws KillSwitchError INVALID_STATE where something else is there, or it cannot be written
 */
export async function writeExport(exported: Exported, file: string, signer: HeadSigner | null): Promise<LogExport> {
  const before = await found(file, signer !== null);
  const temporary = join(dirname(file), `.${basename(file)}.${randomUUID()}.tmp`);
  let handle: FileHandle;
  try {
    handle = await open(temporary, 'wx');
  } catch (error) {
    throw notWritten(file, temporary, error);
  }
  try {
    const chain = await fill(handle, exportedLines(exported, signer, before ? [before.head.epoch] : []));
    if (before && !chain.has(before.head)) throw isOfAnotherLog(file, before, chain);
    removeLeftBehind(temporary, (name) => isTemporary(name, file));
    await rename(temporary, file);
    await syncFolder(dirname(file));
    const { head, events } = chain;
    if (!head) throw damaged('It has no event.');
    return { file, events, head, fingerprint: signer?.fingerprint ?? null };
  } catch (error) {
    removeIfThere(temporary);
    throw error instanceof KillSwitchError ? error : notWritten(file, temporary, error);
  }
}

const AT_ONCE = 1000;

/** Writes the lines, syncs them and closes the file. Returns the chain of their events. */
async function fill(handle: FileHandle, parts: AsyncIterable<Part>): Promise<EventChain> {
  let chain = new EventChain({ folds: false });
  let lines: string[] = [];
  const write = async (): Promise<void> => {
    await handle.writeFile(lines.map((line) => `${line}\n`).join(''));
    lines = [];
  };
  try {
    for await (const part of parts) {
      chain = part.chain;
      if (lines.push(part.line) >= AT_ONCE) await write();
    }
    await write();
    await handle.sync();
  } finally {
    await handle.close();
  }
  return chain;
}

/** The export that is there already; null where nothing is. */
async function found(file: string, signs: boolean): Promise<LogProof | null> {
  const name = printable(file);
  if (!lstatSync(file, { throwIfNoEntry: false })) return null;
  const proof = await readLogProof(file).then(
    (read) => read.proof,
    (error: unknown) => {
      throw refused(`${name} is there, and is no export of a log: ${messageOf(error)}`);
    },
  );
  if (proof.is === 'head') throw refused(`${name} is there, and is a head, no export of a log.`);
  if (proof.problem !== undefined) throw refused(proof.problem);
  if (proof.signed && !signs) throw refused(`${name} is a signed export, which one without a signature would replace.`);
  return proof;
}

const refused = (why: string): KillSwitchError =>
  new KillSwitchError('INVALID_STATE', `Nothing was written. ${why} Name another file.`);

const isOfAnotherLog = (file: string, { head, first }: LogProof, chain: EventChain): KillSwitchError =>
  first === chain.first
    ? new KillSwitchError(
        'INVALID_STATE',
        `Nothing was written. ${printable(file)} has events up to epoch ${head.epoch} that this log does not have: it was cut off or replaced. Keep that file, and look: kill-switch log verify --against FILE`,
      )
    : refused(`${printable(file)} is the export of another control plane.`);

const isTemporary = (name: string, file: string): boolean => {
  const prefix = `.${basename(file)}.`;
  return name.startsWith(prefix) && /^[0-9a-f-]{36}\.tmp$/.test(name.slice(prefix.length));
};

/** The temporary name is random, and means nothing to people. */
const notWritten = (file: string, temporary: string, error: unknown): KillSwitchError =>
  new KillSwitchError(
    'INVALID_STATE',
    `The export was not written to ${printable(file)}: ${messageOf(error).replaceAll(temporary, file)}`,
    { cause: error },
  );

async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return; // Windows cannot open a folder to sync it
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
