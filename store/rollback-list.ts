import { createHash } from 'node:crypto';
import { canonicalize } from 'json-canonicalize';
import { readTarget, type Target } from '../flags/index.ts';
import type { JournalEntry, JournalReader } from './capabilities/journal.ts';
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
  const own: JournalEntry[] = [];
  for await (const run of runsOf(journal, target))
    for await (const entries of entriesOf(journal, run))
      for (const entry of entries)
        if (undoing.isOwn(entry) && isOf(target, entry) && (scope.since === null || entry.intended_at >= scope.since))
          own.push(entry);
  if (target.type !== 'run')
    own.sort((a, b) => (a.intended_at < b.intended_at ? -1 : a.intended_at > b.intended_at ? 1 : 0));
  const landed = new Set(own.flatMap(({ state, idempotency_key }) => (state === 'landed' ? [idempotency_key] : [])));
  const items = own
    .filter((entry) => entry.state === 'landed' || !landed.has(entry.idempotency_key))
    .flatMap((entry) => itemOf(entry, said, undoing))
    .reverse()
    .filter(oncePerKey());
  return { hash: hashOf(scope, items), items };
}

/** Of the tries under one key that may have landed, the last stands for all of them. */
function oncePerKey(): (item: RollbackItem) => boolean {
  const seen = new Set<string>();
  return ({ entry: { state, idempotency_key } }) => {
    if (state === 'landed') return true;
    const isFirst = !seen.has(idempotency_key);
    seen.add(idempotency_key);
    return isFirst;
  };
}

/** None for what has not landed. */
function itemOf(entry: JournalEntry, said: Said, undoing: Undoing): RollbackItem[] {
  const undone = undoing.of(entry, said);
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
