import { invalid, type Mode } from '../../../flags/index.ts';
import { MODE_HELP, parseMode, targetArgument } from '../arguments.ts';
import type { Verb } from '../command.ts';
import { type StopOptions, stop, withStopOptions } from '../stop.ts';

export const verb: Verb = (command, perform) => {
  withStopOptions(
    command.addArgument(targetArgument('restrict', ' MODE')).argument('<mode>', MODE_HELP, (text) => {
      const mode = parseMode(text);
      if (mode === 'live')
        throw invalid('A restriction cannot leave a target live: to lift one, kill-switch revive TARGET --reason "…".');
      return mode;
    }),
  ).action(
    perform((context, target: string, mode: Mode, options: StopOptions) => stop(context, target, mode, options)),
  );
};
