import { Option } from 'commander';
import { invalid, type Mode, quoteId, shellWord, shownId, unsaidAttributes } from '../../../flags/index.ts';
import type { RecordedRule, RuleAnswer } from '../../answers.ts';
import {
  breakGlassOption,
  epochOption,
  MODE_HELP,
  nameArgument,
  parseJson,
  parseMode,
  pasted,
  reasonOption,
  targetArgument,
  untilOption,
  waitOption,
} from '../arguments.ts';
import type { Context, Verb } from '../command.ts';
import { type End, parseDuration, parseTime } from '../duration.ts';
import { shortTime } from '../output.ts';
import type { RuleRecord } from '../../rule-record.ts';
import { windowText } from '../rule-words.ts';
import { type Stop, stopping } from '../stopping.ts';

interface Options {
  readonly window?: string;
  readonly from?: string;
  readonly until?: End;
  readonly drain: number;
  readonly when?: Readonly<Record<string, unknown>>;
  readonly reason?: string;
  readonly epoch?: number;
  readonly breakGlass?: true;
  readonly wait: number;
}

const WHEN =
  'for whom it applies: a condition of flagd\'s on the whole evaluation context, such as \'{"===":[{"var":"environment"},"production"]}\' (default: for everybody)';

export const verb: Verb = (command, perform) => {
  command
    .addArgument(nameArgument('name', 'the name of a rule'))
    .addArgument(targetArgument('rule add NAME', ' MODE'))
    .argument('<mode>', MODE_HELP, parseMode)
    .option('--window <window>', 'when it applies, every week: "Mon-Fri 18:00-08:00 Europe/Berlin" (default: always)')
    .addOption(
      new Option('--from <time>', 'for one time: from when on (RFC 3339; default: at once)').argParser(parseTime),
    )
    .addOption(untilOption())
    .addOption(
      new Option(
        '--drain <duration>',
        'for how long before it applies new work waits and what runs may end (default: what runs then is aborted)',
      )
        .argParser(parseDuration)
        .default(0, '0'),
    )
    .addOption(
      new Option('--when <json>', WHEN).argParser(parseJson('--when', 'a condition of flagd as a JSON object')),
    )
    .addOption(reasonOption())
    .addOption(epochOption())
    .addOption(breakGlassOption())
    .addOption(waitOption())
    .action(
      perform(async (context, name: string, target: string, mode: Mode, options: Options) => {
        const { until, drain, wait, ...given } = options;
        if (until && 'lastsMs' in until && given.from !== undefined)
          throw invalid('Beside --from give --until as a time: it is not said what it lasts from.');
        const end = until && ('expiresAt' in until ? { until: until.expiresAt } : until);
        const control = await context.control();
        const rule = { ...given, ...end, name, target, mode, ...(drain > 0 && { drainMs: drain }) };
        const stop: Stop<RuleAnswer, RecordedRule> = {
          what: shownId(target),
          isEverything: target === 'all',
          setsUp: true,
          again: pasted(`rule add ${shellWord(name)}`, ` ${mode} …`),
          begin: (waiting) => control.addRule({ ...rule, ...waiting }),
          says: (told) => said(name, told, context.advice),
        };
        const answer = await stopping(context, [stop], { wait, shape: ([recorded]) => recorded });
        noteUnsaid(context, rule.when);
        return answer;
      }),
    );
};

/** Since it may not begin at once, also what its window does now. */
const phase = ({ state, next_change }: RuleRecord): string => {
  if (next_change === null) return '';
  const time = shortTime(next_change);
  return state === 'rests' ? ` It rests until ${time}.` : ` It ${state} now, until ${time}.`;
};

function said(name: string, { rule, epoch, already }: RecordedRule, advice: Context['advice']): string {
  if (!rule) return `The rule ${shownId(name)} was added at epoch ${epoch}, and has been removed since.`;
  const is = `The rule ${shownId(name)} leaves ${shownId(rule.target)} ${rule.mode}${windowText(rule)}`;
  if (already) return `${is} already. Your request is recorded, at epoch ${epoch}.`;
  const ahead =
    rule.compiled_until === null
      ? ''
      : ` Its hours are known until ${shortTime(rule.compiled_until)}; ${advice('kill-switch watch keeps them known, and beyond that it always applies')}.`;
  return `${is}, at epoch ${epoch}.${phase(rule)}${ahead}`;
}

/** That a call whose context lacks what a condition asks for is not restricted; nothing where it is. */
function noteUnsaid({ note }: Pick<Context, 'note'>, when: unknown): void {
  const names = unsaidAttributes(when).map((name) => quoteId(name));
  if (names.length === 0) return;
  const them = names.length === 1 ? names[0] : `any of ${names.join(', ')}`;
  note(
    `A call whose context does not say ${them} is not restricted by this rule: the context is the application's word, and a misspelt name says nothing. To restrict such calls too, give a fallback that meets the condition: {"var": [NAME, FALLBACK]}.`,
  );
}
