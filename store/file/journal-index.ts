import { isJsonObject } from '../../flags/json-object.ts';
import type { IntentMark, JournalEnd, JournalIntent, JournalState } from '../capabilities/journal.ts';
import { byOrder, parseEnd, parseIntent, takesEnd } from '../journal-entries.ts';

/** Who has written a line, by its own word; the file's owner is known beside it. */
interface Writer {
  readonly id: string;
  readonly name: string;
}

/** One line of a journal. */
export type JournalLine =
  | { readonly intended: JournalIntent; readonly by: Writer; readonly at: string }
  | { readonly ended: IntentMark; readonly by: Writer; readonly at: string; readonly end: JournalEnd }
  /** Two have intended the same attempt at once, and this one lets the other have it: it was never intended. */
  | { readonly withdrawn: IntentMark; readonly by: Writer; readonly at: string }
  /** This one has seen no other: it has the attempt, and whoever comes later need not wait for it to withdraw. */
  | { readonly decided: IntentMark; readonly by: Writer; readonly at: string };

/** What an executor says of an intent of its own. */
type Said = Exclude<JournalLine, { readonly intended: unknown }>;

/** How many of those who have written last are remembered. */
const MOST_WRITERS = 100;

/** How much of it is kept until its intent is read. */
const MOST_EARLY = 100_000;

/** Where a line stands. `owner`: of the file; null where the system has none. */
export interface Place<File> {
  readonly file: File;
  readonly from: number;
  readonly length: number;
}

/** What is remembered of an intent. All else is read from its lines when it is asked for. */
export interface Noted<File> {
  readonly id: string;
  readonly key: string;
  readonly attempt: number;
  readonly runId: string | null;
  readonly by: string;
  readonly intendedAt: string;
  /** Sorts all intents: in one file they are in the order in which they were written, whatever the clock said. */
  readonly order: string;
  readonly intent: Place<File>;
  /** True once its executor has said that it has the attempt, or how that has ended. */
  isDecided: boolean;
  state: JournalState['state'];
  at: string;
  end: Place<File> | null;
}

/** What is known of a file. */
interface IndexedFile {
  readonly owner: number;
  /** The latest time that was read in it, RFC 3339 UTC; '': none was. */
  latest: string;
}

/** The lines of all journals, as far as they were read: which keys were intended, and what became of them. */
export class JournalIndex<File extends IndexedFile> {
  readonly #byKey = new Map<string, Noted<File>[]>();
  readonly #byRun = new Map<string | null, Noted<File>[]>();
  readonly #byId = new Map<string, Noted<File>>();
  /** Who has written last, and when. */
  readonly #writers = new Map<string, string>();
  /** What was said of intents that were not read yet: an executor goes on in another file when one is long. */
  readonly #early = new Map<string, { readonly line: Said; readonly place: Place<File> }[]>();

  /** The run that was listed last, until anything changes which intents there are: it is read in parts. */
  #listed: { readonly run: string | null; readonly noted: readonly Noted<File>[] } | null = null;

  /** All intents of a key, the first attempt first; of one attempt there are several while executors race for it. */
  racing(key: string): readonly Noted<File>[] {
    return this.#byKey.get(key) ?? [];
  }

  /** The attempts of a key, the first one first. Where one has it, those that have not withdrawn yet do not count. */
  attemptsOf(key: string): readonly Noted<File>[] {
    return this.racing(key).filter((noted) => this.#counts(noted));
  }

  #counts({ key, attempt, isDecided }: Noted<File>): boolean {
    return isDecided || !this.racing(key).some((other) => other.isDecided && other.attempt === attempt);
  }

