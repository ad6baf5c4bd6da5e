import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { owned } from './lifetime.ts';

/** For `describe.skipIf(!hasTerminals)`: the `script` of other systems takes other arguments. */
export const hasTerminals = `${spawnSync('script', ['--version']).stdout}`.includes('util-linux');

export interface TerminalOptions {
  /** Its width and height in characters; default 80 and 24. */
  readonly columns?: number;
  readonly rows?: number;
  readonly cwd?: string;
  /** The whole environment, beside TERM, which is `xterm` unless it is given. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A real pseudo-terminal in which one command runs. */
export interface Terminal {
  /** All that has been written to it so far, with plain line ends. */
  readonly screen: string;
  /** Resolves as soon as that holds for the screen. Rejects where the command ends without it. */
  until(holds: (screen: string) => boolean): Promise<void>;
  /** As if somebody typed it: `\x03` is Ctrl-C, which the terminal makes a SIGINT. */
  type(keys: string): void;
  /** The exit code, once the command has ended and all that it wrote has been read. */
  readonly exited: Promise<number | null>;
  /** Ends it; happens by itself at the end of the test or file that started it. */
  stop(): Promise<void>;
}

/**
 * Starts a command line of `sh` in a pseudo-terminal of its own, as somebody at a screen would. It is `script` of
 * util-linux that makes it, which every Debian and Ubuntu has (package bsdutils), so nothing is compiled or installed.
 */
export function openTerminal(commandLine: string, options: TerminalOptions = {}): Terminal {
  const { columns = 80, rows = 24, cwd, env = {} } = options;
  const sized = `stty cols ${columns} rows ${rows}; ${commandLine}`;
  const child: ChildProcess = spawn('script', ['--quiet', '--return', '--flush', '--command', sized, '/dev/null'], {
    cwd,
    env: { TERM: 'xterm', ...env, SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let written = '';
  let ended = false;
  const watchers = new Set<() => void>();
  const look = (): void => {
    for (const watcher of watchers) watcher();
  };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    written += text;
    look();
  });
  child.stdin?.on('error', () => {}); // the command has ended
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      ended = true;
      look();
      resolve(code);
    });
  });
  const plain = (): string => written.replaceAll('\r\n', '\n');
  const stop = owned(async () => {
    child.kill('SIGKILL'); // which closes the terminal, and so hangs up on the command
    await exited;
  });
  return {
    get screen() {
      return plain();
    },
    until: (holds) =>
      new Promise((resolve, reject) => {
        const watcher = (): void => {
          if (holds(plain())) resolve();
          else if (ended) reject(new Error(`The command ended, and its screen was:\n${plain()}`));
          else return;
          watchers.delete(watcher);
        };
        watchers.add(watcher);
        watcher();
      }),
    type: (keys) => void child.stdin?.write(keys),
    exited,
    stop,
  };
}
