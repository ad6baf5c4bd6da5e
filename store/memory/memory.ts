import {
  type Anchor,
  type Clock,
  type FoundReport,
  type Head,
  invalid,
  KillSwitchError,
  type LogEvent,
  quoteId,
  State,
  type Stop,
} from '../../flags/index.ts';
import { checkKeys, checkType } from '../../flags/options.ts';
import { LedgerBook } from '../ledger-book.ts';
import type { Push } from '../ports.ts';
import { systemClock } from '../system-clock.ts';
import { withDeadline } from '../with-deadline.ts';
import { type KeptJournal, noJournal } from './journal.ts';
import { type KeptApprovals, noApprovals } from './approvals.ts';
import { type KeptReports, noReports } from './shelf.ts';

/**
 * What is wrong with a memory, for tests: it refuses connections, never answers, refuses writes, holds something
 * unreadable, or appends and loses the answer.
 */
export type MemoryFault = 'unreachable' | 'hang' | 'read-only' | 'corrupt' | 'lost-reply';

/** What one organization has in a memory. */
export interface Organization {
  readonly events: LogEvent[];
  readonly state: State;
  /** By executor id, as JSON: a text that was written may be no beat. */
  readonly beats: Map<string, string>;
  readonly forks: Map<string, FoundReport>;
  readonly reports: KeptReports;
  readonly journal: KeptJournal;
  readonly approvals: KeptApprovals;
  readonly book: LedgerBook;
  readonly stops: KeptStops;
  /** What alerts need, by name. */
  readonly alerts: Map<string, string>;
  /** When an operating process has last said that it runs. */
  readonly operating: { at: string | null };
  /** How often what was refused was tried. */
  readonly attempts: Map<string, number>;
}

/** The stops of executors, by their ids. The list is another one after each change. */
export interface KeptStops {
  list: readonly Stop[];
}

/** All but the state, which is the fold of its events. */
type Backup = Omit<Organization, 'state'>;

const backupOf = ({
  events,
  beats,
  forks,
  reports,
  journal,
  approvals,
  book,
  stops,
  operating,
  attempts,
  alerts,
}: Backup): Backup => ({
  events: [...events],
  beats: new Map(beats),
  forks: new Map(forks),
  reports: structuredClone(reports),
  journal: structuredClone(journal),
  approvals: structuredClone(approvals),
  book: new LedgerBook(structuredClone(book.text())),
  stops: { ...stops },
  operating: { ...operating },
  attempts: new Map(attempts),
  alerts: new Map(alerts),
});

/** What `Memory.copy` took: a backup. */
export type MemoryCopy = ReadonlyMap<string, Backup>;

/** By which clock the memory goes. */
export interface MemoryOptions {
  /** The store's clock; default: this machine's. */
  readonly clock?: Clock | undefined;
}

/**
 * What `memoryStore` and `memoryControlStore` share: the switches of one process, which tests can wipe, restore and
 * break.
 */
export class Memory {
  readonly #clock: Clock;
  readonly #organizations = new Map<string, Organization>();
  readonly #listeners = new Map<string, Set<(push: Push) => void>>();
  /**
   * The last heads of executors, by organization and name. They belong to the executors, so wiping the store leaves
   * them.
   */
  readonly anchors = new Map<string, Anchor>();
  #fault: MemoryFault | null = null;

  /** @throws KillSwitchError INVALID_ARGUMENT */
  constructor(options: MemoryOptions = {}) {
    const { clock = systemClock } = checkKeys('Memory', options, { clock: true });
    checkType('clock', clock, 'function');
    this.#clock = clock;
  }

  /** The store's time, RFC 3339 UTC. */
  get time(): string {
    return new Date(this.now).toISOString();
  }

