import { type KillRecord, readTarget, shownId } from '../../../flags/index.ts';
import { epochOption, reasonOption, targetArgument } from '../arguments.ts';
import type { Verb } from '../command.ts';
import { quoted, shortTime } from '../output.ts';

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
          text: `${shownId(target)} is revived, at epoch ${value.epoch}. ${lifted(value.kill)} What else restricts it still holds: ${context.advice('kill-switch status')}`,
          recorded: `The revive is recorded, at epoch ${value.epoch}.`,
        };
      }),
    );
};

const lifted = ({ mode, killed_by, killed_at, reason }: KillRecord): string =>
  `It was ${mode} since ${shortTime(killed_at)}, by ${shownId(killed_by)}${reason === null ? ', without a reason' : `: ${quoted(reason)}`}.`;
