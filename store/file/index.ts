import { existsSync } from 'node:fs';
import { type Beat, invalid, isKillSwitchError, KillSwitchError, quoteId } from '../../flags/index.ts';
import { notify } from '../../flags/callbacks.ts';
import { checkKeys, checkType, type Keys } from '../../flags/options.ts';
import { answerNow } from '../answers.ts';
import { fileAnchor } from '../file-anchor.ts';
import type { Confirmation } from '../confirmation.ts';
import type { ExecutorStore } from '../ports.ts';
import { fileApprovals } from './approvals.ts';
import { Claims } from './claims.ts';
import { defaultAnchor } from './default-anchor.ts';
import { ExecutorLog, loadState } from './executor-log.ts';
import { notThere } from './folder.ts';
import { nearbyAdvice } from './nearby.ts';
import { FileReader, READ_ALL_MS } from './file-reader.ts';
import { ForkJudge } from './fork-judge.ts';
import { fileJournal } from './journal.ts';
import { FileLedger } from './ledger.ts';
import { localFreeBytes } from './network-filesystem.ts';
import { OwnForkReport } from './own-fork-report.ts';
import { filePaths, storeFolder } from './paths.ts';
import type { RecentEvents } from './recent-events.ts';
import { putBeat, removeReport } from './reports.ts';
import { fileShelf } from './shelf.ts';
import { FileStopList, fileStops } from './stops.ts';
import { watchLog } from './watch-log.ts';
import type { Base } from './snapshot-file.ts';
import { checkTakesKills } from './takes-kills.ts';

/** Where the switch lies, and where the executor keeps its anchor. */
export interface FileStoreOptions {
  /** Default `.kill-switch` in the working directory. */
  readonly directory?: string | undefined;
  /**
   * The file in which an executor keeps the last head it saw. Default: one for each store, organization and executor
   * name, below the state directory of the user: `$XDG_STATE_HOME/openfeature-kill-switch`. Where that cannot be
   * written: inside the directory, if nobody else may write there; else the executor is stopped (ANCHOR_UNUSABLE) and
   * says so.
   */
  readonly anchor?: string | undefined;
}

const OPTION_KEYS: Keys<FileStoreOptions> = { directory: ['dir', 'folder', 'path'], anchor: true };

