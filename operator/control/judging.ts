import type { Explanation } from '../answers.ts';
import type { ControlPlane } from '../control-plane.ts';
import { type Asking, givenQuestion, type Question } from '../given/question.ts';
import { AGENT_FILTERS, agentsIn, namesAllAgents } from '../agents.ts';
import { givenList } from '../given/list.ts';
import { judgeCall } from '../judge-call.ts';
import { judgeReports } from '../judge-reports.ts';
import { partOf } from '../lists.ts';
import { stopsTill } from '../held-stops.ts';
import type { Acting } from './acting.ts';

/** What would be decided about a call, and why; and who works, with what restricts each. */
export function judging({
  connection,
  opened,
  organizationId,
}: Acting): Pick<ControlPlane, 'check' | 'explain' | 'agents'> {
  /** The whole switch, by which any number of calls can be judged. */
  async function judging(): Promise<(asking: Asking) => Explanation> {
    const beats = await connection.executors(); // first, so that none has seen more than the head says
    const whole = await opened.whole();
    whole.state.stops.take(await stopsTill(connection, whole.state), whole.state);
    const { forks } = await judgeReports(beats, whole.state, connection);
    return (asking) => judgeCall({ organizationId, ...whole }, asking, forks);
  }

  async function judge(what: 'check' | 'explain', question: Question): Promise<Explanation> {
    const asking = givenQuestion(what, question);
    return (await judging())(asking);
  }

  return {
    async check(question = {}) {
      return (await judge('check', question)).decision;
    },

    async explain(question = {}) {
      return judge('explain', question);
    },

    async agents(options = {}) {
      const { matches, ...page } = givenList('agents', options, AGENT_FILTERS);
      const judged = await judging();
      const { beats } = await opened.hearing.hear();
      const seen = await opened.hearing.seen();
      const { data, count } = partOf(agentsIn({ beats, seen }).filter(matches), page);
      const rows = data.map(({ row }) => {
        const { decision, restrictions } = judged({ agentId: row.agent_id, effect: 'write', at: null });
        return { ...row, mode: decision.mode, restrictions };
      });
      return { data: rows, count, complete: namesAllAgents({ beats, seen }) };
    },
  };
}
