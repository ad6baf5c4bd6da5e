import { contextFromSubject, type Reversing, type Subject, subjectFromContext } from './context.ts';
import { type Cause, MODE_CAUSE } from './causes.ts';
import { isStricter, type Mode, SAFE_MODE } from './modes.ts';
import { quoteId } from './printable.ts';
import { causeOfKill, killsOf } from './kills-of.ts';
import type { ActiveKill } from './records.ts';
import { isSameForAll } from './feature-stage.ts';
import { evaluateStage, stageAsksForTime } from './feature-targeting.ts';
import { isNamed, judgeReversing, type NamedKill } from './rollbacks.ts';
import { type Asker, causeOfRule, modeOfRule, nextSecond, type Rule } from './rule-table.ts';
import { AUTONOMY_FLOORS, FEATURE_FLOORS, type FeatureStage } from './stages.ts';
import type { State } from './state.ts';
import type { StoreNow } from './store-time.ts';
import { asksForTime, evaluateTargeting } from './targeting.ts';
import { actionPatterns } from './targets.ts';

/** How much authority one source leaves, and why. */
export interface Restriction {
  readonly mode: Mode;
  readonly cause: Cause;
}

/** The stricter of two kills; of equally strict ones the first. */
const stricter = (kill: ActiveKill | undefined, other: ActiveKill | undefined): ActiveKill | undefined =>
  other && (!kill || isStricter(other.mode, kill.mode)) ? other : kill;

const stricterMode = (mode: Mode, other: Mode): Mode => (isStricter(other, mode) ? other : mode);

function strictestOf(
  kill: ActiveKill | undefined,
  kills: ReadonlyMap<string, ActiveKill>,
  ids: readonly string[] | undefined,
): ActiveKill | undefined {
  let strictest = kill;
  if (ids) for (const id of ids) strictest = stricter(strictest, kills.get(id));
  return strictest;
}

/** The strictest kill that reaches a subject, by exact key; of equally strict ones the first that is looked up. */
function strictestKill(state: State, subject: Subject): ActiveKill | undefined {
  const { kills } = state;
  let kill = kills.all.get('');
  const named = state.mayBeNamed(subject);
  if (named) {
    if (subject.agentId !== undefined) kill = stricter(kill, kills.agent.get(subject.agentId));
    if (subject.missionId !== undefined) kill = stricter(kill, kills.mission.get(subject.missionId));
    if (subject.runId !== undefined) kill = stricter(kill, kills.run.get(subject.runId));
  }
  if (subject.surface !== undefined) kill = stricter(kill, kills.surface.get(subject.surface));
  if (subject.feature !== undefined) kill = stricter(kill, kills.feature.get(subject.feature));
  if (named) {
    kill = strictestOf(kill, kills.agent, subject.lineageAgents);
    kill = strictestOf(kill, kills.mission, subject.lineageMissions);
    kill = strictestOf(kill, kills.run, subject.lineageRuns);
  }
  if (subject.action !== undefined && kills.action.size > 0) {
    kill = stricter(kill, kills.action.get(subject.action));
    kill = strictestOf(kill, kills.action, actionPatterns(subject.action));
  }
  return kill;
}

/** The same without the kills that a reversal passes. */
const strictestBeside = (state: State, subject: Subject, passed: readonly NamedKill[]): ActiveKill | undefined =>
  killsOf(state, subject)
    .filter((kill) => !isNamed(passed, kill))
    .reduce<ActiveKill | undefined>(stricter, undefined);

/** A rule that applies to a subject now, and what it leaves. */
interface MetRule {
  readonly rule: Rule;
  readonly mode: Mode;
}

/** The strictest of the rules that apply to a subject now; of equally strict ones the first. */
function strictestRule({ rules }: State, subject: Subject, asker: Asker): MetRule | undefined {
  let strictest: MetRule | undefined;
  for (const rule of rules.reaching(subject)) {
    const mode = modeOfRule(rule, asker);
    if (mode !== null && (!strictest || isStricter(mode, strictest.mode))) strictest = { rule, mode };
  }
  return strictest;
}

const baseMode = ({ mode }: State, { context, now }: Asker): Mode =>
  mode.targeting === null ? mode.mode : evaluateTargeting(mode, context(), now); // most switches have no rule

/** The stage of a feature for whoever asks: `dark` for one that the state does not know. */
export function featureStage({ features }: State, feature: string, { context, now }: Asker): FeatureStage {
  const entry = features.get(feature);
  if (entry === undefined || isSameForAll(entry)) return entry?.stage ?? 'dark'; // most have no rule
  return evaluateStage(entry, context(), now);
}

/**
 * The strictest of all restrictions of a subject. Its cause is the first that is as strict, in this order: a kill, a
 * rule, the feature, the autonomy of the action, the base mode, a stop of an executor.
 */
function strictest(state: State, subject: Subject, asker: Asker): Restriction {
  const recorded = strictestRecorded(state, subject, asker);
  const stop = state.stops.strictest(state, subject);
  return stop && isStricter(stop.mode, recorded.mode) ? { mode: stop.mode, cause: stop.cause } : recorded;
}

