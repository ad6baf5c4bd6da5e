import { setTimeout as sleep } from 'node:timers/promises';
import {
  CANARY,
  drillWorker,
  MOST_CUT_LEASE_MS,
  type DrillKind,
  type Performer,
  readTarget,
  resolveMode,
  type State,
  type Target,
} from '../../flags/index.ts';
import type { ReportedBeat } from '../../store/beats.ts';
import type { ControlConnection } from '../../store/ports.ts';
import { acknowledge, EVERYTHING } from '../acknowledge.ts';
import type { Heard } from '../hearing.ts';
import { lifeOf } from '../rollback-performer.ts';
import { KINDS } from './kinds.ts';

/** What is looked at before anything is stopped. */
export interface Looked {
  readonly state: State;
  /** The store's time. */
  readonly time: string;
  /** Hears the executors once. */
  readonly hear: () => Promise<Heard>;
  readonly connection: Pick<ControlConnection, 'journals' | 'problem'>;
}

/** What is to be drilled. */
export interface Asked {
  readonly id: string;
  readonly kind: DrillKind;
  readonly target: string;
}

/** What keeps a drill from being begun well; and the executor that does its own work, where there is one. */
export interface Preflight {
  readonly findings: readonly string[];
  readonly notes: readonly string[];
  readonly performer: Performer | null;
}

const worksFor = ({ agents, missions = [] }: ReportedBeat, { type, id }: Target): boolean =>
  (type === 'agent' && agents.includes(id)) || (type === 'mission' && missions.includes(id));

/** How long executors may take to apply the last change before anything is stopped, and how often they are heard. */
const [SETTLE_MS, HEAR_MS] = [3000, 100];

const standingOf = (heard: Heard, { head }: State) =>
  head
    ? acknowledge(heard.beats, { head, reach: EVERYTHING, store: heard.head ?? head, time: heard.time }, 0).executors
    : [];

/** What executors say once each has applied the last change, or has had time to. */
async function settled({ state, hear }: Looked): Promise<Heard> {
  for (let left = SETTLE_MS; ; left -= HEAR_MS) {
    const heard = await hear();
    if (left <= 0 || standingOf(heard, state).every(({ state: is }) => is !== 'behind')) return heard;
    await sleep(HEAR_MS);
  }
}

/**
 * The executor that does a drill's own work: one that knows of drills, and rather one that works for the target. Of
 * equal ones that which was started last.
 */
function performerOf(heard: Heard, { kind, target: text }: Asked): Performer | null {
  const target = readTarget(text);
  const isNamed = kind === 'partition' && target.type !== 'all';
  const [best] = heard.beats
    .filter((beat) => beat.starts !== undefined && !beat.export && lifeOf(heard, beat.id) === 'alive')
    .filter((beat) => !isNamed || worksFor(beat, target))
    .toSorted(
      (a, b) =>
        Number(worksFor(b, target)) - Number(worksFor(a, target)) ||
        Date.parse(b.started_at) - Date.parse(a.started_at),
    );
  return best ? { id: best.id, name: best.name, lease_ms: best.lease_ms } : null;
}

/**
 * Looks whether a drill can be begun: the store, the executors, the target, and what the drill's own work would meet.
 * What `doctor` calls unsafe is noted beside it.
 */
export async function preflight(looked: Looked, asked: Asked): Promise<Preflight> {
  const { state, connection } = looked;
  const heard = await settled(looked);
  const findings: string[] = [];
  const notes: string[] = [];
  const problem = await connection.problem();
  if (problem !== null) notes.push(problem);
  const executors = standingOf(heard, state);
  if (executors.length === 0) findings.push('No executor reports here, so there is nothing to drill.');
  for (const { id, name, state: is } of executors) {
    if (is === 'silent') findings.push(`${name} (${id}) is silent: it would not be known whether it stops.`);
    else if (is === 'behind') findings.push(`${name} (${id}) has not applied the last change yet.`);
  }
  if (!state.get('kill', asked.target) && heldAbove(state, asked.target))
    findings.push(`${asked.target} is stopped as a whole by something else, so nothing of it runs.`);
  const unknown = unknownTarget(heard, asked.target);
  if (unknown !== null) notes.push(unknown);
  const performer = connection.journals ? performerOf(heard, asked) : null;
  if (asked.kind === 'partition' && performer && performer.lease_ms > MOST_CUT_LEASE_MS)
    findings.push(
      `${performer.name} (${performer.id}) has a lease of ${performer.lease_ms} ms, and no executor is cut off for that long: at most ${MOST_CUT_LEASE_MS} ms.`,
    );
  const needsOwn = KINDS[asked.kind].work === 'own';
  const without = ownWorkStopped(looked, asked) ?? (performer ? null : 'no executor that knows of drills runs here');
  if (without !== null) {
    if (needsOwn) findings.push(`The drill cannot do its own work: ${without}.`);
    else notes.push(`The drill did no work of its own, so nothing was rolled back: ${without}.`);
  }
  return { findings, notes, performer: without === null ? performer : null };
}

/** The note where no executor says that it works for an agent or a mission; null for anything else. */
function unknownTarget({ beats }: Heard, text: string): string | null {
  const target = readTarget(text);
  if ((target.type !== 'agent' && target.type !== 'mission') || beats.some((beat) => worksFor(beat, target)))
    return null;
  return `No executor reports that it works for ${text}. A drill passes only where something of its target is running.`;
}

/** True where the whole switch is stopped, so that a drill of anything shows nothing. */
const heldAbove = (state: State, target: string): boolean =>
  (target !== 'all' && state.get('kill', 'all') !== undefined) || state.mode.mode === 'full_stop';

/** Why the drill's own work would not be let through; null: it would. What it tries to send is not asked about. */
function ownWorkStopped({ state, time }: Looked, { id, kind, target }: Asked): string | null {
  const subject = { ...drillWorker({ id, target }), action: CANARY.act, effect: 'write', surface: 'background' };
  const { mode } = resolveMode(state, subject, () => Date.parse(time));
  if (mode === 'live') return null;
  const says = `a write would not simply run there, since ${mode} stands`;
  return kind === 'exfiltration' ? `${says}, and that says nothing of recipients` : says;
}
