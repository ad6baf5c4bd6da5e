import { noteIdleKills } from '../idle-kills.ts';
import { listing } from '../listing.ts';
import { killColumns } from '../tables.ts';

export const verb = listing({
  noun: 'active kill',
  order: ', newest first',
  none: 'Nothing is killed.',
  filters: {
    target: 'only the kill of exactly this target',
    agent: 'only the kill of this agent',
    action: 'only kills of this action, of patterns that match it, or of what this pattern matches',
    actor: 'only kills by this operator',
    since: 'only kills from then on: a time (RFC 3339), or how long ago, such as 2h',
  },
  async list(context, asked) {
    const kills = await (await context.control()).kills(asked);
    noteIdleKills(context, kills.data);
    return kills;
  },
  columns: (_, context) => killColumns(context),
});
