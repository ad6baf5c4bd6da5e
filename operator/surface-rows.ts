import type { SurfaceRecord } from '../flags/index.ts';
import type { ControlConnection } from '../store/ports.ts';
import { readSurfaces } from '../store/reports.ts';
import { executorKey } from './acknowledge.ts';
import type { SurfaceRow } from './answers.ts';

/** Every action of every executor, with what it lacks to be stopped cleanly. */
export async function surfaceRows(
  connection: Pick<ControlConnection, 'executors' | 'shelf'>,
): Promise<readonly SurfaceRow[]> {
  const beats = new Map((await connection.executors()).map((beat) => [executorKey(beat), beat]));
  const surfaces = await readSurfaces(connection.shelf);
  return surfaces.flatMap(({ id, writer, records }) => {
    const beat = beats.get(executorKey({ id, writer }));
    const executor = {
      executor_id: id,
      executor: beat?.name ?? id,
      host: beat?.host ?? '',
      pid: beat?.pid ?? null,
    };
    if (records === null) return [{ ...UNREADABLE, ...executor }];
    return records.map((record) => ({ ...record, ...executor, gaps: gapsOf(record) }));
  });
}

/** True for the row of an executor whose actions are not known: it may have any. */
export const isUnreadable = ({ action }: SurfaceRow): boolean => action === UNREADABLE.action;

/** The row of an executor whose report cannot be read: without a row it would seem to have no actions. */
const UNREADABLE: SurfaceRecord & Pick<SurfaceRow, 'gaps'> = Object.freeze({
  action: '(unreadable report)',
  effect: 'write',
  surface: '',
  feature: null,
  irreversible: false,
  draft: false,
  redirect: false,
  reverse: false,
  limits: [],
  last_used: null,
  gaps: ['its actions are not known: its report cannot be read'],
});

/** What operators should know about an action before they need it. */
function gapsOf({ effect, draft, redirect, reverse, irreversible }: SurfaceRecord): string[] {
  if (effect !== 'write') return [];
  const gaps: string[] = [];
  if (!redirect && !draft)
    gaps.push('neither redirect nor draft: test_mode blocks it, draft_only records a bare proposal');
  if (!reverse && !irreversible)
    gaps.push('it cannot be undone (no reverse) and is not confirmed before it starts (irreversible: true)');
  return gaps;
}
