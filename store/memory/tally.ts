import { HIGHEST_TALLY, MOST_TALLIED, type Tally } from '../capabilities/tally.ts';

/** Counts in a map of this process. */
export const memoryTally = (
  counts: () => Map<string, number>,
  admit: (access: 'read' | 'write') => Promise<void>,
): Tally => ({
  async add(name, count) {
    await admit('write');
    const all = counts();
    if (!all.has(name) && all.size >= MOST_TALLIED) return;
    all.set(name, Math.min(HIGHEST_TALLY, (all.get(name) ?? 0) + count));
  },
  async take(name) {
    await admit('write');
    const count = counts().get(name) ?? 0;
    counts().delete(name);
    return count;
  },
});
