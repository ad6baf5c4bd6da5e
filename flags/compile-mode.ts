import { IDENTITY_ATTRIBUTES, LINEAGE_ATTRIBUTES } from './context.ts';
import {
  all,
  and,
  anyIsOneOf,
  type Condition,
  contains,
  firstOf,
  is,
  isNoneOf,
  isNot,
  isOneOf,
  isUnreadableId,
  isUnreadableLineage,
  type JsonLogic,
  not,
  or,
  variable,
} from './json-logic.ts';
import { MODES, type Mode, SAFE_MODE, strictness } from './modes.ts';
import { AUTONOMY_FLOORS, FEATURE_FLOORS, FEATURE_STAGES, type FeatureStage } from './stages.ts';
import { isSameForAll } from './feature-stage.ts';
import { stageRule } from './feature-targeting.ts';
import { compiledCondition } from './rule-condition.ts';
import { DRAINING } from './rule-entry.ts';
import { isOfOtherKind } from './rule-kinds.ts';
import { compiledDraining, compiledOpening } from './rule-times.ts';
import type { ValueRule } from './ruled-values.ts';
import type { State } from './state.ts';
import { baseRule } from './targeting.ts';
import { readTarget, type TargetType } from './targets.ts';

/** Strictest first. */
const RUNGS = [...MODES].reverse();

/**
 * The decision of `restrictionFor` as one expression: first what stops whatever the state says, then the strictest mode
 * of all restrictions. Everything that is `full_stop` comes before the base mode's own targeting, which could fail.
 */
export function compileMode(
  state: State,
  stops: readonly Condition[],
  organizationId: string | undefined,
): { readonly rule: JsonLogic } | { readonly value: Mode } {
  const base = baseRule(state.mode);
  const branches: [Condition, Mode][] = [
    ...stops,
    ...unidentifiedConditions(organizationId),
    ...[...base.attributes].map(([name, kinds]) => isOfOtherKind(name, kinds)),
    ...ruledFeatures(state).flatMap(([name, { attributes }]) =>
      [...attributes].map(([attribute, kinds]) => and(isFeature(name), isOfOtherKind(attribute, kinds))),
    ),
  ].map((stop) => [stop, SAFE_MODE]);
  for (const mode of RUNGS) {
    if (base.rule === null && strictness(mode) <= strictness(base.value)) break;
    const conditions = [
      ...killConditions(state, mode),
      ...ruleConditions(state, mode),
      ...floorConditions(state, mode),
    ];
    branches.push([or(conditions), mode]);
    if (base.rule !== null) branches.push([baseCondition(base.rule, base.value, mode), mode]);
  }
  return firstOf(branches, base.rule === null ? base.value : 'live');
}

/** True for a context whose identity cannot be read, or that names another organization. */
export function unidentifiedConditions(organizationId: string | undefined): Condition[] {
  const organization = variable('organization_id');
  return [
    ...Object.keys(IDENTITY_ATTRIBUTES).map(isUnreadableId),
    contains(variable('action'), '*'),
    ...Object.keys(LINEAGE_ATTRIBUTES).map(isUnreadableLineage),
    organizationId === undefined ? false : and(isNot(organization, null), isNot(organization, organizationId)),
  ];
}

/** Kills of one mode, one list for each type. */
const killConditions = ({ kills }: State, mode: Mode): Condition[] =>
  reached((type) => [...kills[type]].filter(([, kill]) => kill.mode === mode).map(([id]) => id));

/** Rules that leave this mode. */
function ruleConditions({ rules }: State, mode: Mode): Condition[] {
  const conditions: Condition[] = [];
  for (const { entry, times } of rules.values()) {
    const phases = [
      ...(entry.mode === mode ? [compiledOpening(times)] : []),
      ...(mode === DRAINING ? [compiledDraining(times)] : []),
    ];
    const target = readTarget(entry.target);
    const isReached = or(reached((type) => (type === target.type ? [target.id] : [])));
    conditions.push(all(or(phases), isReached, compiledCondition(entry)));
  }
  return conditions;
}

