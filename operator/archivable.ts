import { type Head, shownId } from '../flags/index.ts';
import type { ReportedBeat } from '../store/beats.ts';
import type { DropPoint, LogDropper } from '../store/capabilities/archive.ts';
import type { ControlConnection, ControlView } from '../store/ports.ts';
import { alertRows } from './alerts/rows.ts';
import { forgetCommand } from './forget-executor.ts';
import type { GivenArchive } from './given/log.ts';
import { forksNow } from './judge-reports.ts';
import type { UnfitPoint } from './refusal-rows/archive.ts';
import { ChangeRefusedError } from './refusals.ts';

/** How many of the last events are never archived: whoever is a little behind still finds what came since. */
const NEVER_ARCHIVED = 1000;

/** A log, and who has still to read something of it. */
export interface Bounds {
  readonly head: Head;
  /** Up to where it is archived already; 0: not at all. */
  readonly after: number;
  readonly beats: readonly ReportedBeat[];
  /** By the names of alerts that wait, up to which epoch each was sent. */
  readonly told: ReadonlyMap<string, number>;
  readonly given: Pick<GivenArchive, 'epoch' | 'before'>;
}

interface Unfit extends UnfitPoint {
  /** The executors that have not come so far, and the alerts that were not sent so far. */
  readonly behind: readonly ReportedBeat[];
  readonly untold: readonly string[];
}

/** What was found of the points up to which a log may be archived. */
export interface Archivable {
  /** The newest one that fits; null where none does. */
  readonly fits: DropPoint | null;
  /** Those that do not, up to it, and what keeps the log from being archived up to there. */
  readonly unfit: readonly Unfit[];
}

export async function archivable(dropper: Pick<LogDropper, 'points'>, bounds: Bounds): Promise<Archivable> {
  const unfit: Unfit[] = [];
  for await (const point of dropper.points()) {
    const found = whyNot(point, bounds);
    if (found === null) return { fits: point, unfit };
    unfit.push(found);
  }
  return { fits: null, unfit };
}

function whyNot(
  { epoch, at }: Pick<DropPoint, 'epoch' | 'at'>,
  { head, after, beats, told, given: { epoch: most, before } }: Bounds,
): Unfit | null {
  const because = (why: string, { behind = [], untold = [] }: Partial<Unfit> = {}): Unfit => {
    return { epoch, why, behind, untold };
  };
  if (epoch <= after) return because('archived already');
  if (most !== undefined && epoch > most) return because(`later than epoch ${most}`);
  if (head.epoch - epoch < NEVER_ARCHIVED) return because(`among the last ${NEVER_ARCHIVED} events`);
  const behind = beats.filter(({ applied, problem }) => (applied ? applied.epoch < epoch : problem !== undefined));
  if (behind.length > 0) return because(behindWords(behind), { behind });
  const untold = [...told].flatMap(([name, upTo]) => (upTo < epoch ? [name] : []));
  if (untold.length > 0) return because('alerts of it wait', { untold });
  if (before === undefined || Date.parse(at) < before) return null;
  return because(`of ${at}, which is not before ${new Date(before).toISOString()}`);
}

function behindWords(behind: readonly ReportedBeat[]): string {
  const named = behind.slice(0, 5).map(({ name, applied }) => {
    const at = applied ? `at epoch ${applied.epoch}` : 'nobody can tell where';
    return `${shownId(name)} (${at})`;
  });
  const more = behind.length > 5 ? ` and ${behind.length - 5} more` : '';
  return `executors have not come so far: ${named.join(', ')}${more}`;
}

/** The refusal where nothing fits. */
export function nothingToArchive(
  { unfit }: Archivable,
  { pointsAre }: Pick<LogDropper, 'pointsAre'>,
  { epoch, before }: Bounds['given'],
): ChangeRefusedError {
  const untold = new Set(unfit.flatMap((each) => each.untold));
  if (untold.size > 0) return new ChangeRefusedError({ kind: 'alerts_wait', names: [...untold] });
  const behind = unfit.flatMap((each) => each.behind);
  return new ChangeRefusedError({
    kind: 'nothing_to_archive',
    pointsAre,
    chosen: epoch !== undefined || before !== undefined,
    unfit: unfit.map(({ epoch, why }) => ({ epoch, why })),
    forget: [...new Set(behind.map(({ id, writer = null }) => forgetCommand({ id, writer })))],
  });
}

/** Nobody can tell what is lost by a log of which that part was dropped. @throws ChangeRefusedError */
export async function refuseForLosses(connection: ControlConnection): Promise<void> {
  const { forks } = await forksNow(connection);
  if (forks.length > 0)
    throw new ChangeRefusedError({ kind: 'forked', executors: forks.map(({ executor }) => executor) });
}

/** Up to which epoch those are told to whom something waits to be sent: of what is archived nobody is told any more. */
export async function alertsTold(
  view: ControlView,
  connection: ControlConnection,
  organizationId: string,
): Promise<ReadonlyMap<string, number>> {
  const place = { targets: view.get('alerts')?.targets ?? [], epoch: view.head?.epoch ?? 0, time: view.time };
  return (await alertRows(place, connection, organizationId)).told;
}
