import { readTarget, shownId } from '../../../flags/index.ts';
import { epochOption, reasonOption, targetArgument } from '../arguments.ts';
import type { Verb } from '../command.ts';

export const verb: Verb = (command, perform) => {
  command
    .addArgument(targetArgument('revive', ' --reason "…"', readTarget))
    .addOption(reasonOption())
    .addOption(epochOption())
    .action(
      perform(async (context, target: string, { reason, epoch }: { reason?: string; epoch?: number }) => {
        const value = await (await context.control()).revive({ target, reason, epoch });
        return {
          value,
          text: `${shownId(target)} is revived, at epoch ${value.epoch}. What else restricts it still holds: ${context.advice('kill-switch status')}`,
          recorded: `The revive is recorded, at epoch ${value.epoch}.`,
        };
      }),
    );
};
