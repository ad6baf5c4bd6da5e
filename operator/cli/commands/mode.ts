import { invalid, type Mode } from '../../../flags/index.ts';
import {
  breakGlassOption,
  epochOption,
  MODE_HELP,
  parseMode,
  parseTargeting,
  reasonOption,
  waitOption,
} from '../arguments.ts';
import type { Verb } from '../command.ts';
import { toJson } from '../output.ts';
import { setting } from '../show-or-set.ts';

interface Options {
  readonly reason?: string;
  readonly epoch?: number;
  readonly breakGlass?: true;
  readonly wait: number;
  readonly targeting?: Record<string, unknown>;
}

const forSome = (targeting: unknown): string => (targeting === null ? '' : `, by the rule ${toJson(targeting)}`);

export const verb: Verb = (command, perform) => {
  command
    .argument('[mode]', MODE_HELP, parseMode)
    .option(
      '--targeting <json>',
      "a rule of flagd's that answers with a mode (default: the same for everyone)",
      parseTargeting,
    )
    .addOption(reasonOption())
    .addOption(epochOption())
    .addOption(breakGlassOption())
    .addOption(waitOption())
    .action(
      perform(async (context, mode: Mode | undefined, { reason, epoch, breakGlass, wait, ...options }: Options) => {
        const targeting = options.targeting ?? null;
        const control = await context.control();
        if (mode === undefined) {
          if (reason !== undefined || epoch !== undefined || targeting !== null)
            throw invalid('To set the base mode, name it: kill-switch mode MODE. To show it, leave out the options.');
          const status = await control.status();
          const value = { mode: status.mode, targeting: status.targeting, epoch: status.epoch };
          return { value, text: `The base mode is ${value.mode}${forSome(value.targeting)}.` };
        }
        const is = `The base mode is ${mode}${forSome(targeting)}`;
        const members = { mode, targeting };
        return setting(
          context,
          { what: 'the base mode', isEverything: true, is, members, wait, again: null },
          (waiting) => control.setMode({ mode, targeting, reason, epoch, breakGlass, ...waiting }),
        );
      }),
    );
};
