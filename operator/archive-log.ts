import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import {
  type ArchivedPart,
  type Entry,
  entryKey,
  type Head,
  KillSwitchError,
  messageOf,
  printable,
} from '../flags/index.ts';
import type { DropPoint, LogDropper } from '../store/capabilities/archive.ts';
import type { ControlConnection } from '../store/ports.ts';
import type { LogArchive } from './answers.ts';
import { archivable, nothingToArchive, alertsTold, refuseForLosses } from './archivable.ts';
import { reasonRefusal } from './checks.ts';
import { ARCHIVING } from './commands/archive.ts';
import type { Command } from './commands/index.ts';
import { type Exported, writeExport } from './export-log.ts';
import type { GivenArchive } from './given/log.ts';
import { hasEvent } from './has-event.ts';
import { JUDGED_BY } from './judge-reports.ts';
import { readLogProof } from './log-proof.ts';
import { ChangeRefusedError, isChangeRefusedError, NotInitialisedError, type Place } from './refusals.ts';
import { stateDigest } from './state-digest.ts';
import { undroppedUpTo } from './undropped.ts';

/** The switch whose log is archived. */
export interface Archiving {
  readonly connection: ControlConnection;
  readonly place: Place;
  readonly append: (command: Command) => Promise<unknown>;
  readonly exported: Exported;
}

/**
 * Writes the first part of the log to a file, and then has the store drop it. Each step leaves a log that is whole, and
 * can be repeated: the file is written and read back; the state there is kept; the event is recorded that names both;
 * and only then something is dropped.
 * @throws ChangeRefusedError, KillSwitchError: nothing was dropped, unless the error says otherwise
 */
export async function archiveLog(archiving: Archiving, given: GivenArchive): Promise<LogArchive> {
  const { connection, place } = archiving;
  const { dropper } = connection;
  if (!dropper) throw new ChangeRefusedError({ kind: 'keeps_whole' });
  checkReason(given);
  const beats = await connection.executors(); // first, so that none has seen more than the head says
  const view = await connection.read([...JUDGED_BY, entryKey('archive'), entryKey('alerts')]);
  const { head } = view;
  if (!head) throw new NotInitialisedError(place);
  await dropper.check();
  await refuseForLosses(connection);
  const told = await alertsTold(view, connection, place.organizationId);
  const earlier = view.get('archive');
  const after = earlier?.head.epoch ?? 0;
  const found = await archivable(dropper, { head, after, beats, told, given });
  if (found.fits) return archiveUpTo({ point: found.fits, after, dropper }, archiving, given);
  if (earlier && (await undroppedUpTo(earlier, dropper)) !== null)
    return finish(earlier, archiving, { ...given, dropper });
  throw nothingToArchive(found, dropper, given);
}

/** It is checked again where the event is planned, and here before the file is written. */
function checkReason({ reason }: GivenArchive): void {
  const refusal = reasonRefusal(reason, ARCHIVING);
  if (refusal) throw new ChangeRefusedError(refusal);
}

/** Up to which point, and up to where the log was archived before. */
interface Chosen {
  readonly point: DropPoint;
  readonly after: number;
  readonly dropper: LogDropper;
}

async function archiveUpTo(
  { point, after, dropper }: Chosen,
  { append, exported, connection }: Archiving,
  { file, signer, reason }: GivenArchive,
): Promise<LogArchive> {
  const { head, entries } = await point.state();
  const digest = stateDigest(entries);
  await writeExport({ ...exported, head: upTo(head, connection) }, file, signer);
  const { fingerprint, ...part } = await readBack(file, head);
  if (part.digest !== digest) throw new ChangeRefusedError({ kind: 'state_differs', epoch: head.epoch });
  await dropper.keep(head);
  await refuseForLosses(connection); // once more: it took a while
  await append({ type: 'archive', after, part, ...reason });
  if ((await sha256Of(file)) !== part.file) throw new ChangeRefusedError({ kind: 'file_changed', file });
  const freed = await dropping(dropper, head, connection);
  return { file, epoch: head.epoch, events: part.events, head, fingerprint, freed, already: false };
}

/** Drops what an archiving has left that ended before. */
async function finish(
  { head, events, first, digest }: Entry<'archive'>,
  { connection, exported }: Archiving,
  { file, signer, dropper }: GivenArchive & { readonly dropper: LogDropper },
): Promise<LogArchive> {
  const archived = async () => {
    const read = await readBack(file, head);
    if (read.first === first && read.digest === digest) return read;
    throw new ChangeRefusedError({ kind: 'archive_needed', file, epoch: head.epoch });
  };
  const found = exported.owns(file) ? null : await archived().catch(() => null);
  // It is gone, or another file is named: all of it is still in the log.
  if (!found) await writeExport({ ...exported, head: upTo(head, connection) }, file, signer);
  const { fingerprint } = found ?? (await archived());
  await dropper.keep(head);
  const freed = await dropping(dropper, head, connection);
  return { file, epoch: head.epoch, events, head, fingerprint, freed, already: true };
}

/** The event is recorded by then. @throws KillSwitchError: what was not dropped is dropped by archiving again */
async function dropping(dropper: LogDropper, head: Head, connection: ControlConnection): Promise<number> {
  try {
    return await dropper.drop(head, () => refuseForLosses(connection));
  } catch (error) {
    if (isChangeRefusedError(error)) throw error;
    throw new KillSwitchError(
      'STORE_UNREACHABLE',
      `The log is archived up to epoch ${head.epoch}, and it is not known whether what comes before that was dropped: ${messageOf(error)} Where kill-switch doctor says that it is still there, archive again with the same file: that drops it.`,
      { cause: error },
    );
  }
}

/** Up to where the file is written: a later export of this log may be the archive too. */
const upTo =
  (head: Head, connection: ControlConnection): Exported['head'] =>
  async (found) =>
    found && found.epoch > head.epoch && (await hasEvent(connection.log, found)) ? found : head;

/** The file as it is on the disk, up to that event, and who has signed it. @throws KillSwitchError INVALID_STATE */
async function readBack(file: string, head: Head): Promise<ArchivedPart & { readonly fingerprint: string | null }> {
  const sha256 = await sha256Of(file);
  const { proof, chain, part } = await readLogProof(file, { upTo: head.epoch });
  const problem = proof.problem ?? (chain.has(head) ? null : `${printable(file)} does not have event ${head.epoch}.`);
  if (problem !== null || !part) throw new KillSwitchError('INVALID_STATE', `Nothing was dropped. ${problem}`);
  return { head, ...part, first: chain.first, file: sha256, fingerprint: proof.signed?.fingerprint ?? null };
}

async function sha256Of(file: string): Promise<string> {
  const digest = createHash('sha256');
  await finished(createReadStream(file).on('data', (bytes) => void digest.update(bytes)));
  return digest.digest('hex');
}
