import { OpenFeature } from '@openfeature/server-sdk';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createKillSwitch } from '../../../../index.ts';
import { VERBS } from '../../../../operator/cli/verbs.ts';
import { fileStore } from '../../../../store/file/index.ts';
import { redisStore } from '../../../../store/redis/index.ts';
import type { ExecutorStore } from '../../../../store/ports.ts';
import { hasRedis, startRedis, temporaryFolder } from '../../../servers/index.ts';
import { owned } from '../../../servers/lifetime.ts';
import { fileSwitch, type Ran, run, runHere } from '../command.ts';

/** The words that are suggested, of those that stand in `zsh`'s answer without what they do. */
const wordsIn = ({ stdout, stderr, code }: Ran): string[] => {
  expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t')[0] ?? '');
};

const here = async (env: Readonly<Record<string, string>>, ...words: string[]): Promise<string[]> =>
  wordsIn(await runHere(['__complete', 'zsh', ...words], env));

const EMPTY = { KILL_SWITCH_STORE: 'file:/nowhere/at/all' };

/** An executor with a run open, that knows some actions, on that store. */
async function executorOn(store: ExecutorStore) {
  const killSwitch = await createKillSwitch({ store, domain: `complete-${Math.random()}`, executor: { name: 'shop' } });
  onTestFinished(async () => {
    await killSwitch.close();
    await OpenFeature.clearProviders();
  });
  killSwitch.action({
    name: 'payments.refund',
    feature: 'returns.auto',
    limits: { 'refund.max': { max: 5, of: () => 1 } },
    execute: async () => {},
  });
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const run = killSwitch.run({ agentId: 'mail bot', runId: 'r:1', missionId: 'm-7' }, () => ended);
  onTestFinished(async () => {
    end();
    await run;
  });
}

describe('words that are always the same', () => {
  test('verbs, with what they do, and the words under a noun', async () => {
    const verbs = await here(EMPTY, '');
    for (const { name } of VERBS) expect(verbs).toContain(name.split(' ')[0]);
    expect(await here(EMPTY, 'kil')).toEqual(['kill', 'kills']);
    expect(await here(EMPTY, 'rule', '')).toEqual(['add', 'remove']);
    expect(await here(EMPTY, '--json', 'rule', 'r')).toEqual(['remove']);
    expect((await runHere(['__complete', 'fish', 'kil'], EMPTY)).stdout).toContain('kill\tstop a target');
  });

  test.each([
    [
      ['mode', ''],
      ['live', 'approval_gated', 'test_mode', 'draft_only', 'read_only', 'paused', 'full_stop'],
    ],
    [['feature', 'f', 'g'], ['gated']],
    [['autonomy', 'a.b', 'human_in'], ['human_in_the_loop']],
    [['drill', '--kind', 'st'], ['stop']],
    [['drill', 'schedule', 'weekly', 'o'], ['off']],
    [['alert', 'add', 'a', '--format', 's'], ['slack']],
    [['governance', 'set', '--second-person', 'k'], ['killer']],
    [
      ['governance', 'set', '--break-glass', ''],
      ['on', 'off'],
    ],
    [['log', '--type', 'rev'], ['revive']],
    [['restrict', 'agent:x', 'read'], ['read_only']],
    [['kill', 'ag'], ['agent:']],
    [
      ['check', '--effect', ''],
      ['read', 'draft', 'write'],
    ],
    [['check', '--effect=d'], ['--effect=draft']],
    [['kill', 'agent:x', '--un'], ['--until']],
    [['kill', '--until', '1h', 'agent:x', '--un'], []],
    [['kill', '--', '--un'], []],
    [['executors', '--state', 'app'], ['applied']],
    [['budget', 'day', '--do', 'p'], ['paused']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['kills', '-o', ''], ['wide']],
    [['flagd', 'validate', ''], ['']],
    [['no-such-verb', ''], []],
    [
      ['kill', '--no-such-option', ''],
      ['all', 'agent:', 'mission:', 'run:', 'action:', 'feature:', 'surface:'],
    ],
  ])('%j', async (words, expected) => {
    expect(await here(EMPTY, ...words)).toEqual(expected);
  });

  test('profiles by their names, and nothing else of the file', async () => {
    const { path, remove } = temporaryFolder('profiles');
    owned(async () => remove());
    mkdirSync(join(path, 'kill-switch'));
    const secret = 'redis://:hunter2@127.0.0.1:1';
    writeFileSync(join(path, 'kill-switch/profiles.json'), JSON.stringify({ prod: { store: secret }, test: {} }), {
      mode: 0o600,
    });
    const ran = await runHere(['__complete', 'zsh', '--profile', ''], { XDG_CONFIG_HOME: path });
    expect(ran.stdout).toBe('prod\ntest\n');
    // And a store with a password that cannot be reached is not named.
    const failed = await runHere(['__complete', 'zsh', '--profile', 'prod', 'revive', ''], { XDG_CONFIG_HOME: path });
    expect(failed).toMatchObject({ stdout: '', stderr: '', code: 0 });
  });
});