/** The same by what is in the log, without the stops of executors. */
function strictestRecorded(state: State, subject: Subject, asker: Asker): Restriction {
  const { feature, action, reversing } = subject;
  const base = baseMode(state, asker);
  let kill: ActiveKill | undefined;
  if (reversing === undefined) kill = strictestKill(state, subject);
  else {
    const judged = judgeReversing(state, reversing);
    if ('problem' in judged)
      return { mode: SAFE_MODE, cause: { kind: 'fault', code: 'ROLLBACK_ENDED', message: judged.problem } };
    kill = strictestBeside(state, subject, judged.kills);
  }
  const rule = state.rules.size === 0 ? undefined : strictestRule(state, subject, asker);
  const stage = feature === undefined ? undefined : featureStage(state, feature, asker);
  const autonomy = action === undefined ? undefined : state.autonomy.get(action)?.stage;
  // most calls
  if (!kill && !rule && stage === undefined && autonomy === undefined) return { mode: base, cause: MODE_CAUSE };

  const featureMode = stage === undefined ? 'live' : FEATURE_FLOORS[stage];
  const autonomyMode = autonomy === undefined ? 'live' : AUTONOMY_FLOORS[autonomy];
  const recorded = stricterMode(kill ? kill.mode : 'live', rule ? rule.mode : 'live');
  const mode = stricterMode(stricterMode(stricterMode(recorded, featureMode), autonomyMode), base);

  if (kill?.mode === mode) return { mode, cause: causeOfKill(kill) };
  if (rule?.mode === mode) return { mode, cause: causeOfRule(rule.rule, asker.now) };
  if (mode === 'live') return { mode, cause: MODE_CAUSE }; // stages whose floor is `live` restrict nothing
  if (feature !== undefined && stage !== undefined && featureMode === mode)
    return { mode, cause: { kind: 'feature', feature, stage } };
  if (action !== undefined && autonomy !== undefined && autonomyMode === mode)
    return { mode, cause: { kind: 'autonomy', action, stage: autonomy } };
  return { mode, cause: MODE_CAUSE };
}

/**
 * The strictest restriction of one subject: base mode and feature (with their targeting), kills by exact key, action
 * patterns, surface, lineage, autonomy, and the standing rules. The number of look-ups does not grow with the number of
 * kills; it grows with that of the rules whose target is the subject. Rules see the context of the subject, which is
 * made once, and only where a rule looks at it.
 */
export function resolveMode(state: State, subject: Subject, now: StoreNow): Restriction {
  let made: Readonly<Record<string, unknown>> | undefined;
  return strictest(state, subject, { context: () => (made ??= contextFromSubject(subject)), now });
}

/**
 * The first moment after `now` at which what the state says may change with the time alone, without an event, because a
 * rule opens or closes or asks for the time; null: none. In milliseconds of the store's time. A kill ends by an event.
 */
export function changesAt({ mode, features, rules }: State, now: number): number | null {
  if (mode.targeting !== null && asksForTime(mode)) return nextSecond(now);
  for (const entry of features.values()) if (stageAsksForTime(entry)) return nextSecond(now);
  return rules.size === 0 ? null : rules.nextChange(now);
}

/** `full_stop`, because nobody can tell who asks. */
const unidentified = (message: string): Restriction => ({
  mode: SAFE_MODE,
  cause: { kind: 'identity', message },
});

/** A question about a state that comes from outside the guard, as an evaluation context. */
export interface Inquiry {
  /** The evaluation context; rules see all of it. */
  readonly context: Readonly<Record<string, unknown>>;
  readonly now: StoreNow;
  /** The organization of this switch; a context that names another one is stopped. Default: any may ask. */
  readonly organizationId?: string | undefined;
  /** The reversal that asks; default: none does. */
  readonly reversing?: Reversing | undefined;
}

/**
 * The strictest restriction for an evaluation context: `full_stop` when its identity cannot be read or is of another
 * organization, else as {@link resolveMode}.
 */
export function restrictionFor(state: State, inquiry: Inquiry): Restriction {
  const subject = subjectOf(inquiry);
  if (typeof subject === 'string') return unidentified(subject);
  const { reversing } = inquiry;
  return strictest(state, reversing === undefined ? subject : { ...subject, reversing }, askerOf(inquiry));
}

/**
 * The stage of a feature for an evaluation context, as its flag answers: `dark` for a feature that the state does not
 * know, and where a rule is to tell and the identity cannot be read or is of another organization.
 */
export function stageFor(state: State, feature: string, inquiry: Inquiry): FeatureStage {
  const entry = state.features.get(feature);
  const isRuled = entry !== undefined && !isSameForAll(entry);
  return isRuled && typeof subjectOf(inquiry) === 'string' ? 'dark' : featureStage(state, feature, askerOf(inquiry));
}

const askerOf = ({ context, now }: Inquiry): Asker => ({ context: () => context, now });

/** Who asks; or, as a sentence, why nobody can tell. */
function subjectOf({ context, organizationId }: Inquiry): Subject | string {
  const subject = subjectFromContext(context);
  if (typeof subject === 'string') return subject;
  const { organizationId: named } = subject;
  return organizationId !== undefined && named !== undefined && named !== organizationId
    ? `organization_id ${quoteId(named)} is not the one of this switch`
    : subject;
}
