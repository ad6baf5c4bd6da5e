import type { Explanation } from '../answers.ts';
import type { ControlPlane } from '../control-plane.ts';
import { givenQuestion, type Question } from '../given/question.ts';
import { judgeCall } from '../judge-call.ts';
import { judgeReports } from '../judge-reports.ts';
import { stopsTill } from '../held-stops.ts';
import type { Acting } from './acting.ts';

/** What would be decided about a call, and why. */
export function judging({ connection, opened, organizationId }: Acting): Pick<ControlPlane, 'check' | 'explain'> {
  async function judge(what: 'check' | 'explain', question: Question): Promise<Explanation> {
    const asking = givenQuestion(what, question);
    const beats = await connection.executors(); // first, so that none has seen more than the head says
    const whole = await opened.whole();
    whole.state.stops.take(await stopsTill(connection, whole.state), whole.state);
    const { forks } = await judgeReports(beats, whole.state, connection);
    return judgeCall({ organizationId, ...whole }, asking, forks);
  }

  return {
    async check(question = {}) {
      return (await judge('check', question)).decision;
    },

    async explain(question = {}) {
      return judge('explain', question);
    },
  };
}
