import { agentColumns } from '../agent-table.ts';
import { listing } from '../listing.ts';

export const verb = listing({
  noun: 'agent',
  order: ', those who work now first, then those heard of last',
  none: 'No executor has reported an agent in the last day.',
  filters: {
    target: 'only agents in something that a kill of this target would reach',
    agent: 'only this agent',
    action: 'only agents that have called this action, or one that this pattern matches',
    since: 'only agents that were heard of since: a time (RFC 3339), or how long ago, such as 2h',
  },
  async list(context, asked) {
    const { complete, ...agents } = await (await context.control()).agents(asked);
    const below = complete
      ? []
      : ['There may be more: executors have more work open, or have met more, than they name.'];
    return { ...agents, below, more: { complete } };
  },
  columns: () => agentColumns(),
});
