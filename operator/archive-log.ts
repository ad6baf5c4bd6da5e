import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  type ArchivedPart,
  type Entry,
  entryKey,
  type Head,
  KillSwitchError,
  messageOf,
  printable,
  shownId,
} from '../flags/index.ts';
import type { ReportedBeat } from '../store/beats.ts';
import type { KeptState, LogDropper } from '../store/capabilities/archive.ts';
import type { ControlConnection, ControlView } from '../store/ports.ts';
import { alertRows } from './alerts/rows.ts';
import type { LogArchive } from './answers.ts';
import type { Command } from './commands/index.ts';
import { type Exported, writeExport } from './export-log.ts';
import { forgetCommand } from './forget-executor.ts';
import type { GivenArchive } from './given/log.ts';
import { judgeReports } from './judge-reports.ts';
import { readLogProof } from './log-proof.ts';
import type { UnfitState } from './refusal-rows/archive.ts';
import { ChangeRefusedError, type Place, NotInitialisedError } from './refusals.ts';
import { stateDigest } from './state-digest.ts';

/** How many of the last events are never archived: whoever is a little behind still finds what came since. */
export const NEVER_ARCHIVED = 1000;

/** The switch whose log is archived. */
export interface Archiving {
  readonly connection: ControlConnection;
  readonly place: Place;
  readonly append: (command: Command) => Promise<unknown>;
  readonly exported: Exported;
}

/** What of the log may be archived. */
interface Bounds {
  readonly head: Head;
  /** Up to where it is archived already; 0: not at all. */
  readonly after: number;
  readonly beats: readonly ReportedBeat[];
}

/**
 * Writes the first part of the log to a file, and then has the store drop it. Each step leaves a log that is whole, and
 * can be repeated: the file is written and read back; the state there is kept; the event is recorded that names both;
 * and only then something is dropped.
 * @throws ChangeRefusedError, KillSwitchError: nothing was dropped, unless the message says so
 */
export async function archiveLog(archiving: Archiving, given: GivenArchive): Promise<LogArchive> {
  const { connection, place } = archiving;
  const { dropper } = connection;
  if (!dropper) throw new ChangeRefusedError({ kind: 'keeps_whole' });
  const { reason, reasonProblem } = given.reason; // refused when it is recorded, and better before the file is written
  if (reasonProblem !== undefined) throw new ChangeRefusedError({ kind: 'reason_unfit', problem: reasonProblem });
  if (reason === undefined) throw new ChangeRefusedError({ kind: 'reason_required', what: 'Archiving the log' });
  await dropper.check();
  const beats = await connection.executors(); // first, so that none has seen more than the head says
  const view = await connection.read([entryKey('control'), entryKey('archive'), entryKey('alerts')]);
  if (!view.head) throw new NotInitialisedError(place);
  await refuseForLosses(view, beats, connection);
  await refuseForAlerts(view, archiving);
  const earlier = view.get('archive');
  const bounds = { head: view.head, after: earlier?.head.epoch ?? 0, beats };
  const { fits, unfit } = await newestThatFits(dropper, bounds, given, connection);
  if (fits) return archiveUpTo(fits, bounds.after, dropper, archiving, given);
  if (earlier && (await isUndropped(earlier.head, dropper))) return finish(earlier, dropper, given);
  const behind = unfit.flatMap(({ behind: names }) => names);
  throw new ChangeRefusedError({
    kind: 'nothing_to_archive',
    unfit: unfit.map(({ epoch, why }) => ({ epoch, why })),
    forget: [...new Set(behind.map((beat) => forgetCommand({ id: beat.id, writer: beat.writer ?? null })))],
  });
}

async function refuseForLosses(
  view: ControlView,
  beats: readonly ReportedBeat[],
  connection: ControlConnection,
): Promise<void> {
  const { forks } = await judgeReports(beats, { head: view.head, control: view.get('control') }, connection);
  if (forks.length > 0)
    throw new ChangeRefusedError({ kind: 'forked', executors: forks.map(({ executor }) => executor) });
}

/** What is archived is told to nobody any more. */
async function refuseForAlerts(view: ControlView, { connection, place }: Archiving): Promise<void> {
  const targets = view.get('alerts')?.targets ?? [];
  const { rows } = await alertRows(
    { targets, epoch: view.head?.epoch ?? 0, time: view.time },
    connection,
    place.organizationId,
  );
  const names = rows.flatMap(({ name, waiting }) => (waiting === 0 ? [] : [name]));
  if (names.length > 0) throw new ChangeRefusedError({ kind: 'alerts_wait', names });
}

