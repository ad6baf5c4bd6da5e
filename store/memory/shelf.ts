import { KEPT_INTERVENTIONS, type Shelf, type ShelfReader } from '../ports.ts';

/** What executors keep in a memory. */
export interface KeptReports {
  readonly interventions: string[];
  readonly surfaces: Map<string, string>;
  readonly checkpoints: Map<string, string>;
}

export const noReports = (): KeptReports => ({ interventions: [], surfaces: new Map(), checkpoints: new Map() });

/** @param admit lets a request in as the present fault allows */
export const memoryShelf = (
  organization: () => { readonly reports: KeptReports },
  admit: (access: 'read' | 'write') => Promise<void>,
): Shelf & ShelfReader => ({
  async appendInterventions(texts) {
    await admit('write');
    const { interventions } = organization().reports;
    interventions.push(...texts);
    interventions.splice(0, Math.max(0, interventions.length - KEPT_INTERVENTIONS));
  },
  async put(name, id, text) {
    await admit('write');
    organization().reports[name].set(id, text);
  },
  async get(name, id) {
    await admit('read');
    return organization().reports[name].get(id) ?? null;
  },
  async interventions(limit) {
    await admit('read');
    return organization().reports.interventions.slice(-limit);
  },
  async all(name) {
    await admit('read');
    return [...organization().reports[name]];
  },
});
