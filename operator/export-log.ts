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
import { archivedMeanwhile } from '../store/archived-away.ts';
import { EventChain } from './event-chain.ts';
import { HEADER, type HeadSigner } from './head-signature.ts';
import { openLogFile } from './log-file.ts';
import { type LogProof, readLogProof } from './log-proof.ts';
import { RefusedError } from './refusals.ts';

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
  /**
   * Up to where. `found`: up to where the file has it that is there already; null where none is.
   * @throws KillSwitchError NOT_INITIALISED
   */
  readonly head: (found: Head | null) => Promise<Head>;
  /** The events after an epoch. */
  readonly log: (after: number) => AsyncIterable<LogEvent>;
  /** Whether a file is part of the store. */
  readonly owns: (file: string) => boolean;
  /** Where a log begins of which the first part was archived; null: with its first event. */
  readonly beginning: () => Promise<Head | null>;
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
 * with a signer, between a header and the signed head. What is archived comes from the file that has it.
 * @throws KillSwitchError CORRUPT where the log is not whole up to that head, UNKNOWN_EVENT, ARCHIVED
 */
export async function* exportedLines(
  { organizationId, head: readHead, log, beginning, now }: Exported,
  signer: HeadSigner | null,
  before: FoundExport | null = null,
): AsyncGenerator<Part> {
  const chain = new EventChain({ folds: false, remembers: before ? [before.head.epoch] : [] });
  const begins = await beginning();
  if (begins && (before?.head.epoch ?? 0) < begins.epoch)
    throw new RefusedError({ kind: 'archive_needed', file: before?.proof.file ?? null, epoch: begins.epoch });
  const head = await readHead(before?.head ?? null);
  if (signer) yield { line: HEADER, chain };
  /** A log that was archived meanwhile is not damaged. */
  const checked = async (problem: string | null): Promise<void> => {
    if (problem === null) return;
    throw (await beginning())?.hash === begins?.hash ? damaged(problem) : archivedMeanwhile();
  };
  for await (const event of begins && before ? joined(before, log) : log(0)) {
    if (event.seq > head.epoch) break;
    await checked(chain.take(event));
    yield { line: asHashed(event), chain };
  }
  if (!sameHead(chain.head, head))
    await checked(`It ends at epoch ${chain.head?.epoch ?? 0}, and the store's head says epoch ${head.epoch}.`);
  if (!signer) return;
  for (const line of signer.lines(head, { organizationId, events: chain.events, at: now() })) yield { line, chain };
}

/** What the file has, and what the log has after it. @throws KillSwitchError where they are not of one log */
async function* joined({ proof, head }: FoundExport, log: Exported['log']): AsyncGenerator<LogEvent> {
  for await (const { hash } of log(head.epoch - 1)) {
    if (hash === head.hash) break;
    throw isOfAnotherLog(proof, proof.first);
  }
  const file = await openLogFile(proof.file);
  try {
    if (file) yield* file.events;
  } finally {
    file?.close();
  }
  yield* log(head.epoch);
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
  if (exported.owns(file)) throw refused(`${printable(file)} is a file of the store itself.`);
  const before = await found(file, signer !== null);
  const temporary = join(dirname(file), `.${basename(file)}.${randomUUID()}.tmp`);
  let handle: FileHandle;
  try {
    handle = await open(temporary, 'wx');
  } catch (error) {
    throw notWritten(file, temporary, error);
  }
  try {
    const chain = await fill(handle, exportedLines(exported, signer, before));
    if (before && !chain.has(before.head)) throw isOfAnotherLog(before.proof, chain.first);
    removeLeftBehind(temporary, (name) => isTemporary(name, file));
    await putInPlace(temporary, file, before);
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

/** A file is put only where none is, or the one that was found there: another process may have put one there since. */
async function putInPlace(temporary: string, file: string, before: FoundExport | null): Promise<void> {
  if (fileState(file) !== (before?.state ?? null))
    throw refused(`${printable(file)} was written by somebody else at the same time.`);
  await rename(temporary, file);
}

/** An export that is there already. `state`: tells it from the file that somebody else puts there. */
interface FoundExport {
  readonly proof: LogProof;
  readonly head: Head;
  readonly state: string;
}

/** Another text for each file, and for each change of one; null where there is none. */
function fileState(file: string): string | null {
  const found = lstatSync(file, { bigint: true, throwIfNoEntry: false });
  return found ? `${found.dev}:${found.ino} ${found.size} ${found.mtimeNs}` : null;
}

/** The export that is there already; null where nothing is. */
async function found(file: string, signs: boolean): Promise<FoundExport | null> {
  const name = printable(file);
  const state = fileState(file);
  if (state === null) return null;
  const { proof, chain } = await readLogProof(file).catch((error: unknown) => {
    throw refused(`${name} is there, and is no export of a log: ${messageOf(error)}`);
  });
  if (proof.is === 'head') throw refused(`${name} is there, and is a head, no export of a log.`);
  if (proof.problem !== undefined) throw refused(proof.problem);
  if (proof.signed && !signs)
    throw refused(
      `${name} is a signed export, which one without a signature would replace. Sign this one too (--signed; in code: key).`,
    );
  return chain.head && { proof, head: chain.head, state };
}

const refused = (why: string): KillSwitchError =>
  new KillSwitchError('INVALID_STATE', `Nothing was written. ${why} Name another file.`);

/** @param ownFirst the hash of the first event of the log */
const isOfAnotherLog = ({ file, head, first }: LogProof, ownFirst: string | null): KillSwitchError =>
  first === ownFirst
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
