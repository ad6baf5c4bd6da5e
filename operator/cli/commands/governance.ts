import { shownId } from '../../../flags/index.ts';
import type { Verb } from '../command.ts';
import { governanceLines } from '../governance-words.ts';
import { shortTime } from '../output.ts';

export const verb: Verb = (command, perform) => {
  command.action(
    perform(async (context) => {
      const value = await (await context.control()).governance();
      const { changed } = value;
      const set = changed
        ? `Set by ${shownId(changed.by)} at ${shortTime(changed.at)}, epoch ${changed.epoch}.`
        : `Nobody has set any. To ask for more: ${context.advice('kill-switch governance set --second-person killer --reason "…"')}`;
      return {
        value,
        text: ['Giving authority back takes a reason, a role (docs/roles.md), and:', ...governanceLines(value), set],
      };
    }),
  );
};
