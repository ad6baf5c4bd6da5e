import { CANARY, type Performer, shownId } from '../flags/index.ts';
import type { ReportedBeat } from '../store/beats.ts';
import type { ControlConnection } from '../store/ports.ts';
import { readSurfaces } from '../store/reports.ts';
import type { RollbackItem } from '../store/rollback-list.ts';
import { acknowledge, EVERYTHING, executorKey } from './acknowledge.ts';
import type { Heard } from './hearing.ts';

/** Whether an executor can act now, may act yet, or certainly does no more. */
export type Life = 'alive' | 'silent' | 'gone';

/** What is heard of one executor. */
export function lifeOf({ beats, head, time }: Heard, id: string): Life {
  const beat = beats.find((each) => each.id === id);
  if (!beat || !head) return 'gone';
  const [executor] = acknowledge([beat], { head, reach: EVERYTHING, store: head, time }, 0).executors;
  return executor?.over === true ? 'gone' : executor?.state === 'silent' ? 'silent' : 'alive';
}

/** Whether an executor can undo something: it has both the action and the one that undoes it. */
const canUndo = (actions: ReadonlySet<string>, { entry, reverse }: RollbackItem): boolean =>
  reverse !== null && actions.has(reverse.action) && actions.has(entry.action);

/** The executor that performs a rollback, and what of it that has registered. */
export interface Chosen {
  readonly performer: Performer;
  readonly can: (item: RollbackItem) => boolean;
}

/**
 * Chooses the executor that can undo most of a list; of equal ones the one that has done most of it, then the one that
 * was started last. A text says why there is none.
 */
export async function choosePerformer(
  connection: Pick<ControlConnection, 'shelf'>,
  heard: Heard,
  { items, except }: { readonly items: readonly RollbackItem[]; readonly except: string | null },
): Promise<Chosen | string> {
  const known = new Map(
    (await readSurfaces(connection.shelf)).map(({ id, writer, records }) => [
      executorKey({ id, writer }),
      new Set((records ?? []).map(({ action }) => action)),
    ]),
  );
  const candidates = heard.beats
    .filter((beat) => beat.id !== except && !beat.export && lifeOf(heard, beat.id) === 'alive')
    .map((beat) => {
      // What drills do themselves is registered nowhere: every executor that knows of drills has it.
      const own = beat.starts === undefined ? [] : Object.values(CANARY);
      const actions = new Set([...(known.get(executorKey(beat)) ?? []), ...own]);
      const can = (item: RollbackItem): boolean => canUndo(actions, item);
      const done = items.filter(({ entry }) => entry.executor_id === beat.id).length;
      return { beat, can, able: items.filter(can).length, done };
    })
    .filter(({ able }) => able > 0)
    .sort((a, b) => b.able - a.able || b.done - a.done || startedAt(b.beat) - startedAt(a.beat));
  const [best] = candidates;
  if (best) {
    const { id, name, lease_ms } = best.beat;
    return { performer: { id, name, lease_ms }, can: best.can };
  }
  const wanted = [...new Set(items.flatMap(({ entry, reverse }) => (reverse ? [reverse.action, entry.action] : [])))];
  const other = except === null ? '' : 'other ';
  return `no ${other}executor that runs now has registered ${wanted.map(shownId).join(', ')}: start one, then ask again`;
}

const startedAt = ({ started_at }: ReportedBeat): number => Date.parse(started_at) || 0;
