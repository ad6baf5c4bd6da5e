import { pasted, targetsArgument } from '../arguments.ts';
import type { Verb } from '../command.ts';
import { type StopOptions, stop, withStopOptions } from '../stop.ts';

export const verb: Verb = (command, perform) => {
  withStopOptions(command.addArgument(targetsArgument('kill'))).action(
    perform((context, targets: readonly string[], options: StopOptions) =>
      stop(context, targets, { mode: 'full_stop', again: pasted('kill'), ...options }),
    ),
  );
};
