import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Users and the group that they share; nobody needs to have given them names. */
export const [ANN, BOB, EVE, AGENTS] = [64_001, 64_002, 64_003, 64_100];
const NODE = process.execPath;
const REPORTER = fileURLToPath(new URL('reporter.mjs', import.meta.url));

/** What setpriv needs to run a command as another user. */
export const asArguments = (user: number, ...command: readonly string[]): string[] => [
  ...[`--reuid=${user}`, `--regid=${user}`, `--groups=${AGENTS}`, '--'],
  ...command,
];

/** Runs a command as another user. */
export const as = (user: number, ...command: readonly string[]) =>
  spawnSync('setpriv', asArguments(user, ...command), { encoding: 'utf8', env: { PATH: process.env['PATH'] } });

export interface Reporter {
  readonly directory: string;
  readonly name: string;
  readonly umask?: string;
}

/** An executor of another user does these steps, one after the other, and prints what came of each. */
export function report(
  user: number,
  { directory, name, umask = '022' }: Reporter,
  ...steps: readonly unknown[][]
): readonly unknown[] {
  const { stdout, stderr } = as(user, NODE, REPORTER, directory, name, umask, JSON.stringify(steps));
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as unknown[];
}

/** Why no other user can run an executor here, or null. */
export const WHY_NOT = ((): string | null => {
  if (process.getuid?.() !== 0) return 'only root may run processes as other users';
  const { status, error, stderr } = as(ANN, NODE, '--check', REPORTER);
  if (error) return `there is no setpriv: ${error.message}`;
  return status === 0 ? null : `another user may not run what is here: ${stderr.trim()}`;
})();

/** For `describe` that needs other users. */
export const ofUsers = (what: string): string => `${what}${WHY_NOT === null ? '' : ` (not here: ${WHY_NOT})`}`;
