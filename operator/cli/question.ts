import { type Command, Option } from 'commander';
import { EFFECTS, type Effect } from '../../flags/modes.ts';
import type { Question } from '../given/question.ts';
import { oneOf, parseJson } from './arguments.ts';
import type { Context } from './command.ts';
import { parseTime } from './duration.ts';

/** What was typed of a call that is asked about. */
export interface QuestionOptions {
  readonly agent?: string;
  readonly run?: string;
  readonly mission?: string;
  readonly action?: string;
  readonly effect?: Effect;
  readonly surface?: string;
  readonly feature?: string;
  readonly context?: Readonly<Record<string, unknown>>;
  readonly at?: string;
}

/** Adds the options of a verb that asks about a call. */
export const withQuestion = (command: Command): Command =>
  command
    .option('--agent <id>', 'who would act')
    .option('--run <id>', 'in which run')
    .option('--mission <id>', 'for which mission')
    .option('--action <name>', 'what it would do: email.send')
    .addOption(
      new Option('--effect <effect>', `one of ${EFFECTS.join(', ')} (default: write)`).argParser(
        oneOf('an effect', EFFECTS),
      ),
    )
    .option('--surface <name>', 'how it would be reached')
    .option('--feature <name>', 'the feature that it belongs to')
    .addOption(
      new Option('--context <json>', "the application's own attributes, as the conditions of rules see them").argParser(
        parseJson('--context', "an object with the application's own attributes"),
      ),
    )
    .addOption(
      new Option('--at <time>', 'at a time to come (RFC 3339), by the rules there are now (default: now)').argParser(
        parseTime,
      ),
    );

export const questionOf = ({ agent, run, mission, ...rest }: QuestionOptions): Question => {
  const { action, effect, surface, feature, context, at } = rest;
  return { agentId: agent, runId: run, missionId: mission, action, effect, surface, feature, context, at };
};

/** Says what an answer leaves open. */
export function noteWhoIsMissing({ note }: Pick<Context, 'note'>, { agent, action }: QuestionOptions): void {
  const missing = [...(agent === undefined ? ['--agent'] : []), ...(action === undefined ? ['--action'] : [])];
  if (missing.length > 0)
    note(
      `Without ${missing.join(' and ')}: what is restricted for one ${missing.length === 2 ? 'agent or action' : missing[0]?.slice(2)} alone does not count.`,
    );
}
