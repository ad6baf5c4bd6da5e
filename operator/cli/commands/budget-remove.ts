import { budgetName, parseScope, shownId } from '../../../flags/index.ts';
import { windowOf } from '../../budget-changes.ts';
import { epochOption, reasonOption } from '../arguments.ts';
import { parseWindow, scopeArgument, windowOption } from '../budgets.ts';
import type { Verb } from '../command.ts';

interface Typed {
  readonly window?: string;
  readonly reason?: string;
  readonly epoch?: number;
}

export const verb: Verb = (command, perform) => {
  command
    .addArgument(scopeArgument())
    .addOption(windowOption())
    .addOption(reasonOption())
    .addOption(epochOption())
    .action(
      perform(async (context, scope: string, { window, ...options }: Typed) => {
        const place = { scope, ...(window !== undefined && { window: parseWindow(window) }) };
        const name = budgetName(parseScope(scope), windowOf(scope, place.window));
        const answer = await (await context.control()).removeBudget({ ...place, ...options });
        const is = answer.already ? 'There is no' : 'Removed: the';
        return { value: { budget: name, ...answer }, text: `${is} budget ${shownId(name)}, at epoch ${answer.epoch}.` };
      }),
    );
};
