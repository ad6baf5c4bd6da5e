import { randomUUID } from 'node:crypto';
import { KillSwitchError } from '../../flags/index.ts';
import type { Ledger, LedgerReader, Reserved } from '../capabilities/ledger.ts';
import { LedgerBook } from '../ledger-book.ts';
import { givenCosts, givenReservation, givenReservationId } from '../ledger-requests.ts';
import { addUp } from '../ledger-sums.ts';
import { Rounds } from '../rounds.ts';
import { withDeadline } from '../with-deadline.ts';
import { closedError, fileError } from './file-errors.ts';
import { inFolder, lost, type OpenFolder } from './folder.ts';
import { damaged, isDamage, LedgerFile } from './ledger-file.ts';
import type { LedgerLine, LineOutcome } from './ledger-lines.ts';
import { localFreeBytes } from './network-filesystem.ts';
import type { FilePaths } from './paths.ts';

/** From how many bytes on a file of the ledger is closed, and another one begun. */
const LONG_FILE = 4 * 1024 * 1024;

/** How many requests are written together at most. */
const MOST_AT_ONCE = 1000;

/** A request without when it was written and its mark. */
type Asked<L = LedgerLine> = L extends LedgerLine ? Omit<L, 'at' | 'mark'> : never;

interface Waiting {
  readonly asked: Asked;
  readonly mark: string;
  readonly resolve: (outcome: LineOutcome) => void;
  readonly reject: (error: unknown) => void;
}

export interface FileLedgerOptions {
  readonly requestTimeoutMs: number;
  /** From how many bytes on another file is begun; default 4 MiB. */
  readonly longFile?: number;
}

/**
 * The ledger of a folder: requests of all processes are lines of one file, and its order decides, for everybody alike.
 * A writer appends its lines with one write and one sync, however many requests wait, reads on to its own lines, and
 * knows then what they came to. Nobody waits for a lock. A file that has become long is closed by a line; whoever
 * needs the next one begins it with the sums, so that reading never begins further back.
 */
export class FileLedger implements Ledger {
  readonly #paths: FilePaths;
  readonly #requestTimeoutMs: number;
  readonly #longFile: number;
  readonly #own = randomUUID();
  readonly #rounds = new Rounds({ round: () => this.#round(), goesOn: () => this.#waiting.length > 0 });
  #waiting: Waiting[] = [];
  #count = 0;
  #file: LedgerFile | null = null;
  #problem: KillSwitchError | null = null;
  #closed = false;

  constructor(paths: FilePaths, { requestTimeoutMs, longFile = LONG_FILE }: FileLedgerOptions) {
    this.#paths = paths;
    this.#requestTimeoutMs = requestTimeoutMs;
    this.#longFile = longFile;
  }

  async reserve(given: Parameters<Ledger['reserve']>[0]): Promise<Reserved> {
    const { id, charges } = givenReservation(given);
    const written = charges.map(({ account, type, amount, limit, warnAt, window }) => {
      return { account, type, amount, limit, warnAt, window };
    });
    const outcome = await this.#ask({ is: 'reserve', id, charges: written }, 'reserve');
    if (outcome === null) throw new KillSwitchError('CORRUPT', 'The ledger did not answer a reservation.');
    return outcome;
  }

  async settle(id: string, costs: Parameters<Ledger['settle']>[1]): Promise<void> {
    await this.#ask({ is: 'settle', id: givenReservationId(id), costs: givenCosts(costs) }, 'settle');
  }

  async release(id: string): Promise<void> {
    await this.#ask({ is: 'release', id: givenReservationId(id) }, 'release');
  }

