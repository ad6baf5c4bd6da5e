import { isCanary, type Seen, type Subject } from '../flags/index.ts';
import type { Identity } from './identity.ts';

/**
 * Something that still comes by is reported again after so many milliseconds: runs push older records out of what the
 * store keeps.
 */
const AGAIN_MS = 900_000;

/** How many names are remembered: beyond that all are forgotten, and reported again when they come by. */
const MOST_REMEMBERED = 10_000;

/** How many records are kept until the next report: of actions, and of runs, which all have names of their own. */
const [MOST_ACTIONS, MOST_RUNS] = [500, 5];

/** The members of a report that say who did what. */
export type ReportedSubject = Omit<Seen, 'at' | 'executor' | 'report'>;

/** A subject as reports have it. */
export const reportedSubject = (subject: Subject): ReportedSubject => ({
  action: subject.action ?? null,
  agent_id: subject.agentId ?? null,
  mission_id: subject.missionId ?? null,
  run_id: subject.runId ?? null,
  surface: subject.surface ?? null,
  feature: subject.feature ?? null,
  ...(subject.lineageAgents && subject.lineageAgents.length > 0 && { lineage_agents: [...subject.lineageAgents] }),
  ...(subject.lineageMissions &&
    subject.lineageMissions.length > 0 && { lineage_missions: [...subject.lineageMissions] }),
  ...(subject.lineageRuns && subject.lineageRuns.length > 0 && { lineage_runs: [...subject.lineageRuns] }),
});

/**
 * What has come by in this process: which agent has called which action, which runs there were, and which numbers the
 * application has reported. Operators are told of it for a day, so that a stop of a name that nobody has is noticed.
 * Each is reported every quarter of an hour.
 */
export class SeenHere {
  /** Agent, then action: when it was last reported. Two maps, because a text made of both would cost each call more. */
  readonly #actions = new Map<string | undefined, Map<string | undefined, number>>();
  readonly #runs = new Map<string, number>();
  /** The names of numbers that the application has reported: when each was last told. */
  readonly #reports = new Map<string, number>();
  #remembered = 0;
  #pendingActions: Omit<Seen, 'executor'>[] = [];
  #pendingRuns: Omit<Seen, 'executor'>[] = [];

  /** An action of this agent was called, or can be. @param now wall time in milliseconds */
  noteAction(subject: Subject, now: number): void {
    const { agentId, action, surface, feature } = subject;
    let actions = this.#actions.get(agentId);
    if (!actions) {
      actions = new Map();
      this.#actions.set(agentId, actions);
    }
    const last = actions.get(action);
    if (last !== undefined && now - last < AGAIN_MS) return;
    if (this.#pendingActions.length >= MOST_ACTIONS) return; // it is reported when it next comes by
    actions.set(action, now);
    this.#remember();
    if (isCanary(action)) return; // a drill names whom it was told to: that is no sign that anybody is there
    this.#pendingActions.push({ at: isoOf(now), ...reportedSubject({ agentId, action, surface, feature }) });
  }

  /** A run has been opened. Where there are more of them than are reported, their agents and missions still are. */
  noteRun(identity: Identity, now = Date.now()): void {
    const { runId, ...others } = identity;
    const named = runId !== undefined && this.#pendingRuns.length < MOST_RUNS;
    const subject = named ? identity : others;
    const key = JSON.stringify(reportedSubject(subject));
    const last = this.#runs.get(key);
    if (last !== undefined && now - last < AGAIN_MS) return;
    if (!named && this.#pendingRuns.length >= MOST_RUNS + MOST_ACTIONS) return;
    this.#runs.set(key, now);
    this.#remember();
    this.#pendingRuns.push({ at: isoOf(now), ...reportedSubject(subject) });
  }

  /** The application has reported a number of this name. @param now wall time in milliseconds */
  noteReport({ agentId }: Subject, name: string, now = Date.now()): void {
    const last = this.#reports.get(name);
    if (last !== undefined && now - last < AGAIN_MS) return;
    if (this.#pendingActions.length >= MOST_ACTIONS) return;
    this.#reports.set(name, now);
    this.#remember();
    this.#pendingActions.push({ at: isoOf(now), ...reportedSubject({ agentId }), report: name });
  }

  /** What was not reported yet; it counts as reported from then on. */
  take(): readonly Omit<Seen, 'executor'>[] {
    const taken = [...this.#pendingActions, ...this.#pendingRuns];
    this.#pendingActions = [];
    this.#pendingRuns = [];
    return taken;
  }

  #remember(): void {
    this.#remembered += 1;
    if (this.#remembered <= MOST_REMEMBERED) return;
    this.#remembered = 0;
    this.#actions.clear();
    this.#runs.clear();
    this.#reports.clear();
  }
}

const isoOf = (ms: number): string => new Date(ms).toISOString();