  /** Whether another executor than this has written anything since that time, in milliseconds. */
  othersSince(id: string, ms: number): boolean {
    for (const [by, at] of this.#writers) if (by !== id && Date.parse(at) >= ms) return true;
    return false;
  }

  /** When another executor than this has written last, RFC 3339 UTC, not after that time; '': none has. */
  lastOfOthers(id: string, until: string): string {
    let last = '';
    for (const [by, at] of this.#writers) if (by !== id && at > last && at <= until) last = at;
    return last;
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  get(id: string): Noted<File> | undefined {
    return this.#byId.get(id);
  }

  /** The runs, the one whose first intent is the newest first. */
  runs(): ReadonlyArray<string | null> {
    const first = [...this.#byRun].map(([run, noted]) => ({ run, at: inOrder(noted)[0]?.intendedAt ?? '' }));
    return first.sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0)).map(({ run }) => run);
  }

  /** What a run has intended, oldest first. */
  ofRun(run: string | null): readonly Noted<File>[] {
    if (this.#listed?.run === run) return this.#listed.noted;
    const noted = inOrder(this.#byRun.get(run) ?? []).filter((each) => this.#counts(each));
    this.#listed = { run, noted };
    return noted;
  }

  all(): Iterable<Noted<File>> {
    return this.#byId.values();
  }

  /** Takes one line; one that is none, or that changes nothing, is passed over. */
  take(text: string, place: Place<File>): void {
    const line = parseLine(text);
    if (line === null) return;
    if (line.at > place.file.latest) place.file.latest = line.at;
    const before = this.#writers.get(line.by.id) ?? '';
    this.#writers.delete(line.by.id); // the last to have written comes last
    this.#writers.set(line.by.id, before > line.at ? before : line.at);
    const [first] = this.#writers.keys();
    if (this.#writers.size > MOST_WRITERS && first !== undefined) this.#writers.delete(first);
    if ('intended' in line) this.#intend(line, place);
    else this.#say(line, place);
  }

  #intend({ intended, by, at }: Extract<JournalLine, { intended: unknown }>, place: Place<File>): void {
    const { id, idempotency_key: key, attempt, run_id: runId } = intended;
    if (this.#byId.has(id)) return; // written twice, because it was not seen the first time
    const noted: Noted<File> = {
      ...{ id, key, attempt, runId, by: by.id, intendedAt: at, intent: place },
      order: `${place.file.latest} ${String(place.from).padStart(12, '0')}`,
      ...{ isDecided: false, state: 'intended', at, end: null },
    };
    this.#listed = null;
    this.#byId.set(id, noted);
    addTo(this.#byKey, key, noted);
    this.#byKey.get(key)?.sort((a, b) => a.attempt - b.attempt);
    addTo(this.#byRun, runId, noted);
    const early = this.#early.get(id);
    if (!early) return;
    this.#early.delete(id);
    for (const said of early) this.#say(said.line, said.place);
  }

  /** What is said of an intent counts where it comes from the same executor, in a file of the same user. */
  #say(line: Said, place: Place<File>): void {
    const { id } = 'ended' in line ? line.ended : 'decided' in line ? line.decided : line.withdrawn;
    const noted = this.#byId.get(id);
    if (!noted && this.#early.size < MOST_EARLY) this.#early.set(id, [...(this.#early.get(id) ?? []), { line, place }]);
    if (!noted || noted.by !== line.by.id || noted.intent.file.owner !== place.file.owner) return;
    if ('withdrawn' in line) {
      if (noted.state === 'intended') this.#remove(noted);
      return;
    }
    if (!noted.isDecided && this.racing(noted.key).length > 1) this.#listed = null;
    noted.isDecided = true;
    if ('decided' in line) return;
    if (takesEnd(noted.state, line.end)) Object.assign(noted, { state: line.end.state, at: line.at, end: place });
  }

  /** Forgets what was read from a file. */
  drop(file: File): void {
    this.#listed = null;
    const left = [...this.#byId.values()].filter(({ intent }) => intent.file !== file);
    for (const lists of [this.#byKey, this.#byRun, this.#byId]) lists.clear();
    for (const noted of left) {
      if (noted.end?.file === file) Object.assign(noted, { state: 'intended', at: noted.intendedAt, end: null });
      this.#byId.set(noted.id, noted);
      addTo(this.#byKey, noted.key, noted);
      addTo(this.#byRun, noted.runId, noted);
    }
  }

  #remove(noted: Noted<File>): void {
    this.#listed = null;
    this.#byId.delete(noted.id);
    without(this.#byKey, noted.key, noted);
    without(this.#byRun, noted.runId, noted);
  }
}

function addTo<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

function without<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const left = (lists.get(key) ?? []).filter((each) => each !== value);
  if (left.length === 0) lists.delete(key);
  else lists.set(key, left);
}

/**
 * They come nearly in order: each file is, and several are read one after the other. Between files the time decides,
 * and what a file has after a later time counts as not before that.
 */
const inOrder = <File>(noted: readonly Noted<File>[]): Noted<File>[] => [...noted].sort(byOrder);

/** A line as anybody may have written it; null where it is none. */
export function parseLine(text: string): JournalLine | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isJsonObject(value)) return null;
  const { at, by } = value;
  if (typeof at !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(at) || !isJsonObject(by)) return null;
  const { id, name } = by;
  if (typeof id !== 'string' || typeof name !== 'string') return null;
  const writer = { by: { id, name }, at };
  const intended = parseIntent(value['intended']);
  if (intended) return { intended, ...writer };
  const mark = markIn(value['ended'] ?? value['decided'] ?? value['withdrawn']);
  if (!mark) return null;
  if ('decided' in value) return { decided: mark, ...writer };
  if ('withdrawn' in value) return { withdrawn: mark, ...writer };
  const end = parseEnd(value['end']);
  return end && { ended: mark, ...writer, end };
}

function markIn(value: unknown): IntentMark | null {
  if (!isJsonObject(value)) return null;
  const { id, idempotency_key, attempt, run_id } = value;
  return typeof id === 'string' &&
    typeof idempotency_key === 'string' &&
    typeof attempt === 'number' &&
    (typeof run_id === 'string' || run_id === null)
    ? { id, idempotency_key, attempt, run_id }
    : null;
}
