import { type KillRecord, readTarget, shellWord, shownId } from '../../../flags/index.ts';
import type { ChangeOptions } from '../../given/change.ts';
import { breakGlassOption, epochOption, reasonOption, targetArgument } from '../arguments.ts';
import type { Verb } from '../command.ts';
import { quoted, shortTime } from '../output.ts';

export const verb: Verb = (command, perform) => {
  command
    .addArgument(targetArgument('revive', ' --reason "…"', readTarget))
    .addOption(reasonOption())
    .addOption(epochOption())
    .addOption(breakGlassOption())
    .action(
      perform(async (context, target: string, options: ChangeOptions) => {
        const value = await (await context.control()).revive({ target, ...options });
        const { kill, epoch } = value;
        return {
          value,
          text: kill.is_active
            ? `${shownId(target)} is ${kill.mode} now, at epoch ${epoch}: one step looser. The next step: ${context.advice(`kill-switch revive ${shellWord(target)} --reason "…"`)}`
            : `${shownId(target)} is revived, at epoch ${epoch}. ${lifted(kill)} What else restricts it still holds: ${context.advice('kill-switch status')}`,
          recorded: `The revive is recorded, at epoch ${value.epoch}.`,
        };
      }),
    );
};

const lifted = ({ mode, killed_by, killed_at, reason }: KillRecord): string =>
  `It was ${mode}, and stopped since ${shortTime(killed_at)}, last by ${shownId(killed_by)}${reason === null ? ', without a reason' : `: ${quoted(reason)}`}.`;
