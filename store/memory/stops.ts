import type { StopReader, Stops } from '../capabilities/stops.ts';
import { givenStop } from '../stop-texts.ts';
import type { Memory } from './memory.ts';

type Admit = (access: 'read' | 'write') => Promise<void>;

/** The stops of executors in a memory. */
export const memoryStops = (memory: Memory, organizationId: string, admit: Admit): Stops => ({
  async add(given) {
    const stop = givenStop(given);
    await admit('write');
    const { stops } = memory.organization(organizationId);
    if (!stops.list.some(({ id }) => id === stop.id)) stops.list = [...stops.list, stop];
    memory.push(organizationId, { type: 'stops' });
    memory.answer();
  },
});

/** Reads them, for operators. */
export const memoryStopReader = (memory: Memory, organizationId: string, admit: Admit): StopReader => ({
  async list() {
    await admit('read');
    return memory.organization(organizationId).stops.list.map((stop) => ({ stop, writer: null }));
  },
  async drop(ids) {
    await admit('write');
    const { stops } = memory.organization(organizationId);
    stops.list = stops.list.filter(({ id }) => !ids.includes(id));
  },
});
