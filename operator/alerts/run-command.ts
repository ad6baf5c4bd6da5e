import { spawn } from 'node:child_process';
import { messageOf } from '../../flags/index.ts';
import type { Outcome } from './post.ts';

/** What a command gets of this process's environment: nothing that could be a secret of ours. */
const PASSED_ON = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'LC_ALL',
  'LC_CTYPE',
  'TZ',
  'TMPDIR',
  'SYSTEMROOT',
];

/** How long a command that was told to end may take, in milliseconds. */
const GRACE_MS = 1000;

export interface Running {
  readonly command: string;
  /** JSON, for its standard input. */
  readonly body: string;
  readonly id: string;
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly attemptMs: number;
}

/**
 * Runs a command of an operator by `/bin/sh -c`, exactly as it was given: nothing of an alert is on its command line.
 * Exit code 0 is delivered. When its time is over its whole group gets SIGTERM, and SIGKILL a second later. Never
 * rejects.
 */
export function runCommand({ command, body, id, signal, attemptMs }: Running): Promise<Outcome> {
  const env = Object.fromEntries(PASSED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
  return new Promise((settle) => {
    const child = spawn('/bin/sh', ['-c', command], {
      env: { ...env, ALERT_ID: id },
      stdio: ['pipe', 'ignore', 'ignore'], // what it prints may have secrets of its own
      detached: true, // a group of its own, which can be ended as a whole
    });
    const kill = (how: 'SIGTERM' | 'SIGKILL'): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, how);
      } catch {
        // it has ended
      }
    };
    let ended: string | null = null;
    let grace: NodeJS.Timeout | undefined;
    const endIt = (why: string): void => {
      ended ??= why;
      kill('SIGTERM');
      grace ??= setTimeout(() => kill('SIGKILL'), GRACE_MS);
    };
    const late = setTimeout(() => endIt(`it took longer than ${attemptMs / 1000} s, and was ended`), attemptMs);
    const stop = (): void => endIt('it was ended with this process');
    const done = (outcome: Outcome): void => {
      clearTimeout(late);
      signal.removeEventListener('abort', stop);
      settle(outcome);
    };
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    child.stdin.once('error', () => {}); // it does not read what it is told, and may still exit with 0
    child.stdin.end(body);
    child.once('error', (error) => done({ delivered: false, says: `it could not be started (${messageOf(error)})` }));
    child.once('exit', (code, by) => {
      if (ended !== null) kill('SIGKILL'); // what of its group has not ended by itself
      clearTimeout(grace);
      const says = ended ?? (code === null ? `it was ended by ${by}` : `it exited with ${code}`);
      done({ delivered: ended === null && code === 0, says });
    });
  });
}
