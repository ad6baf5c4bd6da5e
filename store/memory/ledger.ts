import type { Ledger, LedgerReader } from '../capabilities/ledger.ts';
import type { LedgerBook } from '../ledger-book.ts';
import { addUp } from '../ledger-sums.ts';
import type { Memory } from './memory.ts';
import { givenCosts, givenReservation, givenReservationId } from '../ledger-requests.ts';

/** Where a memory has its ledger, and what time it is there. */
export interface MemoryLedgerParts {
  readonly book: () => LedgerBook;
  readonly now: () => number;
  /** Rejects as the memory's fault demands. */
  readonly admit: (access: 'read' | 'write') => Promise<void>;
  /** Rejects where a memory takes what it is given and loses the answer. */
  readonly answer: () => void;
}

/** Those of one organization, without `admit`. */
export const memoryLedgerParts = (memory: Memory, organizationId: string): Omit<MemoryLedgerParts, 'admit'> => ({
  book: () => memory.organization(organizationId).book,
  now: () => memory.now,
  answer: () => memory.answer(),
});

/** What is spent in a memory. */
export const memoryLedger = ({ book, now, admit, answer }: MemoryLedgerParts): Ledger => ({
  async reserve(given) {
    const reservation = givenReservation(given);
    await admit('write');
    const reserved = book().reserve(reservation, now());
    answer();
    return reserved;
  },
  async settle(id, costs) {
    const given = givenCosts(costs);
    givenReservationId(id);
    await admit('write');
    book().settle(id, given, now());
    answer();
  },
  async release(id) {
    givenReservationId(id);
    await admit('write');
    book().release(id, now());
    answer();
  },
});

/** Reads the ledger of a memory, for operators. */
export const memoryLedgerReader = ({ book, now, admit }: Omit<MemoryLedgerParts, 'answer'>): LedgerReader => ({
  async accounts() {
    await admit('read');
    return addUp(book().kept(now()));
  },
});
