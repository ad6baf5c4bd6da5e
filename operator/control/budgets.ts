import { readBudgets, tripwireRows } from '../budget-rows.ts';
import type { ControlPlane } from '../control-plane.ts';
import { givenBudget, givenRemovedBudget } from '../given/budget.ts';
import { givenList } from '../given/list.ts';
import { givenRemovedTripwire, givenTripwire } from '../given/tripwire.ts';
import { whoReports, whomBudgetNames } from '../hit.ts';
import { partOf } from '../lists.ts';
import { type Acting, answerTo } from './acting.ts';

type Budgets = 'setBudget' | 'removeBudget' | 'budgets' | 'setTripwire' | 'removeTripwire' | 'tripwires';

/** Budgets and tripwires. */
export const budgets = (acting: Acting): Pick<ControlPlane, Budgets> => ({
  async setBudget(options) {
    const given = givenBudget(options);
    const answer = answerTo(await acting.set(given));
    return { ...answer, matched: await whomBudgetNames(acting.known, given) };
  },

  async removeBudget(options) {
    const given = givenRemovedBudget(options);
    await acting.copyStops(); // what it has stopped stays stopped: only a person lifts that
    return answerTo(await acting.set(given));
  },

  async budgets(options = {}) {
    const page = givenList('budgets', options, {});
    return partOf(await readBudgets(acting.connection, await acting.opened.whole()), page);
  },

  async setTripwire(options) {
    const given = givenTripwire(options);
    const answer = answerTo(await acting.set(given));
    return { ...answer, matched: await whoReports(acting.known, given) };
  },

  async removeTripwire(options) {
    const given = givenRemovedTripwire(options);
    await acting.copyStops();
    return answerTo(await acting.set(given));
  },

  async tripwires(options = {}) {
    const page = givenList('tripwires', options, {});
    return partOf(tripwireRows((await acting.opened.whole()).state), page);
  },
});