interface Unfit extends UnfitState {
  /** The executors that have not come so far. */
  readonly behind: readonly ReportedBeat[];
}

/** The newest state up to which the log may be archived, and what keeps it from newer ones. */
async function newestThatFits(
  dropper: LogDropper,
  bounds: Bounds,
  given: GivenArchive,
  connection: Pick<ControlConnection, 'log'>,
): Promise<{ readonly fits: KeptState | null; readonly unfit: readonly Unfit[] }> {
  const unfit: Unfit[] = [];
  for await (const state of dropper.states()) {
    const found = await whyNot(state.head, bounds, given, connection);
    if (found === null) return { fits: state, unfit };
    unfit.push(found);
  }
  return { fits: null, unfit };
}

async function whyNot(
  { epoch }: Head,
  { head, after, beats }: Bounds,
  { epoch: most, before }: GivenArchive,
  { log }: Pick<ControlConnection, 'log'>,
): Promise<Unfit | null> {
  const because = (why: string, behind: readonly ReportedBeat[] = []): Unfit => ({ epoch, why, behind });
  if (epoch <= after) return because('archived already');
  if (most !== undefined && epoch > most) return because(`later than epoch ${most}`);
  if (head.epoch - epoch < NEVER_ARCHIVED) return because(`among the last ${NEVER_ARCHIVED} events`);
  const behind = beats.filter(({ applied, problem }) => (applied ? applied.epoch < epoch : problem !== undefined));
  if (behind.length > 0) return because(behindWords(behind), behind);
  if (before === undefined) return null;
  for await (const { at } of log(epoch - 1))
    return Date.parse(at) < before ? null : because(`of ${at}, which is not before ${new Date(before).toISOString()}`);
  return because('no longer in the log');
}

function behindWords(behind: readonly ReportedBeat[]): string {
  const named = behind.slice(0, 5).map(({ name, applied }) => {
    const at = applied ? `at epoch ${applied.epoch}` : 'nobody can tell where';
    return `${shownId(name)} (${at})`;
  });
  const more = behind.length > 5 ? ` and ${behind.length - 5} more` : '';
  return `executors have not come so far: ${named.join(', ')}${more}`;
}

async function archiveUpTo(
  { head, entries }: KeptState,
  after: number,
  dropper: LogDropper,
  { append, exported, connection }: Archiving,
  { file, signer, reason }: GivenArchive,
): Promise<LogArchive> {
  const digest = stateDigest(entries);
  const upTo = async (found: Head | null): Promise<Head> =>
    found && found.epoch > head.epoch && (await hasEvent(connection, found)) ? found : head;
  await writeExport({ ...exported, head: upTo }, file, signer);
  const { fingerprint, ...part } = await readBack(file, head);
  if (part.digest !== digest) throw new ChangeRefusedError({ kind: 'state_differs', epoch: head.epoch });
  await dropper.keep(head);
  await append({ type: 'archive', after, part, ...reason });
  if ((await sha256Of(file)) !== part.file) throw new ChangeRefusedError({ kind: 'file_changed', file });
  const freed = await dropping(dropper, head);
  return { file, epoch: head.epoch, events: part.events, head, fingerprint, freed, already: false };
}

/** Drops what an archiving has left that ended before. */
async function finish(
  { head, events, first, digest }: Entry<'archive'>,
  dropper: LogDropper,
  { file }: GivenArchive,
): Promise<LogArchive> {
  const read = await readBack(file, head);
  if (read.first !== first || read.digest !== digest)
    throw new ChangeRefusedError({ kind: 'archive_needed', file, epoch: head.epoch });
  const freed = await dropping(dropper, head);
  return { file, epoch: head.epoch, events, head, fingerprint: read.fingerprint, freed, already: true };
}

/** The event is recorded by then. */
async function dropping(dropper: LogDropper, head: Head): Promise<number> {
  try {
    return await dropper.drop(head);
  } catch (error) {
    throw new KillSwitchError(
      'STORE_UNREACHABLE',
      `The log is archived up to epoch ${head.epoch}, and nothing was dropped: ${messageOf(error)} Archive again with the same file: that drops it.`,
      { cause: error },
    );
  }
}

async function isUndropped(head: Head, dropper: LogDropper): Promise<boolean> {
  const beginning = await dropper.beginning();
  return (beginning?.head.epoch ?? 0) < head.epoch;
}

async function hasEvent({ log }: Pick<ControlConnection, 'log'>, { epoch, hash }: Head): Promise<boolean> {
  for await (const event of log(epoch - 1)) return event.hash === hash;
  return false;
}

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
  for await (const bytes of createReadStream(file)) digest.update(bytes as Buffer);
  return digest.digest('hex');
}
