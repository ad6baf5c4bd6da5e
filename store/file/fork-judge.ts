import { statSync } from 'node:fs';
import { type FoundReport, type Head, isEvidence, isExcluded, type Known, textProblem } from '../../flags/index.ts';
import { inFolder, type OpenFolder } from './folder.ts';
import { MOST_REPORTS, readFork, uidOf, walkThrough } from './fork-reports.ts';
import type { FilePaths } from './paths.ts';
import type { OwnedFile, Walk } from './walk.ts';

/** A folder that was changed less than this many milliseconds ago may change again without a new modification time. */
const SAME_MOMENT_MS = 1000;

/**
 * How often the whole log is searched for a head that one user reports, in milliseconds: that user could name another
 * one each time.
 */
const SEARCH_EVERY_MS = 30_000;

/** How many names and files one confirmation looks at. */
const STEP = { names: 16_000, files: 4000 };

/**
 * A folder with more than so many files that do not count is looked through only so often, in milliseconds: there are
 * many confirmations, and it may change all the time.
 */
const CROWD = 500;
const CROWDED_EVERY_MS = 200;

/** What of the log a report is judged by. */
export interface KnownLog {
  readonly head: Head | null;
  readonly known: Known;
  /** Whether this very head is in the log; null when only a search of the whole log can tell. */
  recent(head: Head): boolean | null;
  search(head: Head): Promise<boolean>;
}

/** What was found when the folder was last looked through. */
interface Verdict {
  /** The generation and the folder's inode: for another one the verdict does not hold. */
  readonly of: string;
  /** The folder's modification time then; null where it must be looked through again even if that is unchanged. */
  readonly changedMs: number | null;
  readonly proven: boolean;
}

/** The folder while it is looked through, in one confirmation or several. */
interface Look {
  readonly of: string;
  readonly walk: Walk;
  /** When it began, and the folder's modification time then; both wall time in milliseconds. */
  readonly begun: number;
  readonly changedMs: number;
  /** How many files of users who are not excluded were met so far. */
  believed: number;
  proven: boolean;
  /** False when the log was not searched for every head that is reported. */
  settled: boolean;
}

/**
 * Judges the reports of forks, each once, but for those of excluded users. One confirmation looks through their folder,
 * or several do where an excluded user has put too many files there; until then the last verdict stands.
 */
export class ForkJudge {
  readonly #paths: FilePaths;
  readonly #log: KnownLog;
  #verdict: Verdict | null = null;
  #look: Look | null = null;
  /** When the folder was last found to be crowded, by `performance.now()`. */
  #crowdedAt = Number.NEGATIVE_INFINITY;
  readonly #inChain = new Map<string, boolean>();
  /** When the log was last searched, by user: one user's lies must not delay another's report. */
  readonly #searched = new Map<string, number>();

  constructor(paths: FilePaths, log: KnownLog) {
    this.#paths = paths;
    this.#log = log;
  }

  /** Whether a report proves that this log has lost a change. */
  async proven(): Promise<boolean> {
    const { head } = this.#log;
    if (!head || textProblem(head.generation) !== null) return false;
    const proven = await inFolder(this.#paths.root, this.#paths.forks, async (open) => {
      const { ino, mtimeMs } = statSync(open.self);
      const of = `${head.generation} ${ino}`;
      if (this.#verdict?.of !== of) this.#verdict = null;
      else if (this.#verdict.changedMs === mtimeMs) return this.#verdict.proven;
      if (performance.now() - this.#crowdedAt >= CROWDED_EVERY_MS) {
        const begin = (): Look => ({
          ...{ of, walk: walkThrough(open, head.generation), begun: Date.now(), changedMs: mtimeMs },
          ...{ believed: 0, proven: false, settled: true },
        });
        await this.#goOn(this.#lookAt(of, begin), { open, head });
      }
      return this.#verdict?.proven ?? false;
    });
    return proven ?? false;
  }

  /** Gives up a look that is under way. */
  close(): void {
    this.#look?.walk.close();
    this.#look = null;
  }

  /** The look that is under way, or a new one. */
  #lookAt(of: string, begin: () => Look): Look {
    if (this.#look?.of === of) return this.#look;
    this.#look?.walk.close();
    this.#look = begin();
    return this.#look;
  }

  async #goOn(look: Look, place: { readonly open: OpenFolder; readonly head: Head }): Promise<void> {
    let isOver = true; // also after an error, since some of the files that were met were not judged
    try {
      await this.#step(look, place);
      isOver = look.proven || look.walk.isOver;
      if (isOver) {
        const isAsSeen = look.settled && look.begun - look.changedMs > SAME_MOMENT_MS;
        const { of, proven } = look;
        this.#verdict = { of, changedMs: isAsSeen ? look.changedMs : null, proven };
      }
      if (look.walk.seen - look.believed > CROWD) this.#crowdedAt = performance.now();
    } finally {
      if (isOver) this.close();
    }
  }

  async #step(look: Look, { open, head }: { readonly open: OpenFolder; readonly head: Head }): Promise<void> {
    for (const file of await look.walk.next(open, STEP)) {
      if (isExcluded([uidOf(file)], this.#log.known)) continue;
      look.believed += 1;
      look.proven = look.believed > MOST_REPORTS || (await this.#isProof(look, { open, file, head }));
      if (look.proven) return;
    }
  }

  async #isProof(
    look: Look,
    { open, file, head }: { readonly open: OpenFolder; readonly file: OwnedFile; readonly head: Head },
  ): Promise<boolean> {
    const report = await readFork(open, file);
    if (!report?.held || !isEvidence(report, head, this.#log.known, () => false)) return false;
    const isInChain = await this.#isInChain(report.held, report);
    if (isInChain === null) look.settled = false;
    return isInChain === false;
  }

  /** Null: not known yet, because the log was searched for this user a moment ago. */
  async #isInChain(held: Head, { by: [user = ''] }: FoundReport): Promise<boolean | null> {
    const known = this.#log.recent(held) ?? this.#inChain.get(held.hash);
    if (known !== undefined) return known;
    if (performance.now() - (this.#searched.get(user) ?? Number.NEGATIVE_INFINITY) < SEARCH_EVERY_MS) return null;
    this.#searched.set(user, performance.now());
    const found = await this.#log.search(held);
    if (this.#inChain.size >= MOST_REPORTS) this.#inChain.clear();
    this.#inChain.set(held.hash, found);
    return found;
  }
}
