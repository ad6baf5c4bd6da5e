import type { LogEvent } from '../../flags/index.ts';
import type { ControlPlane } from '../control-plane.ts';
import type { FollowOptions } from '../lists.ts';
import type { Context } from './command.ts';

type Noting = Pick<Context, 'note'>;

/** Follows the log; notes when the store stops answering, and when it answers again. */
export const followed = (
  context: Noting,
  control: ControlPlane,
  options: Omit<FollowOptions, 'onTrouble'>,
): AsyncIterable<LogEvent> => control.follow({ ...options, onTrouble: noteTrouble(context) });

/** What notes that the store stops answering, and answers again. */
export const noteTrouble =
  ({ note }: Noting) =>
  (problem: string): void =>
    note(problem === '' ? 'The store answers again.' : `${problem} Waiting until it answers again.`);
