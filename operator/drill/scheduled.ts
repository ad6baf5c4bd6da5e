import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { notify } from '../../flags/callbacks.ts';
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
  readonly #closing = new AbortController();
  readonly #loop: Promise<void>;
  #trouble = '';

  constructor(options: ScheduledDrillsOptions) {
    this.#options = options;
    this.#loop = this.#run();
  }

  /** Ends a drill that runs, which leaves stopped what it has stopped. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#look();
        this.#notify('');
      } catch (error) {
        this.#notify(messageOf(error));
      }
      await sleep(LOOK_MS, undefined, { signal }).catch(() => {}); // aborted: the loop ends
    }
  }

  #notify(problem: string): void {
    if (problem === this.#trouble) return;
    this.#trouble = problem;
    notify(this.#options.onTrouble, problem);
  }

  async #look(): Promise<void> {
    const { connection } = this.#options.opened;
    const view = await connection.read([entryKey('control'), entryKey('drills')]);
    const drills = view.get('drills') ?? NO_DRILLS;
    if (!view.head || runningDrill(drills, view.time)) return;
    for (const schedule of drills.schedules) {
      const due = dueAt(schedule, view.time);
      if (due !== null && !this.#closing.signal.aborted) await this.#drill(schedule, due);
    }
  }

  async #drill(
    { name, kind, target: given, window_ms: windowMs, recipient }: DrillSchedule,
    due: string,
  ): Promise<void> {
    const { opened, organizationId } = this.#options;
    const { connection, hearing } = opened;
    const { signal } = this.#closing;
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
