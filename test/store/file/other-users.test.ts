import { chmodSync, chownSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../../../scripts/prepare.mjs';
import { openSession } from './harness.ts';
import { AGENTS, ANN, as, BOB, ofUsers, report, WHY_NOT } from './users.ts';

const COMMAND = join(root, 'dist/operator/cli/main.js');

describe.skipIf(WHY_NOT !== null)(ofUsers('executors of two users'), () => {
  test.each([0o2770, 0o3770, 0o3775, 0o1777])(
    'can both report in a folder of the mode %o that was there before init, and the operator owns the folders',
    async (mode) => {
      const { session, directory } = await openSession();
      const executors = join(directory, 'executors');
      mkdirSync(executors, { recursive: true });
      chownSync(executors, 0, AGENTS);
      chmodSync(executors, mode);
      const control = await session.initialised();
      const { head } = await control.read([]);
      const fork = { against: head?.generation, held: { ...head, hash: 'f'.repeat(64) } };

      const ids = [[ANN, 'ann'] as const, [BOB, 'bob'] as const];
      for (const [user, name] of ids) {
        const answers = report(
          user,
          { directory, name },
          ['confirm', head, fork],
          ['put', 'surfaces', name, '[]'],
          ['put', 'checkpoints', `run-of-${name}`, '{}'],
          ['appendInterventions', ['{}']],
          ['appendProposals', ['{}']],
          ['appendSeen', ['{}']],
        );
        expect(answers).toMatchObject([{ head, events: [], forkReported: true }, null, null, null, null, null]);
      }

      const forks = join(executors, 'default', 'forks');
      const owners = readdirSync(forks).filter((name) => name.endsWith('.json'));
      expect(new Set(owners.map((name) => statSync(join(forks, name)).uid))).toEqual(new Set([ANN, BOB]));
      for (const path of [
        dirname(forks),
        ...['forks', 'beats', 'surfaces', 'checkpoints', 'interventions', 'proposals', 'seen'].map((kind) =>
          join(executors, 'default', kind),
        ),
      ]) {
        const { uid, gid, mode: made } = statSync(path);
        expect({ path, uid, gid, mode: made & 0o7777 }).toEqual({ path, uid: 0, gid: AGENTS, mode });
      }
      expect(new Map((await control.executors()).map(({ id, writer }) => [id, writer]))).toEqual(
        new Map(ids.map(([user, name]) => [name, `uid ${user}`])),
      );
    },
  );

  test('are refused changes at once, without attempts until a deadline', async () => {
    const { session, directory, lines } = await openSession();
    await session.initialised();
    const before = lines();
    const kill = as(ANN, process.execPath, COMMAND, 'kill', 'all', '--store', `file:${directory}`, '--json');
    expect(kill.status).toBe(1);
    expect(kill.stderr + kill.stdout).toMatch(/log\.jsonl cannot be written: EACCES\. This user has no permission/);
    expect(kill.stderr + kill.stdout).toContain('NOT_PERMITTED');
    expect(lines()).toEqual(before);
  });
});
