import { FOLDS } from '../../flags/index.ts';
import { standingRecords } from '../approvals.ts';
import type { ControlPlane } from '../control-plane.ts';
import { givenList } from '../given/list.ts';
import { givenAllow, givenWithdrawStanding } from '../given/standing.ts';
import { STANDING_FILTERS } from '../list-filters.ts';
import { whoIsNamed } from '../hit.ts';
import { partOf } from '../lists.ts';
import { type Acting, answerTo } from './acting.ts';

/** What is approved in advance. */
export const standing = (acting: Acting): Pick<ControlPlane, 'allow' | 'standingApprovals' | 'withdrawStanding'> => ({
  async allow(options) {
    const recorded = await acting.append(givenAllow(options));
    const { data, actor, at, seq, reason } = recorded.event;
    const { id, action, agent_id, run_id, match, times, until } = FOLDS.standing.data.parse(data);
    const about = { id, action, agent_id, run_id, match, times, until };
    const allowed = { ...about, used: 0, allowed_by: actor, allowed_at: at, notes: reason, epoch: seq };
    const [agent, named, run] = await Promise.all([
      whoIsNamed(acting.known, { type: 'agent', id: agent_id }),
      whoIsNamed(acting.known, { type: 'action', id: action }),
      run_id === null ? undefined : whoIsNamed(acting.known, { type: 'run', id: run_id }),
    ]);
    return { standing: allowed, ...answerTo(recorded), matched: { agent, action: named, ...(run && { run }) } };
  },

  async standingApprovals(options = {}) {
    const { matches, ...page } = givenList('standingApprovals', options, STANDING_FILTERS);
    return partOf((await standingRecords(acting.connection)).filter(matches), page);
  },

  async withdrawStanding(options) {
    return answerTo(await acting.append(givenWithdrawStanding(options)));
  },
});
