import { budgetName, budgetWords, parseScope, shownId } from '../../../flags/index.ts';
import { windowOf } from '../../budget-changes.ts';
import { breakGlassOption, epochOption, reasonOption } from '../arguments.ts';
import { parseWindow, scopeArgument, windowOption } from '../budgets.ts';
import type { Verb } from '../command.ts';

interface Typed {
  readonly window?: string;
  readonly reason?: string;
  readonly epoch?: number;
  readonly breakGlass?: true;
}

export const verb: Verb = (command, perform) => {
  command
    .addArgument(scopeArgument())
    .addOption(windowOption())
    .addOption(reasonOption())
    .addOption(epochOption())
    .addOption(breakGlassOption())
    .action(
      perform(async (context, scope: string, { window, ...options }: Typed) => {
        const place = { scope, ...(window !== undefined && { window: parseWindow(window) }) };
        const name = budgetName(parseScope(scope), windowOf(scope, place.window));
        const answer = await (await context.control()).removeBudget({ ...place, ...options });
        const words = budgetWords({ scope, window: windowOf(scope, place.window) });
        return {
          value: { budget: name, ...answer },
          text: `Removed: the budget ${shownId(words)}, at epoch ${answer.epoch}.`,
        };
      }),
    );
};
