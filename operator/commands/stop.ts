import {
  killAdds,
  placesOfStop,
  readTarget,
  type Stop,
  type StopCause,
  stopCauseSchema,
  type StopTerms,
  stopTerms,
} from '../../flags/index.ts';
import type { GivenReason } from '../reason.ts';
import { type CommandRow, event, refused } from './row.ts';

/** Copies an executor's stop. The reason says what was counted. */
export const stop: CommandRow<{ readonly stop: Stop } & GivenReason> = {
  isUngoverned: true,
  changes: ({ stop: { target } }) => ['kill', target],
  readsBeside: (command) => placesOfStop(command.stop),
  reach: ({ stop: { target } }) => readTarget(target),
  wish: (command, view, commandId) => {
    const { id, target, at } = command.stop;
    const terms = stopTerms(view, command.stop);
    if (!terms) return refused({ kind: 'stop_over', target });
    const { mode, counted } = terms;
    const active = view.get('kill', target);
    if (active?.counted?.includes(counted) && !killAdds(active, { mode, expires_at: null }))
      return refused({ kind: 'stop_over', target });
    return event('stop', {
      id: commandId,
      stop_id: id,
      target,
      mode,
      counted,
      cause: recordedCause(terms),
      ...(at !== undefined && at <= view.time && { stopped_at: at }),
    });
  },
};

/** Why, without the target, which the event says; null where an executor has stopped itself. */
function recordedCause({ cause }: StopTerms): StopCause | null {
  if (cause.kind !== 'budget' && cause.kind !== 'tripwire') return null;
  const counted = Object.entries(cause).filter(([member]) => member !== 'target');
  return stopCauseSchema.parse(Object.fromEntries(counted));
}
