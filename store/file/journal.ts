import { rename, unlink } from 'node:fs/promises';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { KillSwitchError } from '../../flags/index.ts';
import type {
  Intended,
  Journal,
  JournalEnd,
  IntentMark,
  JournalIntent,
  JournalKeeper,
  JournalReader,
} from '../capabilities/journal.ts';
import { type ForgottenBefore, isOver, pageOf } from '../journal-entries.ts';
import type { ExecutorScope } from '../ports.ts';
import { Rounds } from '../rounds.ts';
import { closedError } from './file-errors.ts';
import { inFolder } from './folder.ts';
import { type JournalFile, JournalFiles, LEAVING } from './journal-files.ts';
import type { JournalLine, Noted } from './journal-index.ts';
import { JournalWriter } from './journal-writer.ts';
import { LINES } from './own-lines.ts';
import type { FilePaths } from './paths.ts';
import { Serial } from './serial.ts';

/**
 * How long somebody who has intended the same attempt at the same moment is waited for, in milliseconds, and how long
 * until they are looked for again. Whoever has said nothing by then is dead, or stuck, and may start it yet.
 */
const [CONTENDED_MS, LOOK_AGAIN_MS] = [1000, 2];

/** How far ahead of the clock others may have written, in milliseconds: what is later was not written by a clock. */
const AHEAD_MS = 50;

/** An executor that has read no line of another for so long, in milliseconds, is alone. */
const ALONE_MS = 600_000;

type Paths = Pick<FilePaths, 'root' | 'journal' | 'made'>;

/** An entry with what of it is known without reading it. */
const isOverNoted = ({ state, at, intendedAt }: Noted<JournalFile>, before: ForgottenBefore): boolean =>
  isOver({ state, at, intended_at: intendedAt }, before);

const reader = (files: JournalFiles, advanced: () => Promise<void>): JournalReader => ({
  async runs(page) {
    await advanced();
    return pageOf(files.index.runs(), page);
  },
  async entriesOf(runId, page) {
    await advanced();
    const { data, count } = pageOf(files.index.ofRun(runId), page);
    const entries = await files.entries(data);
    return { data: entries.map((entry, at) => ({ ...entry, order: data[at]?.order })), count };
  },
  async attemptsOf(key) {
    await advanced();
    return files.entries(files.index.attemptsOf(key));
  },
});

/** Somebody waits for an intent or an end to be written. */
interface Waiting<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

interface Intending extends Waiting<Intended> {
  readonly intent: JournalIntent;
  /** When it was written for the first time, by the monotonic clock; null: it was not yet. */
  writtenAt: number | null;
  writes: number;
  /** Who has the attempt in its place: this one withdraws, and is told then. */
  yieldsTo: Noted<JournalFile> | null;
}

interface Ending extends Waiting<boolean> {
  readonly mark: IntentMark;
  readonly end: JournalEnd;
  writes: number;
}

/** How often something is written that is not found in the file afterwards. */
const MOST_WRITES = 5;

const notFound = (): KillSwitchError =>
  new KillSwitchError(
    'STORE_UNREACHABLE',
    `What was written to the journal was not in it, ${MOST_WRITES} times: something else changes its files.`,
  );

/**
 * The journal of one executor in files: what many calls have to write at one moment is one write and one sync.
 *
 * No file has several writers but those of one name and user, and no lock is taken. An attempt of a key is intended by
 * writing it down and then reading what all others have written: of two that do this at once at least one sees the
 * other, since each has written before it reads. Whoever sees an intent of a smaller id withdraws; the one with the
 * smallest waits until those it sees have withdrawn, and has the attempt then; or until one says that it has it. Who
 * says nothing is dead, or stuck: then its intent stands, and is unknown.
 */
