import { KEPT_CHECKPOINTS, KEPT_INTERVENTIONS, KEPT_PROPOSALS, type Shelf, type ShelfReader } from '../ports.ts';

/** What executors keep in a memory. */
export interface KeptReports {
  readonly interventions: string[];
  /** By executor id. */
  readonly proposals: Map<string, string[]>;
  readonly surfaces: Map<string, string>;
  readonly checkpoints: Map<string, string>;
}

export const noReports = (): KeptReports => ({
  interventions: [],
  proposals: new Map(),
  surfaces: new Map(),
  checkpoints: new Map(),
});

/**
 * @param executorId whose proposals are added; an operator adds none
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
    const { proposals } = organization().reports;
    proposals.set(executorId, [...(proposals.get(executorId) ?? []), ...texts].slice(-KEPT_PROPOSALS));
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
    const lists = [...organization().reports.proposals.values()].map((list) => list.slice(-limit));
    return { texts: lists.flat().map((text) => ({ text })), problems: [] };
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
