import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { root } from '../../scripts/prepare.mjs';
import { startAgents } from '../operator/cli/agents.ts';
import { run } from '../operator/cli/command.ts';
import { temporaryFolder } from '../servers/index.ts';

const page = readFileSync(join(root, 'docs/rules.md'), 'utf8');

/** Each command of the page, and what stands below it as printed. */
const COMMANDS = [...page.matchAll(/^```sh\n(.*?)\n```\n\n```text\n(.*?)^```$/gms)].map(
  ([, command = '', printed = '']) => ({ command, printed }),
);

/** Without what differs from run to run, and with the hour: how long something took, and what a window does now. */
const steady = (line: string): string =>
  line
    .replaceAll(/\d+ ms/g, '#')
    .replace(/ It (applies now,|rests) until \S+Z\./, '')
    .replace(/ known until \S+;/, ' known until #;')
    .replaceAll(/ +/g, ' ')
    .trim();

/** The words of a command line, as a shell reads them. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '');

test('what docs/rules.md shows is what its commands print, in this order', { timeout: 120_000 }, async () => {
  const { path: cwd } = temporaryFolder('rules-page');
  const env = { KILL_SWITCH_OPERATOR: 'dana' };
  await run(['init'], { cwd, env });
  await run(['mode', 'live', '--reason', 'launch'], { cwd, env });
  const agents = [{ id: 'deployer', action: 'infra.apply', ms: 20, heeds: 'signal' } as const];
  await startAgents({ directory: join(cwd, '.kill-switch'), name: 'deployer', leaseMs: 2000, agents });
  while (!/deployer +applied/.test((await run(['executors'], { cwd, env })).stdout)) await sleep(100);

  expect(COMMANDS).toHaveLength(16);
  for (const { command, printed } of COMMANDS) {
    const [program, ...words] = wordsOf(command);
    expect(program).toBe('kill-switch');
    const { stdout, stderr } = await run(words, { cwd, env });
    const lines = `${stdout}\n${stderr}`.split('\n').map(steady);
    for (const line of printed.split('\n').filter(Boolean)) {
      expect
        .soft(
          lines.some((each) => each.startsWith(steady(line))),
          `${command}\n${line}\n${stdout}\n${stderr}`,
        )
        .toBe(true);
    }
  }
});

test('the four rules that the page promises are one command each', () => {
  const [, section = ''] = page.split('## Four rules, one command each');
  const [four = ''] = section.split('\n## ');
  expect([...four.matchAll(/^kill-switch rule add .*$/gm)]).toHaveLength(4);
});
