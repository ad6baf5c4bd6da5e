import { createHash } from 'node:crypto';
import { canonicalize } from 'json-canonicalize';
import { readTarget, shownId, type Target } from '../flags/index.ts';
import type { JournalEntry, JournalReader } from './capabilities/journal.ts';
import { byOrder } from './journal-entries.ts';
import { reversalKey, type Said, type Undone, undoneBy } from './reversals.ts';

/** What a rollback undoes: `run:ID`, `mission:ID` or `agent:ID`, from a time on. */
export interface RollbackScope {
  readonly target: string;
  readonly since: string | null;
}

/** One effect of the target, as a rollback finds it. */
export interface RollbackItem {
  readonly entry: JournalEntry;
  /** False: it may have landed, and nobody knows. */
  readonly isKnown: boolean;
  /** What undoes it; null: nothing does. */
  readonly reverse: { readonly action: string; readonly input: string | null } | null;
  /** Why nothing undoes it, for what has landed; else null. */
  readonly why: string | null;
  readonly undone: Undone;
}

/** All that a target has done or may have done, the last first: the order in which it is undone. */
export interface RollbackList {
  /** Of what there is to undo, whatever of it is undone already. */
  readonly hash: string;
  readonly items: readonly RollbackItem[];
}

/** How many entries are read at once. */
const AT_ONCE = 2000;

const NOT_RECORDED = 'how to undo it was not recorded: its executor ended before';

/** All entries of a run, the oldest first. */
export async function* entriesOf(journal: JournalReader, run: string | null): AsyncGenerator<readonly JournalEntry[]> {
  for (let skip = 0; ; skip += AT_ONCE) {
    const { data, count } = await journal.entriesOf(run, { skip, limit: AT_ONCE });
    yield data;
    if (skip + AT_ONCE >= count) return;
  }
}

async function* runsOf(journal: JournalReader, { type, id }: Target): AsyncGenerator<string | null> {
  if (type === 'run') return yield id;
  for (let skip = 0; ; skip += AT_ONCE) {
    const { data, count } = await journal.runs({ skip, limit: AT_ONCE });
    yield* data;
    if (skip + AT_ONCE >= count) return;
  }
}

const isOf = ({ type, id }: Target, entry: JournalEntry): boolean =>
  type === 'run' ? entry.run_id === id : (type === 'agent' ? entry.agent_id : entry.mission_id) === id;

/** Tells what was intended by the target's own doing from what rollbacks have intended to undo it. */
export class Undoing {
  readonly #attempts = new Map<string, JournalEntry[]>();

  /** Takes an entry that a rollback has intended, and answers false; true: it is nobody's rollback. */
  isOwn(entry: JournalEntry): boolean {
    if (!entry.rollback) return true;
    const { undoes } = entry.rollback;
    // Under any other key it may have been written by anybody, beside the one that counts.
    if (undoes === null || entry.idempotency_key !== reversalKey(undoes)) return false;
    const attempts = this.#attempts.get(undoes) ?? [];
    attempts.push(entry);
    attempts.sort((a, b) => a.attempt - b.attempt);
    this.#attempts.set(undoes, attempts);
    return false;
  }

