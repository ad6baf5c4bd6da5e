import { Option } from 'commander';
import { readTarget, shellWord, shownId } from '../../../flags/index.ts';
import { nameArgument, parseJson, untilOption, wholeNumber } from '../arguments.ts';
import type { Verb } from '../command.ts';
import type { End } from '../duration.ts';
import { saidOfNames } from '../named.ts';
import { shortTime, toJson } from '../output.ts';

interface Options {
  readonly agent: string;
  readonly run?: string;
  readonly match?: Readonly<Record<string, unknown>>;
  readonly times: number;
  readonly until: End;
  readonly notes?: string;
}

export const verb: Verb = (command, perform) => {
  const until = untilOption();
  until.description = 'when it ends: a time (RFC 3339), or a duration such as 8h; at most 30 days ahead';
  command
    .addArgument(nameArgument('action', 'the exact name of an action'))
    .addOption(new Option('--agent <id>', 'the agent that may perform it').makeOptionMandatory())
    .addOption(new Option('--run <id>', 'only in this run (default: in any)'))
    .addOption(
      new Option('--match <json>', 'only with arguments that have these members with these values').argParser(
        parseJson('--match', `members and their values as a JSON object, for instance '{"currency":"usd"}'`),
      ),
    )
    .addOption(
      new Option('--times <number>', 'how often at most, over all processes: 1 to 1000')
        .argParser(wholeNumber('--times', 1))
        .makeOptionMandatory(),
    )
    .addOption(until.makeOptionMandatory())
    .addOption(new Option('--notes <text>', 'what is to be remembered of this'))
    .action(
      perform(async (context, action: string, { agent, run, match, times, until: end, notes }: Options) => {
        const control = await context.control();
        const value = await control.allow({ action, agentId: agent, runId: run, match, times, notes, ...end });
        const { standing, epoch, matched } = value;
        const again = (change: Partial<Record<'agent' | 'action' | 'run', string>>): string => {
          const named = { action, agent, run, ...change };
          const inRun = named.run === undefined ? '' : ` --run ${shellWord(named.run)}`;
          return `kill-switch approval allow ${shellWord(named.action)} --agent ${shellWord(named.agent)}${inRun} …`;
        };
        const meant = (type: 'agent' | 'action' | 'run') => (near: string) => {
          const target = readTarget(near);
          return target?.type === type ? again({ [type]: target.id }) : null;
        };
        const { before, after } = saidOfNames(context, [
          { what: `agent:${shownId(agent)}`, matched: matched.agent, again: meant('agent') },
          { what: `action:${shownId(action)}`, matched: matched.action, again: meant('action') },
          { what: `run:${shownId(run ?? '')}`, matched: matched.run, again: meant('run') },
        ]);
        const only = [
          ...(run === undefined ? [] : [`in run:${shownId(run)}`]),
          ...(match === undefined ? [] : [`with ${toJson(match)}`]),
        ].join(', ');
        const text = `agent:${shownId(agent)} may perform ${shownId(action)}${only === '' ? '' : ` ${only}`} ${times === 1 ? 'once' : `${times} times`} until ${shortTime(standing.until)}, at epoch ${epoch}. To withdraw it: ${context.advice(`kill-switch approval withdraw ${standing.id}`)}`;
        return { value, text: [...before, text, ...after], recorded: text };
      }),
    );
};
