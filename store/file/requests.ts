import { createHash } from 'node:crypto';
import { opendirSync, statSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { type AskedApproval, expiryOf, messageOf } from '../../flags/index.ts';
import { atTime, isSameRequest, LONGEST_REQUEST, readRequest, requestText, timeIn } from '../approvals.ts';
import {
  APPROVALS_KEPT_MS,
  MOST_OPEN_APPROVALS,
  type ReportedApproval,
  type RequestAnswer,
} from '../capabilities/approvals.ts';
import { uidWriter } from '../writers.ts';
import type { Claims } from './claims.ts';
import { fairShares, leftOut, wholeFiles } from './fair-share.ts';
import { inFolder, inFolderMade, type OpenFolder } from './folder.ts';
import { isOwn, type Kept, putOnce, readKeptNow, removeKept } from './kept.ts';
import { type FilePaths, fileName } from './paths.ts';
import { ENDING, idOfReport } from './report-names.ts';
import { Walk } from './walk.ts';

/** How much is read of all requests; each user has a fair share of it. */
const BOUNDS = { total: 128 * 1024 * 1024, most: 20_000, longest: 4 * LONGEST_REQUEST };

/** After how many files the event loop gets a turn. */
const BETWEEN_TURNS = 50;

/** How the names of all requests of executors of one name begin: names may be too long to be part of one. */
const beginningOf = (executor: string): string =>
  `${createHash('sha256').update(executor, 'utf8').digest('hex').slice(0, 16)}.`;

const endingOf = (id: string): string => `.${fileName(id)}${ENDING}`;

/** The id in the name of a request. */
const idIn = (name: string): string => idOfReport(name.slice(name.indexOf('.') + 1));

/** The requests of executors: a file for each, which nobody changes. */
export class Requests {
  readonly #paths: FilePaths;
  readonly #claims: Claims;
  #names: { readonly changed: bigint; readonly byId: ReadonlyMap<string, readonly string[]> } | null = null;

  constructor(paths: FilePaths, claims: Claims) {
    this.#paths = paths;
    this.#claims = claims;
  }

  /** Every request that is kept, and why there may be more. Never rejects. @param onStep called as reading gets on */
  async all(
    onStep: () => void,
  ): Promise<{ readonly requests: readonly ReportedApproval[]; readonly problems: string[] }> {
    const found = new Map<string, Array<{ readonly name: string; readonly kept: Kept }>>();
    const problems: string[] = [];
    const reading = this.#inFolder(async (open) => {
      const { shares, problem } = await fairShares(open, { ending: ENDING, bounds: BOUNDS, onStep });
      const left: { owner: number; left: number }[] = [];
      let read = 0;
      for (const share of shares) {
        const files = wholeFiles(share, BOUNDS);
        left.push({ owner: share.owner, left: share.count - files.length });
        for (const { name } of files) {
          const kept = readKeptNow(open, name, BOUNDS.longest);
          if (kept) found.set(idIn(name), [...(found.get(idIn(name)) ?? []), { name, kept }]);
          read += 1;
          if (read % BETWEEN_TURNS === 0) await turn();
          onStep();
        }
      }
      problems.push(...[problem, leftOut(open.path, left)].filter((each) => each !== null));
    });
    await reading.catch((error: unknown) => problems.push(messageOf(error)));
    const requests = [...found];
    try {
      const ends = await this.#claims.endsOf(found.keys());
      return { requests: requests.map(([id, files]) => reported(id, files, ends.get(id) ?? null)), problems };
    } catch (error) {
      const problem = `who has used it cannot be read: ${messageOf(error)}`; // so nobody may decide it
      return { requests: requests.map(([id, files]) => ({ ...reported(id, files, null), problem })), problems };
    }
  }

  /** The request of this id, whoever has asked; null where there is none. */
  async get(id: string): Promise<ReportedApproval | null> {
    const files = await this.#inFolder(async (open) =>
      this.#namesOf(open, id).flatMap((name) => {
        const kept = readKeptNow(open, name, BOUNDS.longest);
        return kept ? [{ name, kept }] : [];
      }),
    );
    return files === null || files.length === 0 ? null : reported(id, files, await this.#claims.endOf(id));
  }

  /** Removes requests, of any user. */
  async forget(ids: readonly string[]): Promise<void> {
    const endings = new Set(ids.map(endingOf));
    await this.#inFolder(async (open) => {
      for (const name of [...namesIn(open)])
        if (endings.has(name.slice(name.indexOf('.')))) await removeKept(open, name);
    });
  }

  /** The files of an id. The names are read anew where the folder has changed since, or does not seem to have it. */
  #namesOf(open: OpenFolder, id: string): readonly string[] {
    const changed = statSync(open.self, { bigint: true }).mtimeNs;
    const known = this.#names?.changed === changed ? this.#names.byId.get(id) : undefined;
    if (known) return known;
    const byId = new Map<string, string[]>();
    for (const name of namesIn(open)) byId.set(idIn(name), [...(byId.get(idIn(name)) ?? []), name]);
    this.#names = { changed, byId };
    return byId.get(id) ?? [];
  }

  #inFolder<T>(work: (open: OpenFolder) => Promise<T>): Promise<T | null> {
    return inFolder(this.#paths.root, this.#paths.approvals, work);
  }
}

