import { writeFile } from 'node:fs/promises';
import { type Clock, type Entry, type EntryKey, type Head, KillSwitchError, placeOf } from '../../flags/index.ts';
import { checkKeys, checkType, type Keys } from '../../flags/options.ts';
import {
  answerNow,
  awaitPrecedence,
  type Batch,
  controlView,
  NO_REPLICAS,
  readBack,
  readsOnlyKills,
  sameHead,
  unknownOutcome,
} from '../answers.ts';
import type { ControlStore } from '../ports.ts';
import { fileAlerts } from './alerts.ts';
import { appendLines, syncFolders } from './append-lines.ts';
import { rememberedOf } from './default-anchor.ts';
import { fileApprovalKeeper } from './approvals.ts';
import { closedError } from './file-errors.ts';
import { FileReader, READ_ALL_MS } from './file-reader.ts';
import { fileDropper } from './dropper.ts';
import { makeFolders } from './folder.ts';
import { FoldedLog } from './folded-log.ts';
import { forgetOwner, ownerMeant } from './forget-owner.ts';
import { readForks } from './fork-reports.ts';
import { inspectFolder } from './inspection.ts';
import { fileLedgerReader } from './ledger.ts';
import { OldForks } from './old-forks.ts';
import { fileJournals } from './journal.ts';
import { localFreeBytes } from './network-filesystem.ts';
import { filePaths, reportFolders, storeFolder } from './paths.ts';
import { fileOperating } from './operating.ts';
import { isFileOf } from './own-file.ts';
import { Precedence } from './precedence.ts';
import { readLog } from './read-log.ts';
import { readBeats } from './read-beats.ts';
import { forgetReports } from './reports.ts';
import { Serial } from './serial.ts';
import { fileShelfReader } from './shelf.ts';
import { fileStopReader } from './stops.ts';
import type { Base } from './snapshot-file.ts';
import { fileTally } from './tally.ts';
import { snapshotKeeper } from './snapshot-keeper.ts';

/** For how long it is not asked again on which file system the log is, in milliseconds: each change asks twice. */
const LOCAL_FOR_MS = 1000;

/** Where the switch lies. */
export interface FileControlStoreOptions {
  /** Default `.kill-switch` in the working directory. */
  readonly directory?: string | undefined;
  /** The store's clock; default: this machine's. */
  readonly clock?: Clock | undefined;
}

const OPTION_KEYS: Keys<FileControlStoreOptions> = { directory: ['dir', 'folder', 'path'], clock: true };