  /** The same in milliseconds since 1970. */
  get now(): number {
    return Math.floor(this.#clock().wall);
  }

  /** Rejects where the memory is set to take what it is given and to lose the answer. */
  answer(): void {
    if (this.#fault === 'lost-reply')
      throw new KillSwitchError('STORE_UNREACHABLE', 'The memory store is set to lose the answer.');
  }

  get fault(): MemoryFault | null {
    return this.#fault;
  }

  set fault(fault: MemoryFault | null) {
    const cutOff = this.#fault === 'unreachable' || this.#fault === 'hang';
    this.#fault = fault;
    if (fault === 'unreachable') this.#pushAll({ type: 'trouble', error: this.#error('unreachable') });
    if (fault === null && cutOff) this.#pushAll({ type: 'gap' });
  }

  organization(id: string): Organization {
    let found = this.#organizations.get(id);
    if (!found) {
      found = {
        ...{ events: [], state: new State(), beats: new Map(), forks: new Map() },
        ...{ reports: noReports(), journal: noJournal() },
        ...{ approvals: noApprovals(), book: new LedgerBook(), stops: { list: [] }, operating: { at: null } },
        alerts: new Map(),
        attempts: new Map(),
      };
      this.#organizations.set(id, found);
    }
    return found;
  }

  /** A backup of everything, reports and journals included, but the executors' anchors. */
  copy(): MemoryCopy {
    const copies = new Map<string, Backup>();
    for (const [id, organization] of this.#organizations) copies.set(id, backupOf(organization));
    return copies;
  }

  /** Puts a backup in the place of what there is. */
  restore(copy: MemoryCopy): void {
    this.#organizations.clear();
    for (const [id, backup] of copy) {
      const state = new State();
      for (const event of backup.events) state.take(event);
      this.#organizations.set(id, { ...backupOf(backup), state });
    }
    this.#pushAll({ type: 'gap' });
  }

  /** Loses everything but the executors' anchors. */
  wipe(): void {
    this.restore(new Map());
  }

  /** Rejects as the present fault demands; where the memory hangs, at the request's deadline. */
  async admit(access: 'read' | 'write', requestTimeoutMs: number): Promise<void> {
    const fault = this.#fault;
    if (fault === 'hang') await withDeadline(new Promise<never>(() => {}), requestTimeoutMs, 'memory');
    if (fault === 'unreachable' || fault === 'corrupt') throw this.#error(fault);
    if (fault === 'read-only' && access === 'write') throw this.#error(fault);
  }

  /** Pushes to one organization's followers, in order, after the present call. */
  push(organizationId: string, push: Push): void {
    queueMicrotask(() => {
      if ((this.#fault === 'unreachable' && push.type !== 'trouble') || this.#fault === 'hang') return;
      for (const listener of [...(this.#listeners.get(organizationId) ?? [])]) listener(push);
    });
  }

  follow(organizationId: string, listener: (push: Push) => void): () => void {
    const listeners = this.#listeners.get(organizationId) ?? new Set();
    this.#listeners.set(organizationId, listeners);
    const own = (push: Push): void => listener(push); // one function may follow twice, and each ends apart
    listeners.add(own);
    return () => listeners.delete(own);
  }

  /** How many events of this organization's log there are up to this head; -1 when it is not in the chain. */
  indexOf({ events, state }: Organization, head: Head): number {
    if (head.hash === state.hash) return events.length;
    for (let index = events.length - 1; index >= 0; index -= 1) {
      if (events[index]?.hash === head.hash) return index + 1;
    }
    return -1;
  }

  #pushAll(push: Push): void {
    for (const id of this.#listeners.keys()) this.push(id, push);
  }

  #error(fault: 'unreachable' | 'read-only' | 'corrupt'): KillSwitchError {
    switch (fault) {
      case 'unreachable':
        return new KillSwitchError('STORE_UNREACHABLE', 'The memory store is set to be unreachable.');
      case 'read-only':
        return new KillSwitchError('STORE_READ_ONLY', 'The memory store is set to refuse writes.');
      case 'corrupt':
        return new KillSwitchError('CORRUPT', 'The memory store is set to be unreadable.');
      default:
        return fault satisfies never;
    }
  }
}

/**
 * Refuses what is no memory; one of another copy of this package is.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function checkMemory(what: string, memory: Memory): void {
  if (typeof memory?.organization !== 'function')
    throw invalid(`The memory of ${what} must be that of a memoryStore, not ${quoteId(memory)}.`);
}
