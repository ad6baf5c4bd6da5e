import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ForkReport,
  type Head,
  headSchema,
  isEvidence,
  type Known,
  type SignedReport,
  textProblem,
} from '../../flags/index.ts';
import { inFolder, type OpenFolder } from './folder.ts';
import { namesIn, readKept, removeKept } from './kept.ts';
import { fileName, type FilePaths } from './paths.ts';
import { putReport, removeReport } from './reports.ts';

/**
 * How many reports of a fork are read. Where there are more, that counts as proof of a fork: a flood must not hide a true report, and whoever can write one file
 * too many can also write over any other; its owner is seen in the folder.
 */
const MOST_FORKS = 1000;
const LONGEST_FORK = 4096;

/** A folder that was changed within so many milliseconds may change again without its time telling. */
const SAME_MOMENT_MS = 1000;

/** The whole log is searched for a head that is reported at most so often, in milliseconds: anybody can name another one each time. */
const SEARCH_EVERY_MS = 30_000;

/** The log, as far as a report is judged by it. */
export interface KnownLog {
  readonly head: Head | null;
  readonly known: Known;
  /** Whether that very head is in the log; null when only the whole log can tell. */
  recent(head: Head): boolean | null;
  search(head: Head): Promise<boolean>;
}

/** The reports against one generation, in a folder of their own, so that those of former ones are never read. */
const forksAgainst = ({ forks }: FilePaths, generation: string): string | null =>
  textProblem(generation) === null ? join(forks, fileName(generation)) : null;

/** What executors report of forks; each report is judged once. */
export class ReportedForks {
  readonly #paths: FilePaths;
  readonly #log: KnownLog;
  #judged: { readonly signature: string; readonly proven: boolean } | null = null;
  readonly #inChain = new Map<string, boolean>();
  #searched = Number.NEGATIVE_INFINITY;
  #own: { readonly folder: string; readonly text: string } | null = null;

  constructor(paths: FilePaths, log: KnownLog) {
    this.#paths = paths;
    this.#log = log;
  }

  /** Reports a fork, or takes back what this executor has reported of a generation that is over. */
  async report(executorId: string, executorName: string, fork: ForkReport | null): Promise<void> {
    const { root } = this.#paths;
    if (fork) {
      const folder = forksAgainst(this.#paths, fork.against);
      const text = JSON.stringify({ ...fork, name: executorName });
      if (folder === null) return;
      this.#own = { folder, text };
      await putReport(root, folder, executorId, text);
    } else if (
      this.#own &&
      this.#log.head &&
      this.#own.folder !== forksAgainst(this.#paths, this.#log.head.generation)
    ) {
      await removeReport(root, this.#own.folder, executorId);
      this.#own = null;
    }
  }

  /** Whether one of the reports is evidence that this log has lost a change. */
  async proven(): Promise<boolean> {
    const { head } = this.#log;
    const folder = head && forksAgainst(this.#paths, head.generation);
    if (!head || folder === null) return false;
    return (await inFolder(this.#paths.root, folder, (open) => this.#judge(open, head))) ?? false;
  }

  async #judge(open: OpenFolder, head: Head): Promise<boolean> {
    const { ino, mtimeMs } = await stat(open.self);
    const signature = `${head.generation} ${ino} ${mtimeMs}`;
    if (this.#judged?.signature === signature) return this.#judged.proven;
    const since = Date.now();
    const { proven, settled } = await this.#judgeAll(open, head);
    this.#judged = settled && since - mtimeMs > SAME_MOMENT_MS ? { signature, proven } : null;
    return proven;
  }

  async #judgeAll(open: OpenFolder, head: Head): Promise<{ readonly proven: boolean; readonly settled: boolean }> {
    const { names, more } = await namesIn(open, '.json', MOST_FORKS);
    if (more) return { proven: true, settled: true };
    let settled = true;
    for (const name of names) {
      const kept = await readKept(open, name, LONGEST_FORK);
      const report = kept && 'text' in kept ? parseFork(kept.text, kept.owner) : null;
      if (!report?.held) continue;
      const inChain = await this.#isInChain(report.held);
      if (inChain === null) settled = false;
      else if (isEvidence(report, head, this.#log.known, () => inChain)) return { proven: true, settled: true };
    }
    return { proven: false, settled };
  }

  /** Null: it will be known later. */
  async #isInChain(held: Head): Promise<boolean | null> {
    const known = this.#log.recent(held) ?? this.#inChain.get(held.hash);
    if (known !== undefined) return known;
    if (performance.now() - this.#searched < SEARCH_EVERY_MS) return null;
    this.#searched = performance.now();
    const found = await this.#log.search(held);
    if (this.#inChain.size >= MOST_FORKS) this.#inChain.clear();
    this.#inChain.set(held.hash, found);
    return found;
  }
}

/**
 * One report, or null: one that cannot be read proves nothing. An executor that has seen a fork writes a readable one, with each of its beats; counting
 * what is unreadable would let whoever may write anything stop everyone.
 */
function parseFork(text: string, owner: number): SignedReport | null {
  try {
    const { against, held, name } = JSON.parse(text) as { against?: unknown; held?: unknown; name?: unknown };
    const by = [`uid ${owner}`, ...(typeof name === 'string' ? [name] : [])]; // the system vouches for the first only
    return typeof against === 'string' ? { against, held: headSchema.nullable().parse(held), by } : null;
  } catch {
    return null;
  }
}

/** Removes all that executors have reported of forks, after a `recover`. */
export async function clearForks({ root, forks }: FilePaths): Promise<void> {
  const most = 1_000_000;
  const clear = (folder: string, each: (open: OpenFolder, name: string) => Promise<void>): Promise<unknown> =>
    inFolder(root, folder, async (open) => {
      for (const name of (await namesIn(open, '', most)).names) await each(open, name).catch(() => {});
    });
  await clear(forks, async (open, name) => {
    await clear(join(forks, name), removeKept).catch(() => {}); // it is no folder, then
    await removeKept(open, name);
  });
}
