import { notify } from '../../flags/callbacks.ts';
import { loosens } from '../../flags/index.ts';
import type { ControlPlane } from '../control-plane.ts';
import { givenList } from '../given/list.ts';
import { givenRule, givenRuleRemoval } from '../given/rule.ts';
import { RULE_FILTERS } from '../list-filters.ts';
import { ruleRecord } from '../rule-record.ts';
import { ruleRecords } from '../status.ts';
import { type Acting, answerTo } from './acting.ts';

/** Standing restrictions. */
export const rules = (acting: Acting): Pick<ControlPlane, 'addRule' | 'removeRule' | 'rules'> => ({
  async addRule(options) {
    const { command, waiting } = givenRule(options);
    const recorded = await acting.set(command);
    const { view, event, change } = recorded;
    const found = view.get('rule', command.name);
    const rule = found ? ruleRecord(acting.organizationId, [command.name, found], event.at) : null;
    const answer = { ...answerTo(recorded), rule };
    notify(waiting.onRecorded, answer);
    if (change && loosens(change)) return answer;
    return { ...answer, ...(await acting.heard(command, recorded, waiting)) };
  },

  async removeRule(options) {
    return answerTo(await acting.set(givenRuleRemoval(options)));
  },

  async rules(options = {}) {
    const asked = givenList('rules', options, RULE_FILTERS);
    const whole = await acting.opened.whole();
    return ruleRecords({ organizationId: acting.organizationId, ...whole }, asked);
  },
});
