import { actionNameProblem, type EntryPlace, MAX_APPROVAL_MS } from '../../flags/index.ts';
import type { GivenReason } from '../reason.ts';
import { type CommandRow, endAfter, event, nameRefused, refused } from './row.ts';

export interface Standing extends GivenReason {
  readonly action: string;
  readonly agentId: string;
  readonly runId: string | null;
  readonly match: Readonly<Record<string, unknown>> | null;
  readonly times: number;
  /** Null: `lastsMs` says it, in milliseconds from the store's time. */
  readonly until: string | null;
  readonly lastsMs?: number | undefined;
}

export const standing: CommandRow<Standing> = {
  changes: () => ['control'],
  wish({ action, agentId, runId, match, times, until, lastsMs }, view, commandId) {
    const wrong = nameRefused('an action', action, actionNameProblem) ?? nameRefused('an agent', agentId);
    if (wrong) return wrong;
    const end = lastsMs === undefined ? (until ?? undefined) : endAfter(lastsMs, view.time);
    if (end === undefined) return refused({ kind: 'end_out_of_reach', lastsMs: Number(lastsMs) });
    if (end <= view.time) return refused({ kind: 'end_passed', end, now: view.time });
    const longest = endAfter(MAX_APPROVAL_MS, view.time);
    if (longest !== undefined && end > longest) return refused({ kind: 'approval_too_long', end, longest });
    const about = { action, agent_id: agentId, run_id: runId, match, times, until: end };
    return event('standing', { id: commandId, ...about });
  },
  isUngoverned: true,
  needsNoReason: true,
};

export const standing_withdraw: CommandRow<{ readonly id: string } & GivenReason> = {
  isUngoverned: true,
  changes: ({ id }) => ['standing', id],
  wish: ({ id }, view) =>
    view.get('standing', id)
      ? event('standing_withdraw', { id })
      : refused({ kind: 'approval_missing', id, standing: true }),
};

/** An operating process removes what can be used no more. */
export const lapse: CommandRow<{ readonly approvals: readonly string[]; readonly standing: readonly string[] }> = {
  isUngoverned: true,
  changes: () => ['control'],
  also: (command) => [
    ...command.approvals.map((id): EntryPlace => ['approval', id]),
    ...command.standing.map((id): EntryPlace => ['standing', id]),
  ],
  wish(command, view) {
    const isOver = (until: string | undefined): boolean => until !== undefined && until <= view.time;
    const over = {
      approvals: command.approvals.filter((id) => isOver(view.get('approval', id)?.request.expires_at)),
      standing: command.standing.filter((id) => isOver(view.get('standing', id)?.until)),
    };
    const [id = ''] = [...command.approvals, ...command.standing];
    return over.approvals.length + over.standing.length > 0
      ? event('lapse', over)
      : refused({ kind: 'approval_missing', id, standing: command.approvals.length === 0 });
  },
};