/**
 * The operator's side of a `fileStore`: appends to the log, which must belong to operators. Any number of operators may
 * write at once.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function fileControlStore(options: FileControlStoreOptions = {}): ControlStore {
  const { directory = '.kill-switch', clock } = checkKeys('fileControlStore', options, OPTION_KEYS);
  checkType('clock', clock, 'function');
  const root = storeFolder(directory);
  const wall = (): number => (clock ? clock().wall : Date.now());
  const now = (): string => new Date(wall()).toISOString();
  return {
    location: `file:${root}`,
    side: 'operator',
    ownClock: false,
    loadPackages: null,
    open({ organizationId, requestTimeoutMs, onReading }) {
      const paths = filePaths(root, organizationId);
      const begin = (base: Base | null): FoldedLog => new FoldedLog(base);
      const reader = new FileReader(paths, begin, { requestTimeoutMs, reads: 'for writing', onReading });
      // Reading reports has a queue of its own: however many reports there are, no append waits for them.
      const reports = new Serial();
      const precedence = new Precedence(paths.precedence);
      const oldForks = new OldForks(paths);
      const journals = fileJournals(paths, Math.max(requestTimeoutMs, READ_ALL_MS));
      let closed = false;
      // For what is read beside the queues, which ask this themselves.
      const admit = (): void => {
        if (closed) throw closedError();
      };
      let synced = false;
      let noted = false;
      let readAt = 0;
      const stalledMs = Math.max(requestTimeoutMs, READ_ALL_MS);
      let localAt = Number.NEGATIVE_INFINITY;
      const upToDate = async ({ trustsLastRead }: { readonly trustsLastRead: boolean }): Promise<void> => {
        if (performance.now() - localAt > LOCAL_FOR_MS) {
          await localFreeBytes(paths.control);
          localAt = performance.now();
        }
        if (!(trustsLastRead && reader.looksRead())) await reader.advance();
      };
      // A long log may take long to read, the first time.
      const reading = <T>(what: string, work: () => Promise<T>, trusting = { trustsLastRead: false }): Promise<T> =>
        reader.reading(
          what,
          async () => {
            await upToDate(trusting);
            return work();
          },
          stalledMs,
        );
      return {
        load: (held, nonce) =>
          reading('load', async () => {
            // Planning a change may pass over torn lines. A state that is shown may not: executors do not trust it
            // either.
            reader.checkWhole();
            reader.log.checkKnown();
            const { state, head, end } = reader.log;
            const linked = held === null || held.hash === head?.hash || (await reader.leadsTo(held, end));
            return { head, entries: [...state.entries()], linked, ...answerNow(nonce, wall()) };
          }),
        follow: (listener) => reader.follow(listener),
        async close() {
          closed = true;
          await Promise.all([reader.close(), reports.close(requestTimeoutMs), oldForks.close(requestTimeoutMs)]);
          await journals.close();
        },
        shelf: fileShelfReader(paths, admit),
        replication: () => Promise.resolve(NO_REPLICAS),
        inspect: () => inspectFolder(root, paths),
        anchors: { remembered: async () => rememberedOf({ root, organizationId }) },
        read(keys) {
          readAt = performance.now();
          return reading('read', async () => {
            const { log } = reader;
            const onlyKills = readsOnlyKills(keys);
            if (!onlyKills) log.checkKnown();
            const read = (key: EntryKey): Entry | undefined =>
              onlyKills ? log.killToAddTo(placeOf(key)[1] ?? '') : log.state.entry(key);
            return controlView(new Map(keys.map((key) => [key, read(key)])), log.head, now());
          });
        },
        append: (...changes) =>
          // It was planned on what was just read; what decides is read again once its lines are there.
          reading(
            'append',
            async () => {
              const batch = readBack(changes);
              // Before any executor reads the change. Where this user may not make them, executors report what is
              // missing.
              const made = await makeFolders(root, reportFolders(paths)).then(
                () => true,
                () => false,
              );
              const appended = await appendByPrecedence(batch, {
                reader,
                precedence,
                readAt,
                // The first writer of a log syncs its folders; each later connection does so once.
                syncFolders: async () => {
                  if (!synced || batch.expected === null) await syncFolders(paths.control, paths.root);
                  synced = true;
                },
              });
              if (appended && made && !noted) noted = await noteMade(paths.made);
              if (appended && batch.recovers) await oldForks.putAside(batch.head.generation);
              return appended;
            },
            { trustsLastRead: true },
          ),
        snapshots: { keep: snapshotKeeper(paths, reader, (work) => reading('snapshot', work)) },
        dropper: fileDropper(paths, { ms: stalledMs, admit }),
        owns: (file) => isFileOf(root, file),
        // How much is read is bounded, but may take long on a busy machine: the caller waits as long as reading gets
        // on.
        executors() {
          let steps = 0;
          const { excluded } = reader.log.state.control ?? {};
          const read = () => readBeats(paths, { excluded, onRead: () => (steps += 1) });
          return reports.run('executors', read, { ms: requestTimeoutMs, steps: () => steps });
        },
        journals: journals.journals,
        ledger: fileLedgerReader(paths, { now: wall, admit }),
        stops: fileStopReader(paths, admit),
        alerts: fileAlerts(paths.alerts, admit),
        tally: fileTally(paths, admit),
        operating: fileOperating(paths, { now: wall, admit }),
        problem: async () => null,
        forks: {
          read(generation) {
            let steps = 0;
            const { excluded } = reader.log.state.control ?? {};
            const read = () => readForks(paths, generation, { excluded, onStep: () => (steps += 1) });
            return reports.run('forks', read, { ms: requestTimeoutMs, steps: () => steps });
          },
        },
        approvals: fileApprovalKeeper(paths, { reports, now: wall, ms: requestTimeoutMs }),
        forget(executorId, writer) {
          let steps = 0;
          const forget = async (): Promise<void> => {
            const owner = ownerMeant(executorId, writer);
            if (owner !== null)
              return forgetOwner(paths, owner, { now: Date.parse(now()), onStep: () => (steps += 1) });
            for (const folder of [paths.surfaces, paths.beats])
              await forgetReports({ root, folder }, executorId, writer);
          };
          return reports.run('forget', forget, { ms: requestTimeoutMs, steps: () => steps });
        },
        async *log(after) {
          // From a snapshot on, so that an event near the end is found from there. What is damaged, reading it says.
          if (after > 0) await reading('log', async () => {}).catch(() => {});
          const { log } = reader;
          yield* readLog(paths.log, after, { ms: stalledMs, known: log.recent(after), later: log.end, admit });
        },
      };
    },
  };
}

/** Says for good that the folders were made; false where that cannot be written, which the next change tries again. */
const noteMade = (path: string): Promise<boolean> =>
  writeFile(path, '', { flag: 'a' }).then(
    () => true,
    () => false,
  );

