import {
  type DrillKind,
  type DrillReport,
  drillReason,
  drillRun,
  type DrillStep,
  MOST_FINDINGS,
  type Performer,
} from '../../flags/index.ts';
import type { ControlConnection } from '../../store/ports.ts';
import type { RollbackAnswer } from '../answers.ts';
import type { Recorded } from '../change-queue.ts';
import type { Command } from '../commands/index.ts';
import type { Hearing } from '../hearing.ts';
import type { Pace } from '../stop-heard.ts';
import type { Preflight } from './preflight.ts';

/** What a drill needs of the control plane. */
export interface Drilling {
  readonly connection: ControlConnection;
  readonly hearing: Hearing;
  readonly pace: Pace;
  /** Fires when the control plane is closed. */
  readonly closed: AbortSignal;
  readonly append: (command: Command) => Promise<Recorded>;
  /** Has undone what was done in the drill's own run. */
  readonly rollBack: (drill: Pick<Begun, 'id'>, signal: AbortSignal) => Promise<RollbackAnswer>;
}

/** A drill as it is asked for. */
export interface Begun {
  readonly id: string;
  readonly kind: DrillKind;
  readonly target: string;
  readonly windowMs: number;
  readonly recipient: string | null;
  /** The schedule that asks for it, and the time for which; null: a person does. */
  readonly schedule: { readonly name: string; readonly due: string } | null;
  /** Ends it: what it has stopped by then stays stopped. */
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
}

/** Why a drill goes no further. Its message is a finding. */
export class DrillStopped extends Error {}

/** What has come of a drill so far; each phase adds to it. */
export class DrillSoFar {
  readonly parts: Drilling;
  readonly asked: Begun;
  readonly performer: Performer | null;
  readonly since: number;
  readonly findings: string[] = [];
  readonly notes: string[] = [];
  /** Looks again what has started since it stopped the target, and what of that has failed; null before that. */
  lookAgain: (() => Promise<readonly string[]>) | null = null;
  /** What it has stopped and not given back. */
  readonly stands = new Set<string>();
  report: Omit<DrillReport, 'findings' | 'notes' | 'stands'> = {
    ...{ executors: [], more_executors: 0, canary: null, phases: [], pressed_ms: null, restored_ms: null, error_ms: 0 },
    baseline: { starts: 0, in_flight: 0, interventions: 0, canary: 0 },
  };

  constructor(parts: Drilling, asked: Begun, { performer, notes }: Preflight) {
    this.parts = parts;
    this.asked = asked;
    this.performer = performer;
    this.notes.push(...notes);
    this.since = parts.pace.clock().mono;
  }

  /** The run in which it works itself. */
  get run(): string {
    return drillRun(this.asked.id);
  }

  /** Milliseconds since it began. */
  get elapsed(): number {
    return Math.round(this.parts.pace.clock().mono - this.since);
  }

  /** @throws DrillStopped where it was interrupted */
  mustGoOn(): void {
    if (this.asked.signal.aborted || this.parts.closed.aborted) throw new DrillStopped('It was interrupted.');
  }

  /** Waits a little. @throws DrillStopped where it was interrupted */
  async pause(ms: number): Promise<void> {
    await this.parts.pace.sleep(ms);
    this.mustGoOn();
  }

  async step(step: DrillStep): Promise<void> {
    await this.parts.append({ type: 'drill_step', id: this.asked.id, step });
  }

  /** What it stops bears its id, in its reason too. */
  get mark() {
    const { id } = this.asked;
    return { id, reason: drillReason(id) };
  }

  whole(): DrillReport {
    return {
      ...this.report,
      stands: [...this.stands],
      findings: bounded(this.findings),
      notes: bounded(this.notes),
    };
  }
}

/** As many as the log keeps, none of them too long. */
function bounded(lines: readonly string[]): string[] {
  const cut = lines.map((line) => line.slice(0, 990).toWellFormed());
  if (cut.length <= MOST_FINDINGS) return cut;
  return [...cut.slice(0, MOST_FINDINGS - 1), `And ${cut.length - MOST_FINDINGS + 1} more.`];
}
