import { existsSync, statSync } from 'node:fs';
import { type FoundReport, type Head, isEvidence, isExcluded, type Known, textProblem } from '../../flags/index.ts';
import { inFolder, type OpenFolder } from './folder.ts';
import { MOST_REPORTS, olderPlaceOf, type Place, placeOf, readFork, uidOf, walkThrough } from './fork-reports.ts';
import type { FilePaths } from './paths.ts';
import type { OwnedFile, Walk } from './walk.ts';

/** A folder that was changed within so many milliseconds may change again without its time telling. */
const SAME_MOMENT_MS = 1000;

/** The whole log is searched for a head that a user reports at most so often, in milliseconds: anybody can name another one each time. */
const SEARCH_EVERY_MS = 30_000;

/** What one confirmation looks through of a place. */
const STEP = { names: 16_000, files: 4000 };

/** Where there is more than so much that does not count, a place is looked at only so often, in milliseconds: confirmations are many, and it may change all the time. */
const CROWD = 500;
const CROWDED_EVERY_MS = 200;

/** The log, as far as a report is judged by it. */
export interface KnownLog {
  readonly head: Head | null;
  readonly known: Known;
  /** Whether that very head is in the log; null when only the whole log can tell. */
  recent(head: Head): boolean | null;
  search(head: Head): Promise<boolean>;
}

/** What is known of a place since it was last looked through. */
interface Verdict {
  /** The generation, and which folder it was. */
  readonly of: string;
  /** When the folder had last changed then; null where it must be looked through again all the same. */
  readonly changedMs: number | null;
  readonly proven: boolean;
}

/** A place while it is looked through. */
interface Look {
  readonly of: string;
  readonly walk: Walk;
  /** When it was begun, and when the folder had last changed then, by the wall clock. */
  readonly begun: number;
  readonly changedMs: number;
  /** How many files there are of users who are believed. */
  believed: number;
  proven: boolean;
  /** False when the log was not searched for all that is reported. */
  settled: boolean;
}

/**
 * Judges what executors report of forks; each report once, of those who are believed. A place is looked through in one confirmation, or in several where an
 * excluded user has put too much there: until then what was known of it before stands.
 */
export class ForkJudge {
  readonly #paths: FilePaths;
  readonly #log: KnownLog;
  readonly #verdicts = new Map<string, Verdict>();
  readonly #looks = new Map<string, Look>();
  /** When a place was last found to be crowded, by `performance.now()`. */
  readonly #crowded = new Map<string, number>();
  readonly #inChain = new Map<string, boolean>();
  /** When it was last searched for whom: nobody's lies keep another's report from being judged. */
  readonly #searched = new Map<string, number>();

  constructor(paths: FilePaths, log: KnownLog) {
    this.#paths = paths;
    this.#log = log;
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

  /** Ends what was not looked through to its end. */
  close(): void {
    for (const { walk } of this.#looks.values()) walk.close();
    this.#looks.clear();
  }

  async #provenIn(place: Place, head: Head): Promise<boolean> {
    const { folder } = place;
    const proven = await inFolder(this.#paths.root, folder, async (open) => {
      const { ino, mtimeMs } = statSync(open.self);
      const of = `${head.generation} ${ino}`;
      const verdict = this.#verdicts.get(folder);
      if (verdict?.of !== of) this.#verdicts.delete(folder);
      else if (verdict.changedMs === mtimeMs) return verdict.proven;

      if (performance.now() - (this.#crowded.get(folder) ?? Number.NEGATIVE_INFINITY) >= CROWDED_EVERY_MS) {
        const look = this.#lookOf(folder, of, () => ({
          ...{ of, walk: walkThrough(open, place), begun: Date.now(), changedMs: mtimeMs },
          ...{ believed: 0, proven: false, settled: true },
        }));
        await this.#goOn(folder, look, { open, head });
      }
      return this.#verdicts.get(folder)?.proven ?? false;
    });
    return proven ?? false;
  }

  /** The look that is under way, or a new one. */
  #lookOf(folder: string, of: string, begin: () => Look): Look {
    const last = this.#looks.get(folder);
    if (last?.of === of) return last;
    last?.walk.close();
    const look = begin();
    this.#looks.set(folder, look);
    return look;
  }

  async #goOn(folder: string, look: Look, place: { readonly open: OpenFolder; readonly head: Head }): Promise<void> {
    let isOver = true; // after an error it is begun anew: some of what was met was not judged
    try {
      await this.#step(look, place);
      isOver = look.proven || look.walk.isOver;
      if (isOver) {
        const isAsSeen = look.settled && look.begun - look.changedMs > SAME_MOMENT_MS;
        const { of, proven } = look;
        this.#verdicts.set(folder, { of, changedMs: isAsSeen ? look.changedMs : null, proven });
      }
      if (look.walk.seen - look.believed > CROWD) this.#crowded.set(folder, performance.now());
    } finally {
      if (isOver) this.#looks.delete(folder);
      if (isOver) look.walk.close();
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

  /** Null: it will be known later. */
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