  of(entry: JournalEntry, said: Said): Undone {
    return undoneBy(this.#attempts.get(entry.id) ?? [], said);
  }
}

/**
 * Reads what a target has done.
 * @throws as the journal does
 */
export async function rollbackList(journal: JournalReader, scope: RollbackScope, said: Said): Promise<RollbackList> {
  const target = readTarget(scope.target);
  const undoing = new Undoing();
  const runs: Ordered[][] = [];
  for await (const run of runsOf(journal, target)) {
    const own: Ordered[] = [];
    let order = '';
    for await (const entries of entriesOf(journal, run))
      for (const entry of entries) {
        const at = entry.order ?? entry.intended_at;
        if (at > order) order = at;
        if (undoing.isOwn(entry) && isOf(target, entry) && (scope.since === null || entry.intended_at >= scope.since))
          own.push({ entry, order });
      }
    runs.push(own);
  }
  const own = inOrder(runs);
  const landed = firstLanded(own);
  const items: RollbackItem[] = [];
  for (const entry of own.reverse()) {
    const first = landed.get(entry.idempotency_key);
    if (first === undefined) items.push(...itemOf(entry, said, undoing));
    else if (entry === first) items.push(...itemOf(entry, said, undoing, await landedBefore(journal, entry)));
  }
  const once = items.filter(oncePerKey());
  return { hash: hashOf(scope, once), items: once };
}

interface Ordered {
  readonly entry: JournalEntry;
  readonly order: string;
}

/**
 * The entries of some runs, the newest run first, in the order in which they were intended. Each run is in that order
 * already, also where the clock has gone back in it; between runs the order of the store decides.
 */
const inOrder = (runs: readonly (readonly Ordered[])[]): JournalEntry[] =>
  [...runs]
    .reverse()
    .flat()
    .sort(byOrder)
    .map(({ entry }) => entry);

/**
 * Of each key that has landed the first attempt that has. It stands for all of them, as it does for whoever comes with
 * the key again: what is delivered twice at once, and is idempotent, lands twice and is one effect.
 */
export function firstLanded(entries: readonly JournalEntry[]): ReadonlyMap<string, JournalEntry> {
  const landed = new Map<string, JournalEntry>();
  for (const entry of entries) {
    const { state, idempotency_key: key, attempt } = entry;
    if (state === 'landed' && attempt < (landed.get(key)?.attempt ?? Number.POSITIVE_INFINITY)) landed.set(key, entry);
  }
  return landed;
}

/** The attempt that has landed before this one under its key, elsewhere; undefined: this one is the first. */
async function landedBefore(
  journal: JournalReader,
  { id, attempt, idempotency_key }: JournalEntry,
): Promise<JournalEntry | undefined> {
  if (attempt === 1) return undefined;
  const first = (await journal.attemptsOf(idempotency_key)).find(({ state }) => state === 'landed');
  return first && first.id !== id && first.attempt < attempt ? first : undefined;
}

/** Why an attempt is not undone for itself: another one of its key has landed first, and stands for all of them. */
export const sameEffect = ({ attempt, run_id }: Pick<JournalEntry, 'attempt' | 'run_id'>): string =>
  `it is one effect with try ${attempt} of its key, which landed first${run_id === null ? '' : `, in the run ${shownId(run_id)}`}: that is what can be undone`;

/** Of the tries under one key that may have landed, the last stands for all of them. */
function oncePerKey(): (item: RollbackItem) => boolean {
  const seen = new Set<string>();
  return ({ entry: { idempotency_key } }) => {
    const isFirst = !seen.has(idempotency_key);
    seen.add(idempotency_key);
    return isFirst;
  };
}

/** None for what has not landed. `before`: what has landed before it under its key, and is undone in its place. */
function itemOf(entry: JournalEntry, said: Said, undoing: Undoing, before?: JournalEntry): RollbackItem[] {
  const undone = undoing.of(entry, said);
  if (before) return [{ entry, isKnown: true, reverse: null, why: sameEffect(before), undone }];
  if (entry.state === 'landed') {
    const { reverse } = entry.landing;
    const undoes = reverse.is === 'reversible' ? { action: reverse.action, input: reverse.input } : null;
    return [{ entry, isKnown: true, reverse: undoes, why: reverse.is === 'reversible' ? null : reverse.why, undone }];
  }
  if (entry.state === 'not_started') return [];
  const word = said(entry.id);
  if (word?.landed === false) return [];
  return [{ entry, isKnown: word !== undefined, reverse: null, why: word ? NOT_RECORDED : null, undone }];
}

const hashOf = ({ target, since }: RollbackScope, items: readonly RollbackItem[]): string => {
  const listed = items.map(({ entry, isKnown, reverse }) => [
    ...[entry.id, entry.idempotency_key, entry.action, isKnown],
    reverse && [reverse.action, reverse.input],
  ]);
  return createHash('sha256').update(canonicalize({ target, since, listed })).digest('hex');
};
