import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startAgents } from '../operator/cli/agents.ts';
import { run } from '../operator/cli/command.ts';
import { temporaryFolder } from '../servers/index.ts';
import { followCommands } from './follow-commands.ts';

test('what docs/drills.md shows is what its commands print, in this order', { timeout: 120_000 }, async () => {
  const { path: cwd } = temporaryFolder('drills-page');
  const env = { KILL_SWITCH_OPERATOR: 'dana' };
  for (const line of ['init', 'mode live --reason launch', 'tripwire remove repeats --reason x'])
    await run(line.split(' '), { cwd, env });
  const bot = { ms: 50, heeds: 'signal' } as const;
  await startAgents({
    ...{ directory: join(cwd, '.kill-switch'), name: 'mailer', leaseMs: 1500 },
    agents: [
      { ...bot, id: 'mail-bot', action: 'mail.send' },
      { ...bot, id: 'other', action: 'db.read' },
    ],
  });
  expect(await followCommands('drills.md', { cwd, env, withinMs: 60_000 }, { within: true })).toBe(6);
});
