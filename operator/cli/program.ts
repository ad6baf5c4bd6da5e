import { Command, CommanderError, Option } from 'commander';
import { invalid, isKillSwitchError, messageOf, oddity, printable, shownId } from '../../flags/index.ts';
import { VERSION } from '../../store/own-beat.ts';
import type { ControlPlane } from '../control-plane.ts';
import { openControlPlane } from '../open.ts';
import { IdArgument } from './arguments.ts';
import { type Answer, type Context, EXIT, type ExitCode, type Lines, type Perform } from './command.ts';
import { CommandError } from './command-error.ts';
import { toJson, withoutCredentials } from './output.ts';
import { DEFAULT_STORE, parseStoreUrl, STORE_HELP, type Store } from './store-url.ts';
import { closest } from '../../flags/closest.ts';
import { GROUPS, VERBS, type VerbRow } from './verbs.ts';

/** The process, as far as the command has to do with it. */
export interface Io {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The name of the user of this system. */
  user(): string;
  /** Resolves when it is written; false when nobody reads any more. */
  out(text: string): Promise<boolean>;
  err(text: string): void;
  /** Whether a person looks at stderr. */
  readonly watched: boolean;
  untilInterrupted(): AbortSignal;
}

type Globals = { readonly [K in 'store' | 'organization' | 'operator']?: string } & { readonly json?: true };

/** After so long without an answer a person is told what is waited for, in milliseconds. */
const PATIENCE_MS = 1000;
const CLOSE_MS = 2000;
/** A snapshot spares the next command the reading of the whole log, so it is waited for, though not for ever. */
const SETTLE_MS = 30_000;
/** A log of so many bytes is read in no time; how far it is with a longer one is shown so often, in milliseconds. */
const [LONG_LOG_BYTES, SHOWN_EVERY_MS] = [16 * 1024 * 1024, 250];

/** Runs one command line. Never rejects: what goes wrong is printed, and is the exit code. */
export async function runCommand(io: Io): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.done;
  const program = buildProgram((run) => async (...given) => {
    const globals: Globals = program.opts();
    const warnings: string[] = [];
    await withContext(globals, io, warnings, async (context) => {
      const command = given.at(-1);
      if (command instanceof Command) {
        const typed = command.registeredArguments.map((argument, at) =>
          argument instanceof IdArgument ? command.processedArgs[at] : [],
        );
        for (const id of typed.flat()) warnOf(id, context.note, warnings);
      }
      exitCode = await print(await run(context, ...given), globals.json === true ? warnings : null, io);
    });
  });
  try {
    const [first, ...rest] = io.argv;
    await program.parseAsync(first === 'help' ? [...rest, '--help'] : [...io.argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) {
      await io.out(program.printed);
      return EXIT.done;
    }
    return printError(error instanceof CommanderError ? usageError(error, program) : error, io);
  }
}

/** The commander program. It collects what it would print, because help is all of it that is shown, and remembers how far it came. */
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
    .version(VERSION)
    .option(
      '--store <url>',
      `file:DIR, redis://…, rediss://… or redis+unix://… (env KILL_SWITCH_STORE; default ${DEFAULT_STORE})`,
    )
    .option('--organization <id>', 'whose switch (env KILL_SWITCH_ORGANIZATION; default "default")')
    .option('--operator <name>', 'who you are (env KILL_SWITCH_OPERATOR; default: the user of this system)')
    .addOption(new Option('--json', 'print one JSON value'))
    .helpCommand(false)
    .addHelpText('after', STORE_HELP)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: collect, writeErr: collect })
    .exitOverride();
  const rows = new Map<Command, VerbRow>();
  const nouns = new Map<string, Command>();
  const load = async (_parent: Command, command: Command): Promise<void> => {
    program.reached = command;
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
      .hook('preSubcommand', load);
    nouns.set(word, noun);
    return noun;
  };
  for (const row of VERBS) {
    const [word = '', under] = row.name.split(' ');
    const command = (under === undefined ? program : nounOf(word)).command(under ?? word);
    rows.set(command.description(row.summary).helpCommand(false).hook('preSubcommand', load), row);
    if (under === undefined) nouns.set(word, command);
  }
  return program;
}

/** An id is taken as it was typed, whatever it looks like. */
function warnOf(id: unknown, note: Context['note'], warnings: string[]): void {
  if (typeof id !== 'string') return;
  const problem = oddity(id);
  if (problem === null) return;
  const warning = `Warning: ${shownId(id)} ${problem}. It is taken exactly as it was typed, and is another than what looks the same.`;
  warnings.push(warning);
  note(warning);
}

