import { randomUUID } from 'node:crypto';
import {
  type DrillSchedule,
  entryKey,
  messageOf,
  NO_DRILLS,
  runningDrill,
  shownId,
  stateFrom,
} from '../../flags/index.ts';
import { loadWhole } from '../../store/answers.ts';
import { Looking } from '../looking.ts';
import { SYSTEM } from '../operators.ts';
import { isChangeRefusedError, type Refusal } from '../refusals.ts';
import { runDrill } from './drill.ts';
import { drillingOf, type OpenedForDrills } from './drilling.ts';
import { drillTarget } from './kinds.ts';
import { preflight } from './preflight.ts';
import { readDrillTimes } from './times.ts';

/** How often is looked, and how long after its time a drill is still run, in milliseconds. */
const [LOOK_MS, LATE_MS] = [1000, 3_600_000];

/** What says that somebody else was first, or that it is to be tried again. */
const OVERTAKEN: ReadonlySet<Refusal['kind']> = new Set(['drill_taken', 'drill_running', 'no_schedule']);

export interface ScheduledDrillsOptions {
  readonly opened: Omit<OpenedForDrills, 'closed'>;
  readonly organizationId: string;
  /** Called with why a drill could not be begun, and with an empty text when that is over. */
  readonly onTrouble: (problem: string) => void;
}

/** The time for which a schedule is to be run now; null: for none. One that was missed is run within an hour. */
export function dueAt({ words, at, taken }: Pick<DrillSchedule, 'words' | 'at' | 'taken'>, now: string): string | null {
  const due = readDrillTimes(words).lastBefore(Date.parse(now));
  const isNew = due > Date.parse(at) && (taken === null || due > Date.parse(taken));
  return isNew && Date.parse(now) - due <= LATE_MS ? new Date(due).toISOString() : null;
}

/**
 * The drills that an operating process runs by their schedules, one after the other, by the store's clock. Any number
 * of such processes may look: the first to begin one has it.
 */
export class ScheduledDrills {
  readonly #options: ScheduledDrillsOptions;
  readonly #looking: Looking;

  constructor(options: ScheduledDrillsOptions) {
    this.#options = options;
    this.#looking = new Looking({
      look: async (signal) => {
        await this.#look(signal);
        return '';
      },
      pauseMs: () => LOOK_MS,
      onTrouble: options.onTrouble,
    });
  }

  /** Ends a drill that runs, which leaves stopped what it has stopped. */
  close(): Promise<void> {
    return this.#looking.close();
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { connection } = this.#options.opened;
    const view = await connection.read([entryKey('control'), entryKey('drills')]);
    const drills = view.get('drills') ?? NO_DRILLS;
    if (!view.head || runningDrill(drills, view.time)) return;
    for (const schedule of drills.schedules) {
      const due = dueAt(schedule, view.time);
      if (due !== null && !signal.aborted) await this.#drill(schedule, due, signal);
    }
  }

  async #drill(
    { name, kind, target: given, window_ms: windowMs, recipient }: DrillSchedule,
    due: string,
    signal: AbortSignal,
  ): Promise<void> {
    const { opened, organizationId } = this.#options;
    const { connection, hearing } = opened;
    const id = randomUUID();
    const target = drillTarget(kind, given, id);
    const { head, entries, time } = await loadWhole(connection);
    if (!head) return;
    const hear = () => hearing.hear();
    const before = await preflight({ state: stateFrom(entries, head), time, hear, connection }, { id, kind, target });
    const asked = { id, kind, target, windowMs, recipient, schedule: { name, due }, signal, onProgress: () => {} };
    try {
      await runDrill(drillingOf({ ...opened, closed: signal }, SYSTEM, organizationId), asked, before);
    } catch (error) {
      if (isChangeRefusedError(error) && OVERTAKEN.has(error.refusal.kind)) return;
      throw new Error(`The drill ${shownId(name)} of ${due} could not be run: ${messageOf(error)}`, { cause: error });
    }
  }
}