async function names(store: ExecutorStore, args: readonly string[], cwd: string) {
  const ks = (...words: string[]) => runHere([...words, ...args], {}, { cwd });
  const suggested = async (...words: string[]): Promise<string[]> =>
    wordsIn(await run(['__complete', 'zsh', ...args, ...words], { cwd, withinMs: 10_000 }));
  await ks('init');
  await ks('kill', 'agent:returns-bot', 'agent:it\'s "x"', '--wait', '0');
  await ks('budget', 'day', '--usd', '5');
  await ks('rule', 'add', 'no-infra', 'action:infra.*', 'full_stop', '--wait', '0');
  await ks('limit', 'mail.max', '3', '--reason', 'x');
  await ks('alert', 'add', 'pager', '--exec', 'true');
  await executorOn(store);
  // Executors report a little later, and a busy machine may not answer in time: whoever types presses Tab again.
  const suggests = (words: readonly string[], expected: readonly string[]): Promise<void> =>
    vi.waitFor(async () => expect((await suggested(...words)).toSorted()).toEqual(expected.toSorted()), {
      timeout: 20_000,
      interval: 200,
    });
  await suggests(['kill', 'run:'], ['run:r:1']);
  await suggests(['kill', 'agent:'], ['agent:mail bot', 'agent:returns-bot', 'agent:it\'s "x"']);
  await suggests(['kill', 'action:pay'], ['action:payments.refund', 'action:payments.*']);
  await suggests(['kill', 'mi'], ['mission:m-7']);
  await suggests(['revive', ''], ['agent:it\'s "x"', 'agent:returns-bot']);
  await suggests(['check', '--agent', 'mail'], ['mail bot']);
  await suggests(['check', '--action=pay'], ['--action=payments.refund', '--action=payments.*']);
  await suggests(['feature', 'ret'], ['returns.auto']);
  await suggests(['limit', ''], ['mail.max', 'refund.max']);
  await suggests(['rule', 'remove', ''], ['no-infra']);
  await suggests(['budget', 'remove', ''], ['day']);
  await suggests(['alert', 'remove', ''], ['pager']);
  await suggests(['runs', 'r:'], ['r:1']);
  await suggests(['executors', 'forget', 'sh'], ['shop']);
  await suggests(['tripwire', 'remove', 'rep'], ['repeats']);
}

describe('names that the store knows', () => {
  test('on files', { timeout: 60_000 }, async () => {
    const { folder, directory } = fileSwitch();
    await names(fileStore({ directory }), [], folder);
  });

  test.skipIf(!hasRedis)('on Redis', { timeout: 60_000 }, async () => {
    const { url } = await startRedis();
    const { folder } = fileSwitch();
    await names(redisStore({ url }), ['--store', url], folder);
  });

  test('requests that wait for a person, by their ids', async () => {
    const { folder, directory } = fileSwitch();
    const ks = (...words: string[]) => runHere(words, {}, { cwd: folder });
    await ks('init');
    await ks('mode', 'approval_gated', '--reason', 'x');
    const killSwitch = await createKillSwitch({
      store: fileStore({ directory }),
      agentId: 'a',
      domain: 'complete-held',
    });
    onTestFinished(async () => {
      await killSwitch.close();
      await OpenFeature.clearProviders();
    });
    const held = await killSwitch.action({ name: 'mail.send', execute: async () => {} }).attempt({});
    if (held.status !== 'held') throw new Error(`It was ${held.status}.`);
    for (const verb of ['approve', 'reject'])
      await vi.waitFor(
        async () =>
          expect(wordsIn(await run(['__complete', 'zsh', verb, ''], { cwd: folder }))).toEqual([held.approvalId]),
        { timeout: 15_000 },
      );
  });
});

/** Every file and folder under a folder, with its size. */
const tree = (path: string): string[] =>
  readdirSync(path, { recursive: true, encoding: 'utf8' })
    .map((name) => `${name} ${statSync(join(path, name)).size}`)
    .sort();

describe('whatever goes wrong', () => {
  test('nothing is written: no folder is made, and nothing appended', async () => {
    const { folder, directory } = fileSwitch();
    expect(wordsIn(await run(['__complete', 'zsh', 'revive', ''], { cwd: folder }))).toEqual([]);
    expect(existsSync(directory)).toBe(false);
    await runHere(['init'], {}, { cwd: folder });
    await runHere(['kill', 'agent:x', '--wait', '0', '--until', '10ms'], {}, { cwd: folder });
    const [before, log] = [tree(folder), readFileSync(join(directory, 'control/default/log.jsonl'), 'utf8')];
    for (const verb of ['kill', 'revive', 'approve', 'runs', 'limit', 'budget'])
      await run(['__complete', 'zsh', verb, ''], { cwd: folder });
    expect(tree(folder)).toEqual(before);
    expect(readFileSync(join(directory, 'control/default/log.jsonl'), 'utf8')).toBe(log);
  });

  test('a store that is silent is not waited for, and what needs no store is still suggested', async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => void silent.listen(0, '127.0.0.1', resolve));
    owned(async () => void silent.close());
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const ran = await run(['__complete', 'zsh', '--store', `redis://127.0.0.1:${port}`, 'kill', 'a'], {
      withinMs: 8000,
    });
    expect(wordsIn(ran)).toEqual(['all', 'agent:', 'action:']);
    expect(ran.ms).toBeLessThan(4000); // a second, and what a busy machine adds
  });

  test.each([
    [[]],
    [['tcsh', 'x']],
    [['bash']],
    [['zsh']],
    [['zsh', '--store']],
    [['zsh', '--store', 'http://x y', 'kill', '']],
    [['zsh', '--profile', 'nobody', 'revive', '']],
    [['zsh', '--store', 'redis://127.0.0.1:1', 'revive', '']],
    [['zsh', '--organization', '', 'revive', '']],
  ])('%j says nothing of it', async (words) => {
    const { code, stdout, stderr } = await run(['__complete', ...words], { env: { XDG_CONFIG_HOME: '/nowhere' } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    if (words.includes('revive')) expect(stdout).toBe('');
  });

  test('an id that a terminal would obey is not suggested', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    await ks.run('kill', 'agent:\u202eevil', 'agent:good', '--wait', '0');
    expect(wordsIn(await run(['__complete', 'zsh', 'revive', ''], { cwd: ks.folder }))).toEqual(['agent:good']);
  });
});
