import { expect, test } from 'vitest';
import { run } from '../operator/cli/command.ts';
import { temporaryFolder } from '../servers/index.ts';
import { followCommands } from './follow-commands.ts';

test('what docs/governance.md shows is what its commands print, in this order', { timeout: 120_000 }, async () => {
  const { path: cwd } = temporaryFolder('governance-page');
  const env = { KILL_SWITCH_OPERATOR: 'dana' };
  await run(['init'], { cwd, env });
  await run(['mode', 'live', '--reason', 'launch'], { cwd, env });
  expect(await followCommands('governance.md', { cwd, env })).toBe(12);
});
