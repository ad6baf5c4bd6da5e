import { ALREADY, type CommandRow, event, type Loosening } from './row.ts';

export interface Resolve extends Loosening {
  readonly runId: string | null;
  readonly key: string;
  /** The id of its intent. */
  readonly intent: string;
  readonly landed: boolean;
}

/** Says whether an effect has landed of which its executor has not said so. */
export const resolve: CommandRow<Resolve> = {
  isUngoverned: true,
  changes: () => ['resolutions'],
  takesReason: ({ landed }) => `To say that it has ${landed ? '' : 'not '}landed`,
  wish: ({ runId, key, intent, landed }, view) => {
    const said = view.get('resolutions')?.resolved.findLast((each) => each.intent === intent);
    return said?.landed === landed
      ? ALREADY
      : event('resolve', { intent, landed, run_id: runId, idempotency_key: key });
  },
};
