import { type Beat, type Head, invalid, isEvidence, quoteId } from '../../flags/index.ts';
import { checkKeys, checkType, type Keys } from '../../flags/options.ts';
import { CATCH_UP_EVENTS } from '../answers.ts';
import type { AnchorKeeper } from '../capabilities/anchors.ts';
import type { Confirmation } from '../confirmation.ts';
import { fileAnchor } from '../file-anchor.ts';
import type { ExecutorStore } from '../ports.ts';
import { claimIn, memoryApprovals } from './approvals.ts';
import { memoryLedger, memoryLedgerParts } from './ledger.ts';
import { checkMemory, Memory } from './memory.ts';
import { memoryJournal } from './journal.ts';
import { memoryReader } from './reader.ts';
import { memoryShelf } from './shelf.ts';
import { memoryStops } from './stops.ts';

export { Memory, type MemoryCopy, type MemoryFault, type MemoryOptions } from './memory.ts';

/** Which memory is shared. */
export interface MemoryStoreOptions {
  /** Default: a new, empty one. */
  readonly memory?: Memory | undefined;
  /**
   * The file in which an executor keeps the last head it saw. Default: beside the memory, one for each executor name.
   */
  readonly anchor?: string | undefined;
}

const OPTION_KEYS: Keys<MemoryStoreOptions> = { memory: true, anchor: true };

/**
 * A switch that lives in this process: for tests and for trying things out. Pass its `memory` to `memoryControlStore`
 * to operate it. The memory keeps anchors apart from the switch, so a new executor of the same name recognises a
 * restored copy.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function memoryStore(options: MemoryStoreOptions = {}): ExecutorStore & { readonly memory: Memory } {
  const { memory = new Memory(), anchor } = checkKeys('memoryStore', options, OPTION_KEYS);
  checkMemory('memoryStore', memory);
  checkType('anchor', anchor, 'string');
  return {
    location: 'memory:',
    side: 'executor',
    nearby: null,
    loadPackages: null,
    memory,
    open({ organizationId, executorId, executorName, requestTimeoutMs }) {
      const { reader, admit } = memoryReader(memory, organizationId, requestTimeoutMs);
      const organization = () => memory.organization(organizationId);
      const by = { name: executorName, id: executorId };
      const parts = { organization, admit, now: () => Date.parse(memory.time) };
      const confirm = (beat: Beat, nonce: string): Confirmation => {
        if (beat.id !== executorId) {
          throw invalid(`An executor reports under its own id ${quoteId(executorId)}, not ${quoteId(beat.id)}.`);
        }
        const here = organization();
        here.beats.set(executorId, JSON.stringify(beat));
        const { head: now } = here.state;
        const { name, fork } = beat;
        if (fork) here.forks.set(executorId, { ...structuredClone(fork), id: executorId, name, by: [name] });
        else if (here.forks.get(executorId)?.against !== now?.generation) here.forks.delete(executorId);
        const { events, state, forks, stops } = here;
        const { head } = state;
        const known = state.control ?? { generations: [] };
        const isInChain = (held: Head): boolean => memory.indexOf(here, held) >= 0;
        const forkReported =
          head !== null && [...forks.values()].some((report) => isEvidence(report, head, known, isInChain));
        const answer = { head, forkReported, stops: stops.list, nonce, time: memory.time, ageMs: 0 };
        if (beat.applied === null) return { ...answer, events: 'reload' };
        const from = memory.indexOf(here, beat.applied);
        if (from < 0) return { ...answer, events: null };
        return { ...answer, events: events.length - from > CATCH_UP_EVENTS ? 'reload' : events.slice(from) };
      };
      return {
        ...reader,
        shelf: memoryShelf(organization, admit, executorId),
        async confirm(beat, nonce) {
          await admit('write');
          return confirm(beat, nonce);
        },
        approvals: {
          ...memoryApprovals(parts, by),
          async claim(asked, { beat, nonce }) {
            await admit('write');
            const confirmation = confirm(beat, nonce);
            return { ...confirmation, claim: claimIn(organization().approvals, asked, { by, now: parts.now() }) };
          },
        },
        journal: memoryJournal(
          { organization: () => memory.organization(organizationId), admit, time: () => memory.time },
          { executorId, executorName },
        ),
        ledger: memoryLedger({ ...memoryLedgerParts(memory, organizationId), admit }),
        stops: memoryStops(memory, organizationId, admit),
        confirmsOneByOne: false,
        async leave() {
          await admit('write');
          const { beats, reports } = memory.organization(organizationId);
          beats.delete(executorId);
          reports.surfaces.delete(executorId); // what it reported of a fork stays: only `recover` ends that
        },
        anchor:
          anchor === undefined ? anchorIn(memory, JSON.stringify([organizationId, executorName])) : fileAnchor(anchor),
      };
    },
  };
}

const anchorIn = ({ anchors }: Memory, key: string): AnchorKeeper => ({
  read: () => anchors.get(key) ?? null,
  write: (anchor) => {
    anchors.set(key, structuredClone(anchor));
  },
});
