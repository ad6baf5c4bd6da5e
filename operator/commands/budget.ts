import { type BudgetWindow, budgetWords, isSameBudget, nameOfBudget } from '../../flags/index.ts';
import { type BudgetPart, budgetWith } from '../budget-changes.ts';
import { ALREADY, type CommandRow, event, type Loosening, refused } from './row.ts';

export interface Budget extends Loosening {
  readonly scope: string;
  readonly window: BudgetWindow;
  /** What is set of it, what is absent stays; null: it is removed. */
  readonly part: BudgetPart | null;
}

export const budget: CommandRow<Budget> = {
  changes: (command) => ['budget', nameOfBudget(command)],
  wish: ({ scope, window, part }, view) => {
    const name = nameOfBudget({ scope, window });
    const before = view.get('budget', name);
    if (part === null)
      return before
        ? event('budget', { name, definition: null })
        : refused({ kind: 'no_budget', name: budgetWords({ scope, window }) });
    const made = budgetWith(view, { scope, window }, part);
    if ('problem' in made) return refused({ kind: 'not_a_definition', problem: made.problem });
    return before && isSameBudget(made.definition, before)
      ? ALREADY
      : event('budget', { name, definition: made.definition });
  },
};
