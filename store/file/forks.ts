import { randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { type ForkReport, type Head, isEvidence, isExcluded, type Known, textProblem } from '../../flags/index.ts';
import { fileError } from './file-errors.ts';
import { inFolder, inFolderMade, type OpenFolder } from './folder.ts';
import { MOST_REPORTS, olderPlaceOf, type Place, placeOf, reportsIn } from './fork-reports.ts';
import type { FoundReports } from '../ports.ts';
import { FOR_ALL, putKept, removeKept } from './kept.ts';
import type { FilePaths } from './paths.ts';
import { putReport, removeReport } from './reports.ts';

/** A folder that was changed within so many milliseconds may change again without its time telling. */
const SAME_MOMENT_MS = 1000;

/** The whole log is searched for a head that a user reports at most so often, in milliseconds: anybody can name another one each time. */
const SEARCH_EVERY_MS = 30_000;

/** The log, as far as a report is judged by it. */
export interface KnownLog {
  readonly head: Head | null;
  readonly known: Known;
  /** Whether that very head is in the log; null when only the whole log can tell. */
  recent(head: Head): boolean | null;
  search(head: Head): Promise<boolean>;
}

/** Reports a fork, and judges what others report; each report once. */
export class ForkJudge {
  readonly #paths: FilePaths;
  readonly #log: KnownLog;
  readonly #judged = new Map<string, { readonly signature: string; readonly proven: boolean }>();
  readonly #inChain = new Map<string, boolean>();
  /** When it was last searched for whom: nobody's lies keep another's report from being judged. */
  readonly #searched = new Map<string, number>();
  /** Its own report. Nobody can foresee its name, so nobody can have taken it. */
  #own: { readonly against: string; readonly name: string } | null = null;

  constructor(paths: FilePaths, log: KnownLog) {
    this.#paths = paths;
    this.#log = log;
  }

  /**
   * Reports a fork, or takes back what this executor has reported of a generation that is over. Who has nothing to report makes sure that it could: what it
   * acknowledges others must be able to hear of when it is lost.
   * @throws KillSwitchError
   */
  async report(executorId: string, executorName: string, fork: ForkReport | null): Promise<void> {
    const { root, forks } = this.#paths;
    await inFolderMade(root, forks, async (open) => {
      if (fork && textProblem(fork.against) === null)
        await this.#put(
          open,
          fork.against,
          JSON.stringify({ ...fork, id: executorId, name: executorName }),
          executorId,
        );
      else checkWritable(open);
      if (!fork) await this.#takeBack(open, executorId);
    });
  }

  async #put(open: OpenFolder, against: string, text: string, executorId: string): Promise<void> {
    const { root } = this.#paths;
    const own =
      this.#own?.against === against
        ? this.#own
        : { against, name: `${placeOf(this.#paths, against).beginning}${randomBytes(12).toString('hex')}.json` };
    this.#own = null; // where it fails it has another name the next time
    await putKept(open, own.name, text, { mode: FOR_ALL });
    this.#own = own;
    await putReport(root, olderPlaceOf(this.#paths, against).folder, executorId, text).catch(() => {});
  }

  async #takeBack(open: OpenFolder, executorId: string): Promise<void> {
    const own = this.#own;
    if (!own || !this.#log.head || own.against === this.#log.head.generation) return;
    await removeKept(open, own.name);
    await removeReport(this.#paths.root, olderPlaceOf(this.#paths, own.against).folder, executorId).catch(() => {});
    this.#own = null;
  }

  /** Whether one of the reports is evidence that this log has lost a change. */
  async proven(): Promise<boolean> {
    const { head } = this.#log;
    if (!head || textProblem(head.generation) !== null) return false;
    if (await this.#provenIn(placeOf(this.#paths, head.generation), head)) return true;
    const older = olderPlaceOf(this.#paths, head.generation);
    if (!existsSync(older.folder)) return false;
    return this.#provenIn(older, head).catch(() => false); // what is there instead of a folder says nothing
  }

  async #provenIn({ folder, beginning }: Place, head: Head): Promise<boolean> {
    const proven = await inFolder(this.#paths.root, folder, async (open) => {
      const { ino, mtimeMs } = await stat(open.self);
      const signature = `${head.generation} ${ino} ${mtimeMs}`;
      const judged = this.#judged.get(folder);
      if (judged?.signature === signature) return judged.proven;
      const since = Date.now();
      const { proven, settled } = await this.#judge(await reportsIn(open, beginning), head);
      if (settled && since - mtimeMs > SAME_MOMENT_MS) this.#judged.set(folder, { signature, proven });
      else this.#judged.delete(folder);
      return proven;
    });
    return proven ?? false;
  }

  async #judge(
    { reports, floods }: FoundReports,
    head: Head,
  ): Promise<{ readonly proven: boolean; readonly settled: boolean }> {
    const { known } = this.#log;
    if (floods.some(({ by }) => !isExcluded(by, known))) return { proven: true, settled: true };
    let settled = true;
    for (const report of reports) {
      if (!report.held || !isEvidence(report, head, known, () => false)) continue;
      const inChain = await this.#isInChain(report.held, report.by[0] ?? '');
      if (inChain === null) settled = false;
      else if (!inChain) return { proven: true, settled: true };
    }
    return { proven: false, settled };
  }

  /** Null: it will be known later. */
  async #isInChain(held: Head, by: string): Promise<boolean | null> {
    const known = this.#log.recent(held) ?? this.#inChain.get(held.hash);
    if (known !== undefined) return known;
    if (performance.now() - (this.#searched.get(by) ?? Number.NEGATIVE_INFINITY) < SEARCH_EVERY_MS) return null;
    this.#searched.set(by, performance.now());
    const found = await this.#log.search(held);
    if (this.#inChain.size >= MOST_REPORTS) this.#inChain.clear();
    this.#inChain.set(held.hash, found);
    return found;
  }
}

function checkWritable({ self, path }: OpenFolder): void {
  try {
    accessSync(self, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw fileError(error, 'written', path);
  }
}
