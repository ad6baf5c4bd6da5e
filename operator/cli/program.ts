import { Command, CommanderError } from 'commander';
import { closest } from '../../flags/closest.ts';
import { invalid, quoteId } from '../../flags/index.ts';
import { VERSION } from '../../store/version.ts';
import { within } from '../../store/with-deadline.ts';
import { IdArgument, mistypedTarget } from './arguments.ts';
import { COMPLETE } from './completion/name.ts';
import { EXIT, type ExitCode, type Perform } from './command.ts';
import { type Globals, warnOf, withContext } from './context.ts';
import { examplesHelp } from './examples.ts';
import { globalOptions } from './global-options.ts';
import type { Io } from './io.ts';
import { verbMeant } from './other-words.ts';
import { print, printError, write } from './print.ts';
import { STORE_HELP } from './store-url.ts';
import { Where, WHERE_HELP } from './where.ts';
import { GROUPS, VERBS, type VerbRow } from './verbs.ts';

/** Runs one command line. Never rejects: errors are printed, and set the exit code. */
export async function runCommand(io: Io): Promise<ExitCode> {
  if (io.argv[0] === COMPLETE) return (await import('./completion/complete.ts')).complete(io);
  let exitCode: ExitCode = EXIT.done;
  const where = new Where(() => program.opts<Globals>(), io);
  const program = buildProgram((run) => async (...given) => {
    const json = program.opts<Globals>().json === true;
    const warnings: string[] = [];
    await withContext({ json, where, io, warnings }, async (context) => {
      const command = given.at(-1);
      if (command instanceof Command) {
        const typed = command.registeredArguments.map((argument, at) =>
          argument instanceof IdArgument ? command.processedArgs[at] : [],
        );
        for (const id of typed.flat()) warnOf(id, context.note, warnings);
      }
      exitCode = await print(await run(context, ...given), { warnings: json ? warnings : null, where }, io);
    });
  });
  const failed = async (error: unknown): Promise<ExitCode> => {
    const end = io.argv.indexOf('--');
    const json = io.argv.slice(0, end < 0 ? undefined : end).includes('--json');
    const code = await printError(error, { json, where }, io);
    const target = mistypedTarget(error);
    const verb = program.reached.name();
    if (target !== null && ACT_ON_TARGETS.has(verb)) await recordAttempt({ verb, target }, where, io);
    return code;
  };
  try {
    await program.parseAsync(commandLine(io.argv), { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) return failed(error);
    if (error.exitCode !== 0) return failed(usageError(error, program));
    return write(io, program.printed).then(() => EXIT.done, failed);
  }
}

/** The verbs that stop a target, or give it back. */
const ACT_ON_TARGETS: ReadonlySet<string> = new Set(['kill', 'pause', 'restrict', 'revive']);

/** How long that is tried, in milliseconds: whoever has mistyped waits to type it again. */
const RECORD_MS = 1500;

interface Attempt {
  readonly verb: string;
  readonly target: string;
}

/**
 * Has the log keep that somebody has tried to stop something that is no target. The error is printed by then, and
 * nothing is said of this: where there is no log it is let go.
 */
async function recordAttempt({ verb, target }: Attempt, where: Where, io: Io): Promise<void> {
  const quiet: Io = { ...io, watched: false, err: () => {} };
  const recorded = withContext({ json: true, where, io: quiet, warnings: [], haste: true }, async (context) => {
    const control = await context.control();
    // It is no target, so both refuse it before anything else.
    await (verb === 'revive' ? control.revive({ target }) : control.kill({ target }));
  }).catch(() => {});
  await within(recorded, RECORD_MS, () => new Error('too late')).catch(() => {});
}

/** What was typed, with `help kill` and `version` as the options that they mean. */
function commandLine(argv: readonly string[]): string[] {
  const [first = '', ...rest] = argv;
  if (first === 'help') return [...rest, '--help'];
  return ['version', '-V'].includes(first) ? ['--version'] : [...argv];
}

/**
 * The commander program. `printed`: what commander wanted to print, of which only help is shown. `reached`: the last
 * command that it has parsed.
 */
interface Program extends Command {
  printed: string;
  reached: Command;
}

function buildProgram(perform: Perform): Program {
  const root = new Command('kill-switch');
  const program: Program = Object.assign(root, { printed: '', reached: root });
  const collect = (text: string): void => void (program.printed += text);
  program
    .description('Takes authority away from agents, at once and everywhere, and gives it back slowly.')
    .version(VERSION, '-v, --version', 'print the version')
    .helpCommand(false)
    .addHelpText('after', `${STORE_HELP}${WHERE_HELP}${FIRST_EXAMPLES}`)
    .configureOutput({ writeOut: collect, writeErr: collect })
    .exitOverride();
  for (const option of globalOptions()) program.addOption(option);
  const rows = new Map<Command, VerbRow>();
  const nouns = new Map<string, Command>();
  const load = async ({ args }: Command, command: Command): Promise<void> => {
    program.reached = command;
    // Before another word a verb is a noun (`budget remove`), and takes none of the options behind that.
    if (command.commands.some((under) => under.name() === args[1])) return;
    const { verb } = (await rows.get(command)?.load()) ?? {};
    verb?.(command, perform);
  };
  program.hook('preSubcommand', load);
  const nounOf = (word: string): Command => {
    const known = nouns.get(word);
    if (known) return known;
    const noun = program
      .command(word)
      .description(GROUPS[word] ?? '')
      .helpCommand(false)
      .addHelpText('after', helpAfter(word))
      .hook('preSubcommand', load);
    nouns.set(word, noun);
    return noun;
  };
  for (const row of VERBS) {
    const [word = '', under] = row.name.split(' ');
    const command = (under === undefined ? program : nounOf(word)).command(under ?? word);
    command.description(row.summary).helpCommand(false).addHelpText('after', helpAfter(row.name));
    rows.set(command.hook('preSubcommand', load), row);
    if (under === undefined) nouns.set(word, command);
  }
  return program;
}

const helpAfter = (name: string): string =>
  `${examplesHelp(name)}\nWhere it acts (--store, --profile, --organization), --operator and --json: kill-switch --help\n`;

const FIRST_EXAMPLES = `
Examples:
  kill-switch init
  kill-switch kill agent:returns-bot --reason "wrong refunds"
  kill-switch status
  kill-switch kill --help
`;

/** Commander's error as a sentence, with the help to look at. */
function usageError(error: CommanderError, { reached, printed }: Program): Error {
  const path = [reached.parent?.parent, reached.parent, reached].flatMap((command) => command?.name() ?? []).join(' ');
  if (error.code === 'commander.help') return invalid(`Say what to do: ${path} …\n\n${printed.trimEnd()}`);
  const said = error.message.replace(/^error: /, '').replace(/\s*\(Did you mean (.*)\?\)$/s, '. Did you mean $1?');
  const sentence = `${said.charAt(0).toUpperCase()}${said.slice(1)}`.replace(/[^.?]$/, '$&.');
  if (error.code === 'commander.unknownCommand' && reached.parent === null) return unknownVerb(reached.args[0] ?? '');
  const hint = error.code === 'commander.excessArguments' ? tooMany(reached, path) : '';
  return invalid(`${sentence}${hint} See: ${path} --help`);
}

function unknownVerb(word: string): Error {
  const meant = verbMeant(word);
  const hint =
    meant === undefined ? 'See: kill-switch --help' : `Did you mean ${meant}? See: kill-switch ${meant} --help`;
  return invalid(`Unknown command ${quoteId(word)}. ${hint}`);
}

function tooMany({ args, commands, registeredArguments }: Command, path: string): string {
  const names = commands.map((command) => command.name());
  const meant = closest(args[0] ?? '', names);
  if (meant !== undefined) return ` Did you mean ${path} ${meant}?`;
  return registeredArguments.length > 0 ? ' Put what contains spaces in quotes.' : '';
}