/** Whoever one of these ids stands for, one list for each type. */
function reached(idsOf: (type: TargetType) => readonly string[]): Condition[] {
  const action = variable('action');
  const actions = idsOf('action');
  // `.*` alone is the name of an action, not a pattern: a pattern has a domain before it.
  const prefixes = actions.filter((id) => id.endsWith('.*') && id.length > 2).map((id) => id.slice(0, -1));
  const matchesPrefix = or(prefixes.map((prefix) => ({ starts_with: [action, prefix] })));
  return [
    idsOf('all').length > 0,
    anyIsOneOf([[variable('agent_id')], variable('lineage_agents')], idsOf('agent')),
    anyIsOneOf([[variable('mission_id')], variable('lineage_missions')], idsOf('mission')),
    anyIsOneOf([[variable('run_id')], variable('lineage_runs')], idsOf('run')),
    isOneOf(variable('surface'), idsOf('surface')),
    isOneOf(variable('feature'), idsOf('feature')),
    isOneOf(action, actions),
    matchesPrefix === false ? false : and(isNot(action, null), matchesPrefix),
  ];
}

/** Features and actions whose stage has this mode as its floor. A feature that the state does not know is dark. */
function floorConditions(state: State, mode: Mode): Condition[] {
  const feature = variable('feature');
  const featuresWith = (matches: (floor: Mode) => boolean): string[] =>
    [...state.features]
      .filter(([, entry]) => isSameForAll(entry) && matches(FEATURE_FLOORS[entry.stage]))
      .map(([name]) => name);
  const ruled = ruledFeatures(state);
  const lit = isOneOf(feature, [
    ...featuresWith((floor) => floor !== FEATURE_FLOORS.dark),
    ...ruled.map(([name]) => name),
  ]);
  const actions = [...state.autonomy].filter(([, { stage }]) => AUTONOMY_FLOORS[stage] === mode).map(([id]) => id);
  return [
    mode === FEATURE_FLOORS.dark
      ? and(isNot(feature, null), not(lit))
      : mode !== 'live' &&
        isOneOf(
          feature,
          featuresWith((floor) => floor === mode),
        ),
    ...FEATURE_STAGES.filter((stage) => mode !== 'live' && FEATURE_FLOORS[stage] === mode).flatMap((stage) =>
      // A rule is looked at for its own feature only: for another one's context it might fail.
      ruled.map(([name, rule]): Condition => ({ if: [isFeature(name), stageCondition(rule, stage), false] })),
    ),
    mode !== 'live' && isOneOf(variable('action'), actions),
  ];
}

const isFeature = (name: string): Condition => is(variable('feature'), name);

/** The features whose stage is not the same for everyone. */
const ruledFeatures = (state: State): ReadonlyArray<readonly [string, ValueRule<FeatureStage>]> =>
  [...state.features].filter(([, entry]) => !isSameForAll(entry)).map(([name, entry]) => [name, stageRule(entry)]);

/** Whether a feature has this stage: the answer of its rule; without an answer its own stage; any other is `dark`. */
function stageCondition({ rule, value }: ValueRule<FeatureStage>, stage: FeatureStage): Condition {
  if (rule === null) return value === stage;
  if (stage !== 'dark') return or([is(rule, stage), value === stage && is(rule, null)]);
  const looser = FEATURE_STAGES.filter((other) => other !== 'dark');
  return isNoneOf(rule, looser, value !== 'dark');
}

/**
 * Whether the base mode is this mode: the answer of its targeting; without an answer `withoutAnswer`; after an answer
 * that is no mode `full_stop`.
 */
function baseCondition(rule: JsonLogic, withoutAnswer: Mode, mode: Mode): Condition {
  if (mode === SAFE_MODE) {
    const looser = MODES.filter((other) => other !== SAFE_MODE);
    return isNoneOf(rule, looser, withoutAnswer !== SAFE_MODE);
  }
  return or([is(rule, mode), withoutAnswer === mode && is(rule, null)]);
}
