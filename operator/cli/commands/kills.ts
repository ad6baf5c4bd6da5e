import type { Status } from '../../answers.ts';
import type { Context } from '../command.ts';
import { noteIdleKills } from '../idle-kills.ts';
import { listing } from '../listing.ts';
import { quoted } from '../output.ts';
import { killColumns } from '../tables.ts';

/** Where the log has no kill, executors may have stopped something all the same. */
function noteStops(context: Context, stops: Status['stops']): void {
  for (const { target, by } of stops)
    context.note(
      `${quoted(target)} is stopped by ${by}, which no operating process has recorded yet: kill-switch status`,
    );
}

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
    const control = await context.control();
    const kills = await control.kills(asked);
    noteIdleKills(context, kills.data);
    if (kills.count === 0) noteStops(context, (await control.status()).stops);
    return kills;
  },
  columns: (_, context) => killColumns(context),
});
