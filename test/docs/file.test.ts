import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../scripts/prepare.mjs';
import { type Agent, startAgents } from '../operator/cli/agents.ts';
import { run } from '../operator/cli/command.ts';
import { temporaryFolder } from '../servers/index.ts';

const bot: Agent = { id: 'returns-bot', action: 'email.send', ms: 1, heeds: 'signal' };

test('a trial begins anew as docs/file.md says, and not without what it says', { timeout: 120_000 }, async () => {
  const { path: cwd } = temporaryFolder('file-page');
  const directory = join(cwd, '.kill-switch');
  const ks = (...args: readonly string[]) => run(args, { cwd });
  const becomes = async (status: string): Promise<void> => {
    const agents = await startAgents({ directory, name: 'returns-bot', leaseMs: 2000, agents: [bot] });
    await agents.until('returns-bot', status);
    await agents.end('SIGTERM');
  };
  await ks('init');
  await ks('mode', 'live', '--reason', 'trial');
  await becomes('executed');

  const page = readFileSync(join(root, 'docs/file.md'), 'utf8');
  const [, remove, recover = ''] =
    /### To begin anew in a trial\n.*?```sh\n(.*?)\nkill-switch (.*?)\n```/s.exec(page) ?? [];
  expect(remove).toBe('rm -rf .kill-switch');
  rmSync(directory, { recursive: true });
  expect((await ks('init', '--store', 'file:.kill-switch')).code).toBe(1);
  await becomes('blocked');
  rmSync(directory, { recursive: true, force: true });
  const words = [...recover.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '');
  expect(await ks(...words)).toMatchObject({ code: 0 });
  await becomes('drafted');
});