/** One id has one request: where several files say that it is theirs, nobody can tell which was shown. */
function reported(
  id: string,
  [first, ...others]: ReadonlyArray<{ readonly name: string; readonly kept: Kept }>,
  end: ReportedApproval['end'],
): ReportedApproval {
  if (!first || 'problem' in first.kept)
    return {
      id,
      request: null,
      writer: null,
      end,
      problem: first && 'problem' in first.kept ? first.kept.problem : '',
    };
  const found = readRequest(id, first.kept.text, { writer: uidWriter(first.kept.owner), end });
  if (others.length > 0) return { ...found, problem: `${others.length + 1} requests have this id` };
  const { request } = found;
  if (request && !first.name.startsWith(beginningOf(request.requested_by)))
    return { ...found, problem: 'it is kept under another name than that of the executor that it names' };
  return found;
}

function* namesIn({ self }: OpenFolder): Generator<string> {
  const folder = opendirSync(self, { bufferSize: 512 });
  try {
    for (let entry = folder.readSync(); entry; entry = folder.readSync())
      if (entry.name.endsWith(ENDING)) yield entry.name;
  } finally {
    folder.closeSync();
  }
}

/** How long after this executor was found full it is not counted again, in milliseconds. */
const FULL_FOR_MS = 2000;
/** After how many requests the files are counted again: other processes of the same name ask too. */
const COUNT_EVERY = 1000;

/** The requests of one executor, which counts them. */
export class OwnRequests {
  readonly #paths: FilePaths;
  readonly #claims: Claims;
  readonly #executor: string;
  #count: number | null = null;
  #sinceCounted = 0;
  #fullUntil = 0;

  constructor(paths: FilePaths, claims: Claims, executor: string) {
    this.#paths = paths;
    this.#claims = claims;
    this.#executor = executor;
  }

  /** @param now the store's time, in milliseconds */
  async request(asked: AskedApproval, now: number): Promise<RequestAnswer> {
    const text = requestText(asked);
    const { root, approvals } = this.#paths;
    return inFolderMade(root, approvals, async (open): Promise<RequestAnswer> => {
      const name = beginningOf(this.#executor) + endingOf(asked.id).slice(1);
      const kept = readKeptNow(open, name, BOUNDS.longest);
      if (kept) return again(kept, text);
      if (await this.#isFull(open, now)) return { is: 'too many', most: MOST_OPEN_APPROVALS };
      if (!(await putOnce(open, name, atTime(text, now)))) return again(readKeptNow(open, name, BOUNDS.longest), text);
      this.#count = (this.#count ?? 0) + 1;
      this.#sinceCounted += 1;
      return { is: 'open', at_ms: Math.floor(now) };
    });
  }

  async #isFull(open: OpenFolder, now: number): Promise<boolean> {
    if (performance.now() < this.#fullUntil) return true;
    const beginning = beginningOf(this.#executor);
    if (this.#count === null || this.#sinceCounted >= COUNT_EVERY || this.#count >= MOST_OPEN_APPROVALS) {
      this.#count = [...namesIn(open)].filter((name) => name.startsWith(beginning)).length;
      this.#sinceCounted = 0;
      if (this.#count >= MOST_OPEN_APPROVALS / 2) {
        const removed = await this.#tidy(open, now);
        this.#count -= removed; // others have counted theirs meanwhile
      }
    }
    if (this.#count < MOST_OPEN_APPROVALS) return false;
    this.#fullUntil = performance.now() + FULL_FOR_MS;
    return true;
  }

  /** Removes this user's requests that are over: for a while, or all of them where there is no more room. */
  async #tidy(open: OpenFolder, now: number): Promise<number> {
    let removed = 0;
    const walk = new Walk(open, beginningOf(this.#executor), ENDING);
    for await (const files of walk.all(open)) {
      const ends = await this.#claims.endsOf(files.map(({ name }) => idIn(name)));
      for (const [index, { name, owner }] of files.entries()) {
        if (index % BETWEEN_TURNS === 0) await turn();
        const kept = isOwn(owner) ? readKeptNow(open, name, BOUNDS.longest) : null;
        if (!kept || 'problem' in kept) continue;
        const { request } = readRequest(idIn(name), kept.text, { writer: null, end: null });
        const over = request && Date.parse(expiryOf(request)) + (ends.has(idIn(name)) ? 0 : APPROVALS_KEPT_MS) < now;
        const isNeeded = request && !ends.has(idIn(name)) && !over;
        if (isNeeded) continue;
        await removeKept(open, name);
        removed += 1;
      }
    }
    return removed;
  }
}

const again = (kept: Kept | null, text: string): RequestAnswer =>
  kept && 'text' in kept && isSameRequest(kept.text, text) ? { is: 'open', at_ms: timeIn(kept.text) } : { is: 'taken' };
