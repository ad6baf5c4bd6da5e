import type { NormalisedAction } from '../action.ts';
import { budgets } from './budgets.ts';
import { confirm } from './confirm.ts';
import { deciding } from './deciding.ts';
import { fairTurn } from './fair-turn.ts';
import { identity } from './identity.ts';
import { intent } from './intent.ts';
import { journal } from './journal.ts';
import { lastChecks } from './last-checks.ts';
import { limitFlags, limits } from './limits.ts';
import { reading } from './reading.ts';
import { start } from './start.ts';
import type { Step } from './step.ts';
import { store } from './store.ts';
import { tripwires } from './tripwires.ts';
import { verdict } from './verdict.ts';

export type { Step } from './step.ts';

/** The steps of an attempt, in order. To add a step, add its file and a row here. */
export const STEPS: readonly Step[] = Object.freeze([
  identity,
  limitFlags,
  reading,
  deciding,
  fairTurn,
  store,
  tripwires,
  limits,
  budgets,
  verdict,
  intent,
  journal,
  confirm,
  lastChecks,
  start,
]);

/**
 * The steps that an action needs. An action that is not irreversible is not confirmed; one without a store has nothing
 * counted.
 */
export const stepsFor = <Input, Result>(action: NormalisedAction<Input, Result>, hasStore: boolean): readonly Step[] =>
  STEPS.filter((step) => step.isFor(action, hasStore));
