import { cpSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { root } from '../../scripts/prepare.mjs';
import { type Agent, startAgents } from '../operator/cli/agents.ts';
import { run } from '../operator/cli/command.ts';
import { temporaryFolder } from '../servers/index.ts';

const page = readFileSync(join(root, 'docs/operations.md'), 'utf8');

/** What a part of the page shows as printed. */
function shown(heading: string): readonly string[] {
  const [, rest = ''] = page.split(`\n## ${heading}\n`);
  const [section = ''] = rest.split(/^## /m);
  const texts = [...section.matchAll(/^```text\n(.*?)^```$/gms)].map(([, text = '']) => text);
  return texts.join('').split('\n').map(steady).filter(Boolean);
}

/** Without what differs from run to run: ids, processes, places, moments, and how long something took. */
const steady = (line: string): string =>
  line
    .replaceAll(/\b[0-9a-f]{64}\b/g, 'HASH')
    .replaceAll(/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/g, 'ID')
    .replaceAll(/(file:)?\/\S*?\.kill-switch/g, 'STORE')
    .replaceAll(/[\w.-]+\/\d+/g, 'PROCESS')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/uid \d+/g, 'UID')
    .replace(/(applied +\d+ +\d+ +\d+ +)\d+/, '$1#')
    .replace(/(lease over +\d+ +)\d+/, '$1#') // whether it was acting when it was killed
    .replaceAll(/\d+ m?s\b/g, '#')
    .replace(/^(It hits [^.;]*)[.;].*(In flight there).*/, '$1. $2')
    .replaceAll(/ +/g, ' ')
    .trim();

const bot: Agent = { id: 'returns-bot', action: 'email.send', ms: 20, heeds: 'signal' };
const slow: Agent = { id: 'price-bot', action: 'prices.import', ms: 120_000, heeds: 'blind' };

test('what docs/operations.md shows is what the command prints', { timeout: 180_000 }, async () => {
  const { path: folder } = temporaryFolder('operator-page');
  const directory = join(folder, '.kill-switch');
  const log = join(directory, 'control/default/log.jsonl');
  const ks = async (line: string, cwd = folder): Promise<string> => {
    const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '');
    const { stdout, stderr } = await run(words, { cwd, env: { KILL_SWITCH_OPERATOR: 'dana' } });
    return `${stdout}\n${stderr}`;
  };
  const expectShown = (heading: string, printed: string): void => {
    const lines = printed.split('\n').map(steady);
    expect(shown(heading).length, heading).toBeGreaterThan(0);
    for (const line of shown(heading)) expect.soft(lines, `${heading}\n${printed}`).toContain(line);
  };
  const until = async (line: string, says: RegExp): Promise<void> => {
    while (!says.test(await ks(line))) await sleep(200);
  };

  expectShown('The wrong folder', await ks('kill all'));
  const apart = join(folder, 'apart');
  mkdirSync(apart);
  await ks('init --store file:.kill-switch', apart);
  await ks('mode live --reason launch', apart);
  expectShown('Nobody has heard it', await ks('kill all', apart));

  await ks('init');
  await ks('mode live --reason launch');
  const bots = await startAgents({ directory, name: 'returns-bot', leaseMs: 2000, agents: [bot] });
  await startAgents({ directory, name: 'price-bot', leaseMs: 2000, agents: [slow] });
  await until('executors', /price-bot +applied +2 +1 /);
  expectShown('An agent misbehaves', await ks('kill agent:returns-bot --reason "wrong refunds"'));
  expectShown('The name was mistyped', await ks('kill agent:pricebot'));
  expectShown('Something still runs', await ks('kill agent:price-bot --wait 2s'));
  expectShown('Giving it back', await ks('revive agent:returns-bot --reason "rule fixed"'));

  await until('executors', /returns-bot +applied +6 /);
  await bots.end('SIGKILL');
  await until('executors', /returns-bot +silent, lease over/);
  expectShown('An executor is silent', await ks('kill agent:returns-bot --wait 10s'));

  const backup = join(folder, 'backup');
  cpSync(log, backup);
  await ks('kill agent:another --wait 0');
  await until('executors', /price-bot +\w+ +8 /);
  renameSync(backup, log);
  await until('status', /FORK/);
  expectShown('Lost changes: a fork', await ks('status'));
  expectShown('A backup was restored', await ks('recover --reason "backup of this morning"'));

  writeFileSync(log, readFileSync(log, 'utf8').replace('launch', 'lunch'));
  expectShown('The log is damaged', await ks('log verify'));
  expectShown('The store cannot be reached', await ks('kill all --store redis://localhost:1'));
});