  /** Ends it after what is being written; what waits is refused. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#rounds.close();
    for (const { reject } of this.#waiting.splice(0)) reject(closedError());
    await this.#file?.close();
    this.#file = null;
  }

  #ask(asked: Asked, what: string): Promise<LineOutcome> {
    if (this.#closed) return Promise.reject(closedError());
    if (this.#problem) return Promise.reject(this.#problem);
    this.#count += 1;
    const mark = `${this.#own}.${this.#count}`;
    const answer = new Promise<LineOutcome>((resolve, reject) => {
      this.#waiting.push({ asked, mark, resolve, reject });
    });
    this.#rounds.ask();
    return withDeadline(answer, this.#requestTimeoutMs, what);
  }

  /** Writes all that waits, and answers it. Never rejects. */
  async #round(): Promise<void> {
    const asked = new Map(this.#waiting.splice(0, MOST_AT_ONCE).map((each) => [each.mark, each] as const));
    try {
      await localFreeBytes(this.#paths.executors);
      const { root, ledger } = this.#paths;
      // It is made by operators, never here: one that was removed would be counted anew without anybody's word.
      const isThere = await inFolder(root, ledger, async (folder) => {
        while (asked.size > 0) await this.#write(folder, asked);
        return true;
      });
      if (isThere === null) throw lost(ledger);
    } catch (error) {
      const failure = fileError(error, 'written', this.#paths.ledger);
      // What was counted is not there any longer: to go on with another file would be to count anew.
      if (isDamage(failure)) this.#problem = failure;
      for (const { reject } of asked.values()) reject(failure);
    }
  }

  /** Writes the requests into the present file, and answers those whose lines count there. */
  async #write(folder: OpenFolder, asked: Map<string, Waiting>): Promise<void> {
    const file = this.#file ?? (await this.#first(folder));
    this.#file = file;
    const at = Date.now();
    const lines = [...asked.values()].map(({ asked: each, mark }) => JSON.stringify({ ...each, at, mark }));
    const isLong = file.length > Math.max(this.#longFile, file.carried); // so that sums are not written too often
    if (isLong) lines.push(JSON.stringify({ is: 'close', at, mark: `${this.#own}.close` }));
    await file.append(lines);
    const answered = new Map<string, LineOutcome>();
    await file.readOn((mark, outcome) => answered.set(mark, outcome));
    if (!file.isInPlace(folder) && !file.lines.isClosed) throw damaged(file.path, 'it was removed or replaced');
    for (const [mark, { resolve }] of asked) {
      const outcome = answered.get(mark);
      if (outcome === undefined) continue;
      asked.delete(mark);
      resolve(outcome);
    }
    if (file.lines.isClosed) this.#file = await this.#next(folder, file);
    else if (asked.size > 0) throw damaged(file.path, 'lines that were written are not in it');
  }

  async #first(folder: OpenFolder): Promise<LedgerFile> {
    const newest = await LedgerFile.newest(folder);
    if (newest) return newest;
    await LedgerFile.begin(folder, 1, new LedgerBook());
    return LedgerFile.open(folder, 1);
  }

  /**
   * The file after one that was closed, which must begin with what that one has come to here; or a newer one, where
   * others have gone on meanwhile.
   */
  async #next(folder: OpenFolder, file: LedgerFile): Promise<LedgerFile> {
    const number = file.number + 1;
    const { book } = file.lines;
    if ((await LedgerFile.last(folder)) === file.number) await LedgerFile.begin(folder, number, book);
    const next = await LedgerFile.newest(folder);
    if (!next || next.number < number) throw damaged(file.path, 'the files after it were removed');
    if (next.number === number && JSON.stringify(next.lines.book.text()) !== JSON.stringify(book.text())) {
      await next.close();
      throw damaged(next.path, 'it begins with other sums than the file before it came to');
    }
    await file.close();
    await LedgerFile.removeBefore(folder, next.number - 1).catch(() => {});
    return next;
  }
}

/** Reads the ledger of a folder, for operators. */
export const fileLedgerReader = (
  paths: FilePaths,
  { now, admit }: { readonly now: () => number; readonly admit: () => void },
): LedgerReader => ({
  async accounts() {
    admit();
    const kept = await inFolder(paths.root, paths.ledger, async (folder) => {
      const file = await LedgerFile.newest(folder);
      if (!file) return [];
      try {
        await file.readOn(() => {});
        return [...file.lines.book.kept(now())];
      } finally {
        await file.close();
      }
    });
    return addUp(kept ?? []);
  },
});
