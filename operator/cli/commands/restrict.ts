import { invalid, type Mode } from '../../../flags/index.ts';
import { IdArgument, MODE_HELP, parseMode, parseTargetWord, pasted } from '../arguments.ts';
import type { Verb } from '../command.ts';
import { type StopOptions, stop, withStopOptions } from '../stop.ts';

// The mode comes last, after any number of targets: commander takes a list only as the last argument.

export const verb: Verb = (command, perform) => {
  const words = new IdArgument('<target...>', `one or more targets, as kill takes them, then the mode: ${MODE_HELP}`);
  withStopOptions(command.addArgument(words).usage('[options] <target...> <mode>')).action(
    perform((context, given: readonly string[], options: StopOptions) => {
      const mode = modeOf(given.at(-1));
      const targets = given.slice(0, -1);
      if (targets.length === 0) throw invalid('Say what to restrict: kill-switch restrict TARGET MODE');
      const again = pasted('restrict', ` ${mode}`);
      for (const target of targets) parseTargetWord(target, again);
      return stop(context, targets, { mode, again, ...options });
    }),
  );
};

function modeOf(word = ''): Mode {
  const mode = parseMode(word);
  if (mode === 'live')
    throw invalid('A restriction cannot leave a target live: to lift one, kill-switch revive TARGET --reason "…".');
  return mode;
}
