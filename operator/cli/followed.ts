import type { LogEvent } from '../../flags/index.ts';
import type { ControlPlane, FollowOptions } from '../control-plane.ts';
import type { Context } from './command.ts';

/** Follows the log; notes when the store stops answering, and when it answers again. */
export const followed = (
  { note }: Pick<Context, 'note'>,
  control: ControlPlane,
  options: Omit<FollowOptions, 'onTrouble'>,
): AsyncIterable<LogEvent> =>
  control.follow({
    ...options,
    onTrouble: (problem) =>
      note(problem === '' ? 'The store answers again.' : `${problem} Waiting until it answers again.`),
  });
