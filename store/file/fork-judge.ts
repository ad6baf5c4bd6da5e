import { statSync } from 'node:fs';
import { type FoundReport, type Head, isEvidence, isExcluded, type Known, textProblem } from '../../flags/index.ts';
import { inFolder, type OpenFolder } from './folder.ts';
import { MOST_REPORTS, readFork, uidOf, walkThrough } from './fork-reports.ts';
import type { FilePaths } from './paths.ts';
import type { OwnedFile, Walk } from './walk.ts';

/** A folder that was changed within so many milliseconds may change again without its time telling. */
const SAME_MOMENT_MS = 1000;

/**
 * The whole log is searched for a head that a user reports at most so often, in milliseconds: anybody can name another
 * one each time.
 */
const SEARCH_EVERY_MS = 30_000;

/** What one confirmation looks through. */
const STEP = { names: 16_000, files: 4000 };

/**
 * Where there is more than so much that does not count, the folder is looked at only so often, in milliseconds:
 * confirmations are many, and it may change all the time.
 */
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

/** What is known of the folder since it was last looked through. */
interface Verdict {
  /** The generation, and which folder it was. */
  readonly of: string;
  /** When the folder had last changed then; null where it must be looked through again all the same. */
  readonly changedMs: number | null;
  readonly proven: boolean;
}

/** The folder while it is looked through. */
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
 * Judges what executors report of forks; each report once, of those who are believed. Their folder is looked through in
 * one confirmation, or in several where an excluded user has put too much there: until then what was known of it before
 * stands.
 */
export class ForkJudge {
  readonly #paths: FilePaths;
  readonly #log: KnownLog;
  #verdict: Verdict | null = null;
  #look: Look | null = null;
  /** When the folder was last found to be crowded, by `performance.now()`. */
  #crowdedAt = Number.NEGATIVE_INFINITY;
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

  /** Ends what was not looked through to its end. */
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
    let isOver = true; // after an error it is begun anew: some of what was met was not judged
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
