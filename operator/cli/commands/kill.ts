import { targetArgument } from '../arguments.ts';
import type { Verb } from '../command.ts';
import { type StopOptions, stop, withStopOptions } from '../stop.ts';

export const verb: Verb = (command, perform) => {
  withStopOptions(command.addArgument(targetArgument('kill'))).action(
    perform((context, target: string, options: StopOptions) => stop(context, target, 'full_stop', options)),
  );
};
