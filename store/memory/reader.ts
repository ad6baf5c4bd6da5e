import { KillSwitchError } from '../../flags/index.ts';
import type { ControlReader } from '../ports.ts';
import type { Memory } from './memory.ts';

/** What the connections of executors and operators have in common. */
export interface MemoryReader {
  readonly reader: ControlReader;
  /** Rejects as the memory's fault demands, and once the connection has been closed. */
  readonly admit: (access: 'read' | 'write') => Promise<void>;
}

export function memoryReader(memory: Memory, organizationId: string, requestTimeoutMs: number): MemoryReader {
  const followers = new Set<() => void>();
  let closed = false;
  const admit: MemoryReader['admit'] = async (access) => {
    if (!closed) await memory.admit(access, requestTimeoutMs);
    if (closed) throw new KillSwitchError('CLOSED', 'This connection to the memory store has been closed.');
  };
  const reader: ControlReader = {
    async load(held, nonce) {
      await admit('read');
      const organization = memory.organization(organizationId);
      const { state } = organization;
      const linked = held === null || memory.indexOf(organization, held) >= 0;
      return { head: state.head, entries: [...state.entries()], linked, nonce, time: memory.time, ageMs: 0 };
    },
    follow(listener) {
      const stop = memory.follow(organizationId, listener);
      followers.add(stop);
      return () => {
        stop();
        followers.delete(stop);
      };
    },
    async close() {
      closed = true;
      for (const stop of followers) stop();
      followers.clear();
    },
  };
  return { reader, admit };
}