async function withContext(
  globals: Globals,
  io: Io,
  warnings: string[],
  work: (context: Context) => Promise<void>,
): Promise<void> {
  const setting = (option: keyof Globals & string, name: string, otherwise: () => string): string => {
    const given = globals[option] ?? io.env[name];
    if (given === undefined) return otherwise();
    // An empty variable is a mistake in a script: taken for "not set", a kill would go to another store and report success.
    if (given === '') throw invalid(`--${option} (or ${name}) is empty: give it a value, or leave it out.`);
    return String(given);
  };
  const organizationId = setting('organization', 'KILL_SWITCH_ORGANIZATION', () => 'default');
  let store: Store | undefined;
  let opened: Promise<ControlPlane> | undefined;
  let waiting: NodeJS.Timeout | undefined;
  const context: Context = {
    organizationId,
    json: globals.json === true,
    get store() {
      store ??= parseStoreUrl(setting('store', 'KILL_SWITCH_STORE', () => DEFAULT_STORE));
      return store;
    },
    control({ operate } = { operate: false }) {
      opened ??= (async () => {
        const operator = { id: setting('operator', 'KILL_SWITCH_OPERATOR', () => io.user()) };
        warnOf(operator.id, context.note, warnings);
        const { location } = context.store;
        waiting = setTimeout(() => context.note(`Waiting for ${location} … (Ctrl-C gives up)`), PATIENCE_MS);
        const onTrouble = (problem: string): void =>
          context.note(problem === '' ? 'Nothing keeps kills any more from ending when their time is over.' : problem);
        return openControlPlane({
          store: await context.store.control(),
          organizationId,
          operator,
          operate,
          onTrouble,
          onReading: shown(context, io.watched),
        });
      })();
      return opened;
    },
    note: (line) => io.err(`${withoutCredentials(printable(line))}\n`),
    progress(line) {
      clearTimeout(waiting);
      if (io.watched) io.err(`\r\u001b[K${printable(line)}`);
    },
    untilInterrupted() {
      clearTimeout(waiting);
      return io.untilInterrupted();
    },
  };
  warnOf(organizationId, context.note, warnings);
  try {
    await work(context);
  } finally {
    clearTimeout(waiting);
    await closeQuietly(opened);
  }
}

/** What was done is done: a connection that cannot be closed in time does not change the answer. */
async function closeQuietly(opened: Promise<ControlPlane> | undefined): Promise<void> {
  for (const [ms, end] of [
    [SETTLE_MS, (control: ControlPlane) => control.settled()],
    [CLOSE_MS, (control: ControlPlane) => control.close()],
  ] as const) {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    await Promise.race([opened?.then(end).catch(() => {}), late]);
    clearTimeout(timer);
  }
}

/** Says how far the reading of a long log is, so that it does not look like hanging: line by line where nobody looks, one line for each tenth. */
function shown(context: Context, watched: boolean): (bytes: number, of: number) => void {
  const begun = performance.now();
  let last = begun;
  let noted = -1;
  return (bytes, of) => {
    const now = performance.now();
    if (of < LONG_LOG_BYTES || now - last < SHOWN_EVERY_MS) return;
    last = now;
    const line = `Reading the log: ${Math.round(bytes / 1e6)} of ${Math.round(of / 1e6)} MB`;
    context.progress(line);
    const part = Math.floor((10 * bytes) / of);
    if (!watched && now - begun > PATIENCE_MS && part > noted) {
      noted = part;
      context.note(line);
    }
  };
}

/** @param warnings what stands beside the value in JSON; null: no JSON is asked for */
async function print(result: Answer | Lines, warnings: readonly string[] | null, io: Io): Promise<ExitCode> {
  const json = warnings !== null;
  if ('lines' in result) {
    for await (const { value, text } of result.lines) {
      const line = `${json ? toJson(value) : forPeople(text)}\n`;
      if (result.beside && !json) io.err(line);
      else if (!(await io.out(line))) break;
    }
    return EXIT.done;
  }
  if (io.watched) io.err('\r\u001b[K');
  await io.out(`${json ? toJson(withWarnings(result.value, warnings), 2) : forPeople(result.text)}\n`);
  return result.exitCode ?? EXIT.done;
}

const withWarnings = (value: unknown, warnings: readonly string[]): unknown =>
  warnings.length > 0 && typeof value === 'object' && value !== null && !Array.isArray(value)
    ? { ...value, warnings }
    : value;

/** Lines are ours; within them nothing may steer a terminal, whatever a verb forgot. */
const forPeople = (text: string): string => text.split('\n').map(printable).join('\n');

async function printError(error: unknown, io: Io): Promise<ExitCode> {
  const code = isKillSwitchError(error) || error instanceof CommandError ? error.code : 'INTERNAL';
  const detail = withoutCredentials(messageOf(error));
  const end = io.argv.indexOf('--');
  if (io.argv.slice(0, end < 0 ? undefined : end).includes('--json')) await io.out(`${toJson({ detail, code })}\n`);
  io.err(`${io.watched ? '\r\u001b[K' : ''}${forPeople(detail)}\n`);
  return code === 'INVALID_ARGUMENT' ? EXIT.usage : EXIT.failed;
}

/** What commander says, as a sentence that goes on to say where to look. */
function usageError(error: CommanderError, { reached, printed }: Program): Error {
  const path = [reached.parent?.parent, reached.parent, reached].flatMap((command) => command?.name() ?? []).join(' ');
  if (error.code === 'commander.help') return invalid(`Say what to do: ${path} …\n\n${printed.trimEnd()}`);
  const said = error.message.replace(/^error: /, '').replace(/\s*\(Did you mean (.*)\?\)$/s, '. Did you mean $1?');
  const sentence = `${said.charAt(0).toUpperCase()}${said.slice(1)}`.replace(/[^.?]$/, '$&.');
  const hint = error.code === 'commander.excessArguments' ? tooMany(reached, path) : '';
  return invalid(`${sentence}${hint} See: ${path} --help`);
}

function tooMany({ args, commands, registeredArguments }: Command, path: string): string {
  const names = commands.map((command) => command.name());
  const meant = closest(args[0] ?? '', names);
  if (meant !== undefined) return ` Did you mean ${path} ${meant}?`;
  return registeredArguments.length > 0 ? ' Put what contains spaces in quotes.' : '';
}
