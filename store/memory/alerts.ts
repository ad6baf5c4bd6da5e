import type { AlertKeeper } from '../capabilities/alerts.ts';
import type { Memory } from './memory.ts';

/** What alerts need, in a memory. */
export const memoryAlerts = (
  memory: Memory,
  organizationId: string,
  admit: (access: 'read' | 'write') => Promise<void>,
): AlertKeeper => ({
  async read(names) {
    await admit('read');
    const { alerts } = memory.organization(organizationId);
    return new Map(
      names.flatMap((name) => {
        const text = alerts.get(name);
        return text === undefined ? [] : [[name, text]];
      }),
    );
  },
  async swap(name, before, after) {
    await admit('write');
    const { alerts } = memory.organization(organizationId);
    if ((alerts.get(name) ?? null) !== before) return false;
    if (after === null) alerts.delete(name);
    else alerts.set(name, after);
    memory.answer();
    return true;
  },
});
