import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { atExit } from './lifetime.ts';

/** A child process that a test may break and start again with the same arguments. */
export interface ServerProcess {
  /** The latest one; its `pid` is the server's own. */
  readonly process: ChildProcess;
  /** What it printed last, at most 16 KiB; for error messages. */
  readonly output: string;
  /** Starts it (again) and resolves when it is ready. */
  start(): Promise<void>;
  /** Sends a signal (default `SIGKILL`) and resolves when the process is gone; at once when it already is. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** SIGSTOP: it keeps its sockets and answers nothing. */
  freeze(): Promise<void>;
  /** SIGCONT: it goes on where it was. */
  thaw(): Promise<void>;
}

export interface ServerProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Asked every 20 ms while the process lives. */
  readonly isReady: () => Promise<boolean>;
  /** How long it may take to be ready. Default 15000. */
  readonly readyMs?: number;
}

export function serverProcess({ command, args, cwd, isReady, readyMs = 15_000 }: ServerProcessOptions): ServerProcess {
  let child: ChildProcess | undefined;
  let output = '';
  const current = (): ChildProcess => {
    if (!child) throw new Error(`${command} was not started.`);
    return child;
  };
  const isAlive = (): boolean => child?.exitCode === null && child.signalCode === null;

  async function kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (!child || !isAlive()) return;
    const gone = new Promise((resolve) => child?.once('exit', resolve));
    child.kill(signal);
    await gone;
  }

  /**
   * A stop signal is delivered a moment after it was sent: waits until the kernel shows it (Linux; elsewhere 50 ms).
   */
  async function signalled(signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    const { pid } = current();
    current().kill(signal);
    for (let tries = 0; tries < 100; tries++) {
      const stopped = processState(pid) === 'T';
      if (processState(pid) === undefined) return void (await sleep(50));
      if (stopped === (signal === 'SIGSTOP')) return;
      await sleep(1);
    }
    throw new Error(`${command} (${pid}) did not take ${signal}.`);
  }

  return {
    get process() {
      return current();
    },
    get output() {
      return output;
    },
    async start() {
      output = '';
      const [file, ...rest] = diesWithParent(command, args);
      child = spawn(file, rest, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
      child.once(
        'exit',
        atExit(() => child?.kill('SIGKILL')),
      );
      const failed = new Promise<never>((_, reject) => child?.once('error', reject));
      for (const stream of [child.stdout, child.stderr])
        stream?.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-16_384)));
      await Promise.race([failed, untilReady()]);
    },
    kill,
    freeze: () => signalled('SIGSTOP'),
    thaw: () => signalled('SIGCONT'),
  };

  async function untilReady(): Promise<void> {
    const deadline = performance.now() + readyMs;
    while (!(await isReady())) {
      const ended = !isAlive();
      if (!ended && performance.now() < deadline) {
        await sleep(20);
        continue;
      }
      await kill();
      throw new Error(`${command} ${ended ? 'ended' : `was not ready in ${readyMs} ms`}:\n${output}`);
    }
  }
}

const setpriv = ['setpriv', '--pdeathsig', 'KILL'] as const;
let canSetpriv: boolean | undefined;

/** On Linux the kernel ends the server when its parent dies without a chance to clean up. */
function diesWithParent(command: string, args: readonly string[]): [string, ...string[]] {
  canSetpriv ??= spawnSync(setpriv[0], [...setpriv.slice(1), 'true']).status === 0;
  return canSetpriv ? [...setpriv, command, ...args] : [command, ...args];
}

/** One letter, `T` for stopped; undefined where the system has no /proc. */
function processState(pid: number | undefined): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /s, '')[0];
  } catch {
    return undefined;
  }
}
