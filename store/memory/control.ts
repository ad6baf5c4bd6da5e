import { deepFreeze, KillSwitchError } from '../../flags/index.ts';
import { checkKeys, readable } from '../../flags/options.ts';
import { memoryAlerts } from './alerts.ts';
import { controlView, NO_REPLICAS, readBack, sameHead } from '../answers.ts';
import { readBeat } from '../beats.ts';
import type { ControlStore } from '../ports.ts';
import { memoryLedgerParts, memoryLedgerReader } from './ledger.ts';
import { checkMemory, type Memory } from './memory.ts';
import { memoryJournals } from './journal.ts';
import { memoryApprovalKeeper } from './approvals.ts';
import { memoryReader } from './reader.ts';
import { memoryShelf } from './shelf.ts';
import { memoryStopReader } from './stops.ts';
import { memoryTally } from './tally.ts';

function givenMemory(options: { readonly memory: Memory }): { readonly memory: Memory } {
  const isStore = typeof options === 'object' && options !== null && 'open' in options;
  const given = isStore ? options : checkKeys('memoryControlStore', options, { memory: true });
  checkMemory('memoryControlStore', given.memory);
  return given;
}

/**
 * The operator's side of a `memoryStore`: `memoryControlStore(memoryStore())` or, over the same memory,
 * `memoryControlStore({ memory })`.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function memoryControlStore(options: { readonly memory: Memory }): ControlStore {
  const { memory } = readable('The options of memoryControlStore', () => givenMemory(options));
  return {
    location: 'memory:',
    side: 'operator',
    ownClock: false,
    loadPackages: null,
    open({ organizationId, requestTimeoutMs }) {
      const { reader, admit } = memoryReader(memory, organizationId, requestTimeoutMs);
      return {
        ...reader,
        shelf: memoryShelf(() => memory.organization(organizationId), admit),
        journals: memoryJournals({
          organization: () => memory.organization(organizationId),
          admit,
          time: () => memory.time,
        }),
        async read(keys) {
          await admit('read');
          const { state } = memory.organization(organizationId);
          const entries = new Map(keys.map((key) => [key, state.entry(key)]));
          return controlView(entries, state.head, memory.time);
        },
        async append(...given) {
          // Other stores keep changes as text. This one keeps and hands out the objects themselves, so they are copied
          // and frozen.
          const changes = deepFreeze(structuredClone(given));
          await admit('write');
          const { events, state, forks } = memory.organization(organizationId);
          if (!sameHead(state.head, changes[0]?.expected ?? null)) return false;
          const batch = readBack(changes);
          for (const { event, patch } of changes) {
            state.apply(patch, event);
            events.push(event);
            memory.push(organizationId, { type: 'event', event });
          }
          if (batch.recovers) forks.clear();
          if (memory.fault === 'lost-reply') {
            throw new KillSwitchError('STORE_UNREACHABLE', 'The memory store is set to lose the answer to an append.');
          }
          return true;
        },
        async executors() {
          await admit('read');
          return [...memory.organization(organizationId).beats].map(([id, text]) => readBeat(id, text));
        },
        forks: {
          async read() {
            await admit('read');
            const { forks } = memory.organization(organizationId);
            return { reports: [...forks.values()], floods: [] };
          },
        },
        approvals: memoryApprovalKeeper({
          organization: () => memory.organization(organizationId),
          admit,
          now: () => Date.parse(memory.time),
        }),
        async forget(executorId) {
          await admit('write');
          const { beats, reports } = memory.organization(organizationId);
          beats.delete(executorId);
          reports.surfaces.delete(executorId);
        },
        ledger: memoryLedgerReader({ ...memoryLedgerParts(memory, organizationId), admit }),
        stops: memoryStopReader(memory, organizationId, admit),
        alerts: memoryAlerts(memory, organizationId, admit),
        tally: memoryTally(() => memory.organization(organizationId).attempts, admit),
        operating: {
          async note() {
            await admit('write');
            memory.organization(organizationId).operating.at = memory.time;
          },
          async last() {
            await admit('read');
            return memory.organization(organizationId).operating.at;
          },
        },
        anchors: null,
        inspect: () => Promise.resolve({ takesNone: null, of: null }),
        replication: () => Promise.resolve(NO_REPLICAS),
        snapshots: null,
        dropper: null,
        owns: () => false,
        problem: async () => null,
        async *log(after) {
          await admit('read');
          yield* memory.organization(organizationId).events.filter(({ seq }) => seq > after);
        },
      };
    },
  };
}
