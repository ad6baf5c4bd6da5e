import { MODE_CAUSE } from './causes.ts';
import { type Subject, subjectFromContext } from './context.ts';
import { isStricter, type Mode, strictness } from './modes.ts';
import { causeOfKill, killsOf } from './kills-of.ts';
import type { ActiveKill } from './records.ts';
import { featureStage, type Inquiry, type Restriction, restrictionFor } from './resolve.ts';
import { type Asker, causeOfRule, modeOfRule } from './rule-table.ts';
import { AUTONOMY_FLOORS, FEATURE_FLOORS } from './stages.ts';
import type { State } from './state.ts';
import { evaluateTargeting } from './targeting.ts';

/** One of the restrictions that meet a call, and what it restricts. */
export interface MetRestriction extends Restriction {
  readonly target: string;
}

/**
 * Every restriction that meets a context, the strictest first: of equally strict ones first what `restrictionFor`
 * names. None where everything is live.
 */
export function restrictionsFor(state: State, inquiry: Inquiry): MetRestriction[] {
  const { context, now } = inquiry;
  const asker: Asker = { context: () => context, now };
  const subject = subjectFromContext(context);
  const decided = restrictionFor(state, inquiry);
  if (typeof subject === 'string' || decided.cause.kind === 'identity') return [{ ...decided, target: 'all' }];
  const base: MetRestriction = {
    mode: evaluateTargeting(state.mode, context, now),
    cause: MODE_CAUSE,
    target: 'all',
  };
  const all = [
    ...killsOf(state, subject).map(ofKill),
    ...rulesOf(state, subject, asker),
    ...stagesOf(state, subject, asker),
    base,
    ...stopsOf(state, subject),
  ];
  return all.filter(({ mode }) => isStricter(mode, 'live')).sort((a, b) => strictness(b.mode) - strictness(a.mode));
}

const ofKill = (kill: ActiveKill): MetRestriction => ({
  mode: kill.mode,
  cause: causeOfKill(kill),
  target: kill.target,
});

const rulesOf = ({ rules }: State, subject: Subject, asker: Asker): MetRestriction[] =>
  [...rules.reaching(subject)].flatMap((rule) => {
    const mode = modeOfRule(rule, asker);
    return mode === null ? [] : [{ mode, cause: causeOfRule(rule, asker.now), target: rule.entry.target }];
  });

/** What executors have stopped. One that the log has as well is its kill. */
const stopsOf = (state: State, subject: Subject): MetRestriction[] =>
  [...state.stops.reaching(state, subject)].map(([target, { mode, cause }]) => ({ mode, cause, target }));

function stagesOf(state: State, { feature, action }: Subject, asker: Asker): MetRestriction[] {
  const found: MetRestriction[] = [];
  if (feature !== undefined) {
    const stage = featureStage(state, feature, asker);
    const mode: Mode = FEATURE_FLOORS[stage];
    found.push({ mode, cause: { kind: 'feature', feature, stage }, target: `feature:${feature}` });
  }
  const stage = action === undefined ? undefined : state.autonomy.get(action)?.stage;
  if (action !== undefined && stage !== undefined)
    found.push({
      mode: AUTONOMY_FLOORS[stage],
      cause: { kind: 'autonomy', action, stage },
      target: `action:${action}`,
    });
  return found;
}