class QueuedJournal {
  readonly #files: JournalFiles;
  readonly #writer: JournalWriter;
  readonly #by: { readonly id: string; readonly name: string };
  readonly #intending = new Set<Intending>();
  readonly #ending = new Set<Ending>();
  readonly #rounds = new Rounds({
    round: () => this.#round(),
    goesOn: (_ended, asked) => asked || this.#intending.size + this.#ending.size > 0,
  });
  #closed = false;

  constructor(paths: Paths, { executorId, executorName }: Pick<ExecutorScope, 'executorId' | 'executorName'>) {
    this.#files = new JournalFiles(paths);
    this.#writer = new JournalWriter(paths, executorName, this.#files);
    this.#by = { id: executorId, name: executorName };
  }

  journal(): Journal {
    const later = <T>(add: (waiting: Waiting<T>) => void): Promise<T> =>
      new Promise<T>((resolve, reject) => {
        if (this.#closed) throw closedError();
        add({ resolve, reject });
        this.#rounds.ask();
      });
    return {
      ...reader(this.#files, () => later<void>((waiting) => this.#reading.push(waiting))),
      intend: (intent) =>
        later<Intended>((waiting) =>
          this.#intending.add({ intent, writtenAt: null, writes: 0, yieldsTo: null, ...waiting }),
        ),
      end: (mark, end) => later<boolean>((waiting) => this.#ending.add({ mark, end, writes: 0, ...waiting })),
    };
  }

  #reading: Waiting<void>[] = [];

  async close(): Promise<void> {
    this.#closed = true;
    await this.#rounds.close();
    await this.#writer.close();
    for (const { reject } of [...this.#intending, ...this.#ending, ...this.#reading]) reject(closedError());
  }

  /** Never rejects: who waits is told. */
  async #round(): Promise<void> {
    await turn(); // what is asked at the same moment is of the same batch
    // What comes later waits for the next round: it must be written after what was there before it was read.
    const reading = this.#reading.splice(0);
    const ending = [...this.#ending];
    const intending = [...this.#intending];
    try {
      if (reading.length + intending.length > 0) await this.#files.advance();
      for (const { resolve } of reading.splice(0)) resolve();
      await this.#answerKnown(intending);
      const written = await this.#write(ending, intending);
      if (written) await Promise.all([this.#writer.sync(), this.#files.advance()]);
      await this.#writer.review();
      for (const each of ending) {
        if (this.#isWritten(each)) each.resolve(this.#ownOf(each) !== undefined);
        else if (each.writes >= MOST_WRITES) each.reject(notFound());
        else continue; // it is written once more
        this.#ending.delete(each);
      }
      const decided = await this.#decide();
      // Nobody waits for this: without it, whoever has written the same meanwhile would wait longer.
      if (decided.length > 0 && this.#files.index.othersSince(this.#by.id, Date.now() - ALONE_MS))
        await this.#writer.write(decided.map((line) => JSON.stringify(line))).catch(() => {});
    } catch (error) {
      for (const { reject } of reading) reject(error);
      for (const each of ending) {
        this.#ending.delete(each);
        each.reject(error);
      }
      for (const each of intending) this.#fail(each, error);
    } finally {
      this.#writer.rest();
    }
  }

  /** Of what is to be intended, answers what was intended before. */
  async #answerKnown(intending: readonly Intending[]): Promise<void> {
    for (const each of intending) {
      if (each.writtenAt !== null) continue;
      const { intent } = each;
      const known = this.#files.index.has(intent.id);
      const answer = known ? null : this.#answering(intent);
      if (known) this.#settle(each, { is: 'new' });
      else if (answer) await this.#tell(each, answer);
    }
  }

  /** The entry by which whoever intends this attempt is answered, as in `answering`; null: nobody has it. */
  #answering({ idempotency_key, attempt, id }: JournalIntent): Noted<JournalFile> | null {
    const others = this.#files.index.attemptsOf(idempotency_key).filter((other) => other.id !== id);
    const answer =
      others.find(({ state, attempt: of }) => state === 'landed' || (of >= attempt && state !== 'not_started')) ??
      others.at(-1);
    return answer && (answer.state === 'landed' || answer.attempt >= attempt) ? answer : null;
  }

  /** Writes all that waits. False: nothing did. */
  async #write(ending: readonly Ending[], intending: readonly Intending[]): Promise<boolean> {
    const common = { by: this.#by, at: this.#afterOthers() };
    const lines: JournalLine[] = [
      ...intending.flatMap(({ intent, yieldsTo }) => (yieldsTo ? [{ withdrawn: markOf(intent), ...common }] : [])),
      ...ending
        .filter((each) => !this.#isWritten(each))
        .map(({ mark, end }) => ({ ended: markOf(mark), ...common, end })),
    ];
    const claimed = new Set<string>();
    for (const each of intending) {
      const { intent } = each;
      if (!this.#intending.has(each) || each.yieldsTo || this.#files.index.has(intent.id)) continue;
      const claim = JSON.stringify([intent.idempotency_key, intent.attempt]);
      if (claimed.has(claim)) continue; // another call of this process has it in this very round
      claimed.add(claim);
      each.writtenAt ??= performance.now();
      each.writes += 1;
      lines.push({ intended: intent, ...common });
    }
    for (const each of ending) each.writes += 1;
    if (lines.length === 0) return false;
    await this.#writer.write(lines.map((line) => JSON.stringify(line)));
    return true;
  }

  /**
   * The time of what is written next: after all that others have written and this executor has read, also where the
   * clock has not gone on since. What is done in turn by several is undone in the reverse order.
   */
  #afterOthers(): string {
    const now = Date.now();
    const last = this.#files.index.lastOfOthers(this.#by.id, new Date(now + AHEAD_MS).toISOString());
    return new Date(last === '' ? now : Math.max(now, Date.parse(last) + 1)).toISOString();
  }

  /** Whether an end was read back, or changes nothing. */
  #isWritten({ mark, end }: Ending): boolean {
    const noted = this.#ownOf({ mark });
    if (!noted) return true;
    return noted.state === 'intended' ? false : noted.state !== 'unknown' || end.state !== 'landed';
  }

  /** What is known of an intent of this executor's own; undefined: there is none. */
  #ownOf({ mark }: Pick<Ending, 'mark'>): Noted<JournalFile> | undefined {
    const noted = this.#files.index.get(mark.id);
    return noted?.by === this.#by.id ? noted : undefined;
  }

  /** Of what was written, decides who has it; what this executor has is what is to be said of that. */
  async #decide(): Promise<JournalLine[]> {
    let isContended = false;
    const decided: JournalLine[] = [];
    const common = { by: this.#by, at: new Date().toISOString() };
    for (const each of this.#intending) {
      const { intent, writtenAt, yieldsTo } = each;
      if (writtenAt === null) continue;
      if (yieldsTo) {
        if (!this.#files.index.has(intent.id)) await this.#tell(each, yieldsTo);
        continue;
      }
      if (!this.#files.index.has(intent.id)) {
        if (each.writes >= MOST_WRITES) this.#fail(each, notFound());
        continue; // it is written once more
      }
      const others = this.#files.index
        .racing(intent.idempotency_key)
        .filter(({ id, attempt }) => id !== intent.id && attempt === intent.attempt);
      const [other] = others;
      const first = others.find(({ isDecided }) => isDecided) ?? others.find(({ id }) => id < intent.id);
      const isLate = performance.now() - writtenAt > CONTENDED_MS;
      if (!other) {
        decided.push({ decided: markOf(intent), ...common });
        this.#settle(each, { is: 'new' });
      } else if (first || isLate) {
        each.yieldsTo = first ?? other;
      } else isContended = true;
    }
    if (isContended) await sleep(LOOK_AGAIN_MS);
    return decided;
  }

  async #tell(each: Intending, noted: Noted<JournalFile>): Promise<void> {
    this.#intending.delete(each);
    try {
      const [entry] = await this.#files.entries([noted]);
      if (!entry) throw new KillSwitchError('STORE_UNREACHABLE', 'A journal was removed while it was read.');
      each.resolve({ is: 'existing', entry });
    } catch (error) {
      each.reject(error);
    }
  }

  #settle(each: Intending, answer: Intended): void {
    this.#intending.delete(each);
    each.resolve(answer);
  }

  #fail(each: Intending, error: unknown): void {
    if (this.#intending.delete(each)) each.reject(error);
  }
}

const markOf = ({ id, idempotency_key, attempt, run_id }: IntentMark): IntentMark => ({
  ...{ id, idempotency_key, attempt, run_id },
});

/** The journal of one executor in files, and what closes it. */
export function fileJournal(
  paths: Paths,
  scope: Pick<ExecutorScope, 'executorId' | 'executorName'>,
): { readonly journal: Journal; readonly close: () => Promise<void> } {
  const queued = new QueuedJournal(paths, scope);
  return { journal: queued.journal(), close: () => queued.close() };
}

/** The operator's side of journals in files. @param ms how long each request may take, in milliseconds */
export function fileJournals(
  paths: Paths,
  ms: number,
): { readonly journals: JournalKeeper; readonly close: () => Promise<void> } {
  const files = new JournalFiles(paths);
  const serial = new Serial();
  // Those of years are long: whoever waits for them gives up only where nothing is read any more.
  const one = <T>(work: () => Promise<T>): Promise<T> => serial.run('journal', work, { ms, steps: () => files.steps });
  const { runs, entriesOf, attemptsOf } = reader(files, () => files.advance());

  /** True where nobody needs anything in this file: no entry, and no other attempt of their keys. */
  const isNeeded = (file: JournalFile, before: ForgottenBefore): boolean => {
    for (const noted of files.index.all()) {
      if (noted.intent.file !== file && noted.end?.file !== file) continue;
      if (files.index.attemptsOf(noted.key).some((each) => !isOverNoted(each, before))) return true;
    }
    return false;
  };

  /** Removes a file, in two steps: nobody goes on in it once it has another name, and what came before that is read. */
  const remove = async (file: JournalFile, before: ForgottenBefore): Promise<boolean> => {
    const removed = await inFolder(paths.root, paths.journal, async (open) => {
      if (!file.name.endsWith(LEAVING)) {
        const leaving = file.name.slice(0, -LINES.length) + LEAVING;
        await rename(open.at(file.name), open.at(leaving));
      }
      await files.advance();
      if (isNeeded(file, before)) return false;
      await unlink(open.at(file.name));
      return true;
    });
    return removed === true;
  };

  return {
    journals: {
      runs: (page) => one(() => runs(page)),
      entriesOf: (runId, page) => one(() => entriesOf(runId, page)),
      attemptsOf: (key) => one(() => attemptsOf(key)),
      forget: (before) =>
        one(async () => {
          await files.advance();
          const count = (): number => [...files.index.all()].length;
          const all = count();
          for (const file of [...files.files]) if (!isNeeded(file, before)) await remove(file, before);
          await files.advance();
          return all - count();
        }),
    },
    close: () => serial.close(ms),
  };
}