interface Appending {
  readonly reader: FileReader<FoldedLog>;
  readonly precedence: Precedence;
  /** When the state was read on which the changes were planned, by `performance.now()`. */
  readonly readAt: number;
  readonly syncFolders: () => Promise<void>;
}

/** False where other writers were first, or have precedence. A batch that goes first and was overtaken claims it. */
async function appendByPrecedence(batch: Batch, appending: Appending): Promise<boolean> {
  const { precedence, readAt } = appending;
  const holder = await precedence.holder();
  if (holder === 'another' || (holder === 'me' && !batch.goesFirst)) {
    await awaitPrecedence(batch);
    return false;
  }
  const appended = await appendFirst(batch, appending);
  if (batch.goesFirst) await (appended ? precedence.giveUp() : precedence.claim(performance.now() - readAt));
  return appended;
}

/**
 * The order in the file decides: the writer whose first line comes first after `expected` has appended, others have
 * not.
 */
async function appendFirst(batch: Batch, appending: Appending): Promise<boolean> {
  const { reader } = appending;
  if (!sameHead(reader.log.head, batch.expected)) return false;
  await appendLines(reader.paths.log, batch.texts);
  try {
    return await isAppended(batch, appending);
  } catch (error) {
    throw unknownOutcome(error, batch.head.epoch);
  }
}

/** Whether the lines that were written are the log's next. */
async function isAppended({ expected, head, texts }: Batch, { reader, syncFolders }: Appending): Promise<boolean> {
  const { paths } = reader;
  const isUnchanged = (): boolean => sameHead(reader.log.head, expected);
  await syncFolders();
  await reader.advance();
  // Another writer may have died just then, and left half a line to which the first of these was appended. They are
  // written once more, on lines of their own.
  if (reader.torn && isUnchanged()) {
    await appendLines(paths.log, texts);
    await reader.advance();
  }
  if (await isInLog(head, reader)) return true;
  if (!isUnchanged()) return false;
  throw new KillSwitchError(
    'STORE_UNREACHABLE',
    `The change was written to ${paths.log} but is not in it: the file was replaced at that moment. Look at the status and repeat the change.`,
  );
}

/**
 * Whether this event is in the log. It is nearly always one of the last. Else others have appended many since, or
 * reading began at a snapshot behind it.
 */
async function isInLog({ epoch, hash }: Head, reader: FileReader<FoldedLog>): Promise<boolean> {
  const { end } = reader.log;
  const known = reader.log.recent(epoch);
  if (known) return known.hash === hash;
  return epoch < end.epoch && reader.leadsTo({ epoch, hash }, end);
}
