import { listing } from '../listing.ts';
import { ruleColumns } from '../rule-words.ts';

export const verb = listing({
  noun: 'rule',
  none: 'There is no standing rule.',
  filters: {
    target: 'only rules of exactly this target',
    agent: 'only rules of this agent',
    action: 'only rules of this action, of patterns that match it, or of what this pattern matches',
    actor: 'only rules that this operator has added',
    since: 'only rules that were added from then on: a time (RFC 3339), or how long ago, such as 2h',
  },
  list: async (context, asked) => (await context.control()).rules(asked),
  columns: () => ruleColumns(),
});