/**
 * A switch in a folder of this machine, for any number of processes: executors read its log and write below
 * `executors/` only. No server, no lock. Network file systems are refused (NETWORK_FILESYSTEM): the connection then
 * rejects, which is `full_stop`.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function fileStore(options: FileStoreOptions = {}): ExecutorStore {
  const { directory = '.kill-switch', anchor } = checkKeys('fileStore', options, OPTION_KEYS);
  checkType('anchor', anchor, 'string');
  const root = storeFolder(directory);
  return {
    location: `file:${root}`,
    nearby: () => nearbyAdvice(root),
    side: 'executor',
    loadPackages: null,
    open({ organizationId, executorId, executorName, requestTimeoutMs }) {
      const paths = filePaths(root, organizationId);
      const begin = (base: Base | null): ExecutorLog => new ExecutorLog(base);
      const reader = new FileReader(paths, begin, { requestTimeoutMs, reads: 'for reading' });
      const recent = (): RecentEvents => reader.log.recent;
      const ownFork = new OwnForkReport(paths, reader);
      const forks = new ForkJudge(paths, {
        get head() {
          return recent().head;
        },
        get known() {
          return recent().known;
        },
        recent: (head) => recent().has(head),
        search: (head) => mayBeIn(reader.leadsTo(head, recent().before)),
      });
      const journal = fileJournal(paths, { executorId, executorName });
      const claims = new Claims(paths);
      const by = { name: executorName, id: executorId };
      let reported = false;
      const ledger = new FileLedger(paths, { requestTimeoutMs });
      const stopList = new FileStopList(paths);
      const watches = new Set<() => void>();

      /**
       * The events after the held head. A head that is older than the last events is looked up in the log: it is far
       * behind, or not in the chain.
       */
      const eventsAfter = async (held: NonNullable<Confirmation['head']>): Promise<Confirmation['events']> => {
        const log = recent();
        const known = log.after(held);
        if (known !== undefined) return known;
        if (await reader.leadsTo(held, log.before)) return 'reload';
        log.doesNotHave(held);
        return null;
      };

      /**
       * Writes the report of a fork and the beat. False where there is no place for them, as before `init` or when the
       * whole store was moved away. The report comes first: executors then know of a fork no later than operators, who
       * read it in the beat.
       */
      const report = async (beat: Beat): Promise<boolean> => {
        if (!existsSync(recent().head === null ? paths.reported : root)) return false;
        await ownFork.put(beat, beat.fork);
        const made = await putBeat(paths, executorId, JSON.stringify(beat));
        if (made && reported) throw lostReports(paths.beats);
        reported = true;
        return true;
      };

      const confirmed = async (beat: Beat, nonce: string): Promise<Confirmation> => {
        if (beat.id !== executorId) throw foreignBeat(executorId, beat.id);
        // This takes two turns of the event loop, no more: each may be long, and a confirmation is as old as all of
        // them together.
        const takesKills = checkTakesKills(paths);
        await bothDone(
          localFreeBytes(paths.executors),
          takesKills.catch(() => {}),
        );
        // Read before the log. Why that fails comes last: a report says better what is wrong with the folders.
        const [stops] = await Promise.allSettled([stopList.read()]);
        const [isReported] = await bothDone(report(beat), reader.advance());
        await takesKills;
        if (!isReported && recent().head) throw notThere(paths.reported);
        // Whoever has removed the log may have removed the beats too. The beat is written again, since it is all
        // that says that there was a control plane.
        if (isReported && recent().head === null && beat.applied !== null)
          await putBeat(paths, executorId, JSON.stringify(beat));
        const events = beat.applied === null ? 'reload' : await eventsAfter(beat.applied);
        const forkReported = await forks.proven();
        if (stops.status === 'rejected') throw stops.reason;
        return { head: recent().head, events, forkReported, stops: stops.value, ...answerNow(nonce) };
      };

      return {
        load: (held, nonce) =>
          reader.request(
            'load',
            async (slot) => ({ ...(await loadState(reader, held, slot)), ...answerNow(nonce) }),
            Math.max(requestTimeoutMs, READ_ALL_MS),
          ),
        follow(listener) {
          const unfollow = reader.follow(listener);
          const unwatch = watchLog(paths.stops, () => notify(listener, { type: 'stops' }), paths.stops);
          watches.add(unwatch);
          return () => {
            unfollow();
            unwatch();
            watches.delete(unwatch);
          };
        },
        async close() {
          for (const unwatch of watches) unwatch();
          await Promise.all([reader.close(), journal.close(), ledger.close()]);
          forks.close();
        },
        shelf: fileShelf(paths, executorId),
        journal: journal.journal,
        ledger,
        stops: fileStops(paths, executorId),
        confirmsOneByOne: true,
        confirm: (beat, nonce) => reader.request('confirm', () => confirmed(beat, nonce)),
        approvals: {
          ...fileApprovals(paths, by, { claims, now: Date.now, ms: requestTimeoutMs }),
          // The claim comes before the head is read, which then has all that came before the claim.
          claim: (asked, { beat, nonce }) =>
            reader.request('claim', async () => {
              if (beat.id !== executorId) throw foreignBeat(executorId, beat.id);
              const claim = await claims.claim(asked, by, Date.now());
              return { ...(await confirmed(beat, nonce)), claim };
            }),
        },
        // Its report of a fork stays: only `recover` ends that.
        leave: () =>
          reader.request('leave', async () => {
            for (const folder of [paths.surfaces, paths.beats]) await removeReport({ root, folder }, executorId);
          }),
        anchor:
          anchor === undefined ? defaultAnchor({ root, organizationId, executorName }, paths) : fileAnchor(anchor),
      };
    },
  };
}

/** Whether a head may be in the log: of an archived one nobody can tell, so that it proves no loss. */
const mayBeIn = (found: Promise<boolean>): Promise<boolean> =>
  found.catch((error: unknown) => {
    if (isKillSwitchError(error) && error.code === 'ARCHIVED') return true;
    throw error;
  });

/** Waits until both are settled. @throws what the first rejected with, else what the second did */
async function bothDone<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b]);
  return [await a, await b];
}

/**
 * The next confirmation finds the folder and counts. Failing this one gives other executors the time to report again.
 */
const lostReports = (folder: string): KillSwitchError =>
  new KillSwitchError(
    'STORE_UNREACHABLE',
    `${folder} was gone, with what executors had reported in it; it has been made anew.`,
  );

const foreignBeat = (own: string, other: string): KillSwitchError =>
  invalid(`An executor reports under its own id ${quoteId(own)}, not ${quoteId(other)}.`);
