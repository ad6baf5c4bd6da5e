import {
  KEPT_CHECKPOINTS,
  KEPT_INTERVENTIONS,
  KEPT_NOTICES,
  KEPT_PROPOSALS,
  KEPT_SEEN,
  KEPT_SHADOW,
  type KeptLists,
  type Shelf,
  type ShelfReader,
} from '../ports.ts';

/** What executors keep in a memory. */
export interface KeptReports {
  readonly interventions: string[];
  /** By executor id. */
  readonly proposals: Map<string, string[]>;
  readonly seen: Map<string, string[]>;
  readonly notices: Map<string, string[]>;
  readonly shadow: Map<string, string[]>;
  readonly surfaces: Map<string, string>;
  readonly checkpoints: Map<string, string>;
}

export const noReports = (): KeptReports => ({
  interventions: [],
  proposals: new Map(),
  seen: new Map(),
  notices: new Map(),
  shadow: new Map(),
  surfaces: new Map(),
  checkpoints: new Map(),
});

/** Adds to the list of one executor, and keeps its newest. */
const addTo = (lists: Map<string, string[]>, id: string, { texts, most }: { texts: readonly string[]; most: number }) =>
  void lists.set(id, [...(lists.get(id) ?? []), ...texts].slice(-most));

const lastOf = (lists: ReadonlyMap<string, readonly string[]>, limit: number): KeptLists => ({
  texts: [...lists.values()].flatMap((list) => list.slice(-limit)).map((text) => ({ text })),
  problems: [],
});

/**
 * @param executorId whose lists are added to; an operator adds none
 * @param admit rejects as the memory's fault demands
 */
export const memoryShelf = (
  organization: () => { readonly reports: KeptReports },
  admit: (access: 'read' | 'write') => Promise<void>,
  executorId = '',
): Shelf & ShelfReader => ({
  async appendInterventions(texts) {
    await admit('write');
    const { interventions } = organization().reports;
    interventions.push(...texts);
    interventions.splice(0, Math.max(0, interventions.length - KEPT_INTERVENTIONS));
  },
  async appendProposals(texts) {
    await admit('write');
    addTo(organization().reports.proposals, executorId, { texts, most: KEPT_PROPOSALS });
  },
  async appendSeen(texts) {
    await admit('write');
    addTo(organization().reports.seen, executorId, { texts, most: KEPT_SEEN });
  },
  async appendNotices(texts) {
    await admit('write');
    addTo(organization().reports.notices, executorId, { texts, most: KEPT_NOTICES });
  },
  async appendShadow(texts) {
    await admit('write');
    addTo(organization().reports.shadow, executorId, { texts, most: KEPT_SHADOW });
  },
  async put(name, id, text) {
    await admit('write');
    const kept = organization().reports[name];
    kept.delete(id); // so that the map is in the order of the last puts
    kept.set(id, text);
    const [oldest] = kept.keys();
    if (name === 'checkpoints' && kept.size > KEPT_CHECKPOINTS && oldest !== undefined) kept.delete(oldest);
  },
  async remove(name, id) {
    await admit('write');
    organization().reports[name].delete(id);
  },
  async proposals(limit) {
    await admit('read');
    return lastOf(organization().reports.proposals, limit);
  },
  async seen(limit) {
    await admit('read');
    return lastOf(organization().reports.seen, limit);
  },
  async notices(limit) {
    await admit('read');
    return lastOf(organization().reports.notices, limit);
  },
  async shadow(limit) {
    await admit('read');
    return lastOf(organization().reports.shadow, limit);
  },
  async get(name, id) {
    await admit('read');
    return organization().reports[name].get(id) ?? null;
  },
  async interventions(limit) {
    await admit('read');
    const texts = organization().reports.interventions.slice(-limit);
    return { texts: texts.map((text) => ({ text })), problems: [] };
  },
  async all(name) {
    await admit('read');
    return [...organization().reports[name]].map(([id, text]) => ({ id, text }));
  },
});
