import { z } from 'zod';
import {
  type Checkpoint,
  checkpointSchema,
  type Intervention,
  interventionSchema,
  type SurfaceRecord,
  surfaceSchema,
} from '../flags/index.ts';
import type { Shelf, ShelfReader } from './ports.ts';

/** What an executor reports beside its beats. */
export interface ExecutorReports {
  record(interventions: readonly Intervention[]): Promise<void>;
  describe(surfaces: readonly SurfaceRecord[]): Promise<void>;
  saveCheckpoint(checkpoint: Checkpoint): Promise<void>;
  /** @throws KillSwitchError CORRUPT when what is kept cannot be read */
  lastCheckpoint(runId: string): Promise<Checkpoint | null>;
}

export const executorReports = (shelf: Shelf, executorId: string): ExecutorReports => ({
  record: (interventions) => shelf.appendInterventions(interventions.map((record) => JSON.stringify(record))),
  describe: (surfaces) => shelf.put('surfaces', executorId, JSON.stringify(surfaces)),
  saveCheckpoint: (checkpoint) => shelf.put('checkpoints', checkpoint.run_id, JSON.stringify(checkpoint)),
  async lastCheckpoint(runId) {
    const text = await shelf.get('checkpoints', runId);
    return text === null ? null : checkpointSchema.parse(JSON.parse(text));
  },
});

const surfacesSchema = z.array(surfaceSchema);

/** A report that cannot be read is left out: reports change nothing, and one broken one must not hide the others. */
const readable = <T>(schema: z.ZodType<T>, text: string): T | null => {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return null;
  }
};

/** The newest interventions, newest first; `unreadable` counts those that could not be read. A batch whose answer was lost is written again: each id counts once. */
export async function readInterventions(
  shelf: ShelfReader,
  limit: number,
): Promise<{ readonly interventions: readonly Intervention[]; readonly unreadable: number }> {
  const texts = await shelf.interventions(limit);
  const read = texts.map((text) => readable(interventionSchema, text));
  const found = read.filter((record) => record !== null);
  const interventions = [...new Map(found.map((record) => [record.id, record])).values()];
  return {
    interventions: interventions.sort((a, b) => (a.at < b.at ? 1 : -1)),
    unreadable: texts.length - found.length,
  };
}

/** What can act, by executor id. */
export async function readSurfaces(shelf: ShelfReader): Promise<ReadonlyMap<string, readonly SurfaceRecord[]>> {
  const found = new Map<string, readonly SurfaceRecord[]>();
  for (const [executorId, text] of await shelf.all('surfaces')) {
    found.set(executorId, readable(surfacesSchema, text) ?? []);
  }
  return found;
}
