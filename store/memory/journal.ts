import type { Journal, JournalEntry, JournalKeeper } from '../capabilities/journal.ts';
import { answering, byOrder, endedEntry, isOver, pageOf } from '../journal-entries.ts';
import type { ExecutorScope } from '../ports.ts';

/** The journals in a memory: what was intended under each key, one entry for each attempt, the first attempt first. */
export interface KeptJournal {
  readonly keys: Map<string, JournalEntry[]>;
  /** How many were intended before each, by its id: a clock may go back. */
  readonly order: Map<string, number>;
  /** How many were intended, ever. */
  intended: number;
}

export const noJournal = (): KeptJournal => ({ keys: new Map(), order: new Map(), intended: 0 });

/** What the journal needs of the memory. */
export interface MemoryJournalParts {
  readonly organization: () => { readonly journal: KeptJournal };
  /** Rejects as the memory's fault demands. */
  readonly admit: (access: 'read' | 'write') => Promise<void>;
  /** The store's time, RFC 3339 UTC. */
  readonly time: () => string;
}

/** All entries, in the order in which they were intended. */
const entriesIn = ({ keys, order }: KeptJournal): JournalEntry[] =>
  [...keys.values()]
    .flat()
    .map((entry) => ({ ...entry, order: String(order.get(entry.id) ?? 0).padStart(15, '0') }))
    .sort(byOrder);

/** The operator's side of the journals in a memory. */
export const memoryJournals = ({ organization, admit }: MemoryJournalParts): JournalKeeper => ({
  async runs(page) {
    await admit('read');
    const runs = new Set(entriesIn(organization().journal).map(({ run_id }) => run_id));
    return pageOf([...runs].reverse(), page);
  },
  async entriesOf(runId, page) {
    await admit('read');
    return pageOf(
      entriesIn(organization().journal).filter(({ run_id }) => run_id === runId),
      page,
    );
  },
  async attemptsOf(key) {
    await admit('read');
    return organization().journal.keys.get(key) ?? [];
  },
  async forget(before) {
    await admit('write');
    const { keys, order } = organization().journal;
    let forgotten = 0;
    for (const [key, entries] of keys) {
      const last = entries.at(-1);
      if (!last || !isOver(last, before)) continue;
      forgotten += entries.length;
      keys.delete(key);
      for (const { id } of entries) order.delete(id);
    }
    return forgotten;
  },
});

/** The journal of one executor in a memory. */
export function memoryJournal(
  parts: MemoryJournalParts,
  { executorId, executorName }: Pick<ExecutorScope, 'executorId' | 'executorName'>,
): Journal {
  const { organization, admit, time } = parts;
  const { runs, entriesOf, attemptsOf } = memoryJournals(parts);
  return {
    ...{ runs, entriesOf, attemptsOf },
    async intend(intent) {
      await admit('write');
      const kept = organization().journal;
      const { keys, order } = kept;
      const entries = keys.get(intent.idempotency_key) ?? [];
      const entry = answering(entries, intent.attempt);
      if (entries.some(({ id }) => id === intent.id)) return { is: 'new' };
      if (entry && (entry.state === 'landed' || entry.attempt >= intent.attempt)) return { is: 'existing', entry };
      const at = time();
      const intended: JournalEntry = {
        ...intent,
        state: 'intended',
        ...{ executor_id: executorId, executor_name: executorName, intended_at: at, at },
      };
      keys.set(intent.idempotency_key, [...entries, intended]);
      kept.intended += 1;
      order.set(intent.id, kept.intended);
      return { is: 'new' };
    },
    async end({ id, idempotency_key }, end) {
      await admit('write');
      const { keys } = organization().journal;
      const entries = keys.get(idempotency_key) ?? [];
      const found = entries.findIndex((entry) => entry.id === id && entry.executor_id === executorId);
      keys.set(
        idempotency_key,
        entries.map((entry, index) => (index === found ? endedEntry(entry, end, time()) : entry)),
      );
      return found >= 0;
    },
  };
}
