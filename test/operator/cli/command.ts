import { type ChildProcess, spawn } from 'node:child_process';
import { on } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { runCommand } from '../../../operator/cli/program.ts';
import { root } from '../../../scripts/prepare.mjs';
import { shellWord } from '../../../flags/index.ts';
import { openTerminal, type Terminal, type TerminalOptions } from '../../servers/terminal.ts';
import { owned, temporaryFolder } from '../../servers/lifetime.ts';

/** The built command, as npm would link it. */
const MAIN = join(root, 'dist/operator/cli/main.js');

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
  /** What was printed on stdout, as JSON. */
  readonly json: ReturnType<typeof JSON.parse>;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly main?: string;
  /** How long it may take, in milliseconds; default 20 s. */
  readonly withinMs?: number;
}

type Size = Pick<TerminalOptions, 'columns' | 'rows'>;

/** Only what a fresh shell has: settings of whoever runs the tests must not reach the command. */
function freshShell(): Record<string, string> {
  const { PATH = '', HOME = '', XDG_STATE_HOME = '' } = process.env; // the last: nothing of a test is left in the home
  return { PATH, HOME, XDG_STATE_HOME };
}

const spawnCommand = (args: readonly string[], { cwd, env = {}, main = MAIN }: RunOptions): ChildProcess => {
  return spawn(process.execPath, [main, ...args], {
    cwd: cwd ?? root,
    env: { ...freshShell(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
};

const ran = (code: number | null, texts: Pick<Ran, 'stdout' | 'stderr'>, ms: number): Ran => ({
  code,
  ...texts,
  ms,
  get json() {
    if (texts.stdout === '') throw new Error(`Nothing on stdout; exit ${code}: ${texts.stderr}`);
    return JSON.parse(texts.stdout);
  },
});

/** Runs the command until it ends by itself; where that takes too long it is killed, and `code` is null. */
export function run(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const since = performance.now();
  const child = spawnCommand(args, options);
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (text: string) => (texts[name] += text));
  const timer = setTimeout(() => child.kill('SIGKILL'), options.withinMs ?? 20_000);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve(ran(code, texts, performance.now() - since));
    });
  });
}

/**
 * The same command line without a process of its own: for long tables of them. `watched`: as if a person looked at
 * stderr. `cwd`: where the switch is looked for.
 */
export async function runHere(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  { watched = false, cwd = process.cwd() }: { readonly watched?: boolean; readonly cwd?: string } = {},
): Promise<Ran> {
  const since = performance.now();
  const texts = { stdout: '', stderr: '' };
  const code = await runCommand({
    argv: args,
    env,
    cwd: () => cwd,
    user: () => 'dana',
    out: async (text) => {
      texts.stdout += text;
      return true;
    },
    err: (text) => {
      texts.stderr += text;
    },
    watched,
    screen: null,
    live: null,
    untilInterrupted: () => new AbortController().signal,
  });
  return ran(code, texts, performance.now() - since);
}

/** A command that goes on until it is told to end; killed at the end of the test if it still runs. */
export interface Running {
  readonly process: ChildProcess;
  /** All that it has printed on stderr so far. */
  readonly stderr: string;
  /** The next line of stdout (or of stderr) for which this is true, of those not yet taken. */
  line(matches: (line: string) => boolean, from?: 'stdout' | 'stderr'): Promise<string>;
  /** The exit code, once it has ended; null when a signal killed it. */
  readonly exited: Promise<number | null>;
  /** Sends the signal and resolves with the exit code when it is gone; null when the signal killed it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export function start(args: readonly string[], options: RunOptions = {}): Running {
  const child = spawnCommand(args, options);
  let stderr = '';
  const lines = {
    stdout: createInterface({ input: child.stdout as NodeJS.ReadableStream }),
    stderr: createInterface({ input: child.stderr as NodeJS.ReadableStream }),
  };
  lines.stderr.on('line', (line) => (stderr += `${line}\n`));
  const iterators = {
    stdout: on(lines.stdout, 'line', { close: ['close'] }),
    stderr: on(lines.stderr, 'line', { close: ['close'] }),
  };
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  owned(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  return {
    process: child,
    get stderr() {
      return stderr;
    },
    exited,
    async line(matches, from = 'stdout') {
      for (;;) {
        const { value, done } = await iterators[from].next();
        if (done) throw new Error(`The command ended without the expected line:\n${stderr}`);
        const [line] = value as [string];
        if (matches(line)) return line;
      }
    },
    end(signal) {
      child.kill(signal);
      return exited;
    },
  };
}

/**
 * The built command in a real terminal. `redirected`: what follows it on the shell's command line (`2> notes`,
 * `| cat`). `before`: what the shell, which the command then takes the place of, does first (`echo $$ > pid;`).
 */
export function onTerminal(
  args: readonly string[],
  {
    cwd = root,
    env = {},
    main = MAIN,
    redirected = '',
    before = '',
    ...size
  }: RunOptions & Size & { readonly redirected?: string; readonly before?: string } = {},
): Terminal {
  const line = [process.execPath, main, ...args].map(shellWord).join(' ');
  return openTerminal(`${before} exec ${line} ${redirected}`, { ...size, cwd, env: { ...freshShell(), ...env } });
}

/**
 * A folder of its own for a file store, and the command in it. `built`: each command is the built one, in a process of
 * its own; by default only those that end by a signal or show something on a terminal are.
 */
export function fileSwitch(which: 'built' | 'here' = 'here'): {
  readonly folder: string;
  readonly directory: string;
  run(...args: string[]): Promise<Ran>;
  json(...args: string[]): Promise<Ran>;
  /** In a terminal of its own. */
  terminal(args: readonly string[], more?: Parameters<typeof onTerminal>[1]): Terminal;
  /** Without a process of its own, and so with the store's whole path. */
  here(...args: string[]): Promise<Ran>;
} {
  const { path, remove } = temporaryFolder('cli');
  owned(async () => remove());
  const work = join(path, 'work');
  const directory = join(work, '.kill-switch');
  mkdirSync(work);
  const options = { cwd: work, env: { ...freshShell(), KILL_SWITCH_OPERATOR: 'dana' } };
  const own = (args: readonly string[]): Promise<Ran> =>
    which === 'built' ? run(args, options) : runHere(args, options.env, options);
  return {
    folder: work,
    directory,
    run: (...args) => own(args),
    json: (...args) => own([...args, '--json']),
    terminal: (args, more = {}) => onTerminal(args, { ...more, cwd: work, env: { ...options.env, ...more.env } }),
    here: (...args) => runHere(args, { KILL_SWITCH_STORE: `file:${directory}`, KILL_SWITCH_OPERATOR: 'dana' }),
  };
}

/** Runs jobs a few at a time: the machine is shared. */
export async function each<T>(jobs: readonly T[], work: (job: T) => Promise<void>): Promise<void> {
  const waiting = [...jobs];
  const lane = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await work(job);
  };
  await Promise.all([lane(), lane(), lane()]);
}
