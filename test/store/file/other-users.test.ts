import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { Head } from '../../../flags/index.ts';
import { fileName } from '../../../store/file/paths.ts';
import { openSession } from './harness.ts';

/** Two users and the group that they share; nobody needs to have given them names. */
const [ANN, BOB, AGENTS] = [64_001, 64_002, 64_100];
const NODE = process.execPath;
const REPORTER = fileURLToPath(new URL('reporter.mjs', import.meta.url));

const as = (user: number, ...command: readonly string[]) => {
  const rights = [`--reuid=${user}`, `--regid=${user}`, `--groups=${AGENTS}`, '--'];
  return spawnSync('setpriv', [...rights, ...command], { encoding: 'utf8', env: { PATH: process.env['PATH'] } });
};

/** Why no other user can run an executor here, or null. */
function impossible(): string | null {
  if (process.getuid?.() !== 0) return 'only root may run processes as other users';
  const { status, error, stderr } = as(ANN, NODE, '--check', REPORTER);
  if (error) return `there is no setpriv: ${error.message}`;
  return status === 0 ? null : `another user may not run what is here: ${stderr.trim()}`;
}
const WHY_NOT = impossible();

describe.skipIf(WHY_NOT !== null)(`executors of two users${WHY_NOT === null ? '' : ` (not here: ${WHY_NOT})`}`, () => {
  test.each([0o2770, 0o3770, 0o3775])(
    'in a folder of the mode %o that their group may write, both can report, whoever was first',
    async (mode) => {
      const { session, directory } = await openSession();
      const control = await session.initialised();
      const { head } = await control.read([]);
      const executors = join(directory, 'executors');
      mkdirSync(executors, { recursive: true });
      chownSync(executors, 0, AGENTS);
      chmodSync(executors, mode);

      for (const [user, name] of [[ANN, 'ann'] as const, [BOB, 'bob'] as const]) {
        const { status, stderr } = as(
          user,
          NODE,
          REPORTER,
          directory,
          name,
          JSON.stringify(head satisfies Head | null),
        );
        expect({ name, status, stderr }).toEqual({ name, status: 0, stderr: '' });
      }

      const forks = join(executors, 'default', 'forks', fileName(head?.generation ?? ''));
      expect(readdirSync(forks).sort()).toEqual(['ann.json', 'bob.json']);
      for (const path of [
        forks,
        dirname(forks),
        ...['beats', 'surfaces', 'checkpoints', 'interventions', 'proposals'].map((kind) =>
          join(executors, 'default', kind),
        ),
      ]) {
        const { gid, mode: made } = statSync(path);
        expect({ path, gid, mode: made & 0o7777 }).toEqual({ path, gid: AGENTS, mode });
      }
      expect(new Map((await control.executors()).map(({ id, writer }) => [id, writer]))).toEqual(
        new Map([
          ['ann', `uid ${ANN}`],
          ['bob', `uid ${BOB}`],
        ]),
      );
    },
  );
});
