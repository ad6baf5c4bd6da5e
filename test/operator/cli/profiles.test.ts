import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hasRedis, startRedis, temporaryFolder } from '../../servers/index.ts';
import { type Ran, run, runHere } from './command.ts';

/** A user with profiles, or with that text in the file; and two stores, `prod` and `staging`. */
function user(profiles?: unknown) {
  const { path } = temporaryFolder('profiles');
  const config = join(path, 'config');
  const file = join(config, 'kill-switch/profiles.json');
  const [prod, staging] = [`file:${join(path, 'prod')}`, `file:${join(path, 'staging')}`];
  mkdirSync(dirname(file), { recursive: true });
  const save = (content: unknown): void =>
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
  save(profiles ?? { prod: { store: prod, organization: 'shop', operator: 'dana' }, staging: { store: staging } });
  const ks = (env: Record<string, string>, ...args: string[]): Promise<Ran> =>
    run(args, { cwd: path, env: { XDG_CONFIG_HOME: config, ...env } });
  return { path, config, file, save, prod, staging, ks };
}

describe('a profile', () => {
  test('says where a command acts and as whom, and is repeated in what is advised', async () => {
    const { ks, prod, path } = user();
    const before = await ks({}, 'status', '--profile', 'prod');
    expect(before.stderr).toContain(`There is no control plane of the organization "shop" in ${prod}, so`);
    expect(before.stderr).toContain('kill-switch --profile prod init.');
    const created = await ks({}, 'init', '--profile', 'prod');
    expect(created).toMatchObject({ code: 0, stderr: '' });
    expect(created.stdout).toContain('  kill-switch --profile prod status\n');
    expect(created.stdout).not.toContain('export ');
    expect(created.stdout).toContain("organizationId: 'shop',");
    const killed = await ks({ KILL_SWITCH_PROFILE: 'prod' }, 'kill', 'all', '--wait', '0', '--json');
    expect(killed.json.kill).toMatchObject({ organization_id: 'shop', killed_by: 'unverified:dana' });
    const home = join(path, 'home');
    mkdirSync(join(home, '.config/kill-switch'), { recursive: true });
    writeFileSync(join(home, '.config/kill-switch/profiles.json'), JSON.stringify({ here: { store: prod } }));
    const there = await ks(
      { HOME: home, XDG_CONFIG_HOME: 'relative' },
      'kills',
      '--profile',
      'here',
      '--organization',
      'shop',
    );
    expect([there.code, there.stderr]).toEqual([0, '1 active kill, newest first:\n']);
    expect(there.stdout).toContain('all');
  });

  test('that was typed goes before what is exported, options that were typed go before it', async () => {
    const { ks, prod, staging } = user();
    await ks({}, 'init', '--profile', 'prod');
    await ks({}, 'init', '--store', staging);
    const exported = { KILL_SWITCH_STORE: staging, KILL_SWITCH_ORGANIZATION: 'other', KILL_SWITCH_OPERATOR: 'eve' };
    const killed = await ks(exported, 'kill', 'agent:a', '--wait', '0', '--profile', 'prod', '--json');
    expect(killed.json.kill).toMatchObject({ organization_id: 'shop', killed_by: 'unverified:dana' });
    const other = await ks(
      { KILL_SWITCH_PROFILE: 'staging' },
      'kill',
      'agent:b',
      '--wait',
      '0',
      '--profile',
      'prod',
      '--operator',
      'kim',
      '--json',
    );
    expect(other.json.kill).toMatchObject({ organization_id: 'shop', killed_by: 'unverified:kim' });
    expect((await ks({}, 'kills', '--profile', 'prod', '--json')).json.count).toBe(2);
    // A profile is the whole place: what it leaves out is the default, not what happens to be exported.
    const plain = await ks(exported, 'kill', 'agent:c', '--wait', '0', '--profile', 'staging', '--json');
    expect(plain.json.kill).toMatchObject({ organization_id: 'default', killed_by: 'unverified:eve' });
    const named = await ks(
      { KILL_SWITCH_PROFILE: 'none' },
      'kills',
      '--store',
      prod,
      '--organization',
      'shop',
      '--json',
    );
    expect(named.json.count).toBe(2);
  });

  test('and a store that contradict each other are refused: none of them is a guess', async () => {
    const { ks, staging } = user();
    for (const [env, args, says] of [
      [{}, ['--profile', 'prod', '--store', staging], '--store and --profile both say where this acts'],
      [
        { KILL_SWITCH_PROFILE: 'prod', KILL_SWITCH_STORE: staging },
        [],
        'KILL_SWITCH_PROFILE and KILL_SWITCH_STORE are both set',
      ],
      [
        { KILL_SWITCH_PROFILE: 'prod', KILL_SWITCH_ORGANIZATION: 'x' },
        [],
        'KILL_SWITCH_PROFILE and KILL_SWITCH_ORGANIZATION are both set',
      ],
      [{ KILL_SWITCH_PROFILE: '' }, [], '--profile (or KILL_SWITCH_PROFILE) is empty'],
      [{}, ['--profile', ''], '--profile (or KILL_SWITCH_PROFILE) is empty'],
    ] as const) {
      const refused = await ks(env, 'kill', 'all', ...args);
      expect(refused).toMatchObject({ code: 2, stdout: '' });
      expect(refused.stderr).toContain(says);
    }
    const typed = await ks(
      { KILL_SWITCH_PROFILE: 'prod', KILL_SWITCH_ORGANIZATION: 'x' },
      'status',
      '--organization',
      'shop',
    );
    expect(typed.stderr).toContain('of the organization "shop" in');
  });

  test('that is not there is refused, with the one that was probably meant', async () => {
    const { ks, file } = user();
    expect((await ks({}, 'kill', 'all', '--profile', 'prd')).stderr).toBe(
      `There is no profile "prd" in ${file}. Did you mean prod?\n`,
    );
    expect((await ks({}, 'kill', 'all', '--profile', 'customer')).stderr).toBe(
      `There is no profile "customer" in ${file}. There are: prod, staging.\n`,
    );
    expect((await ks({}, 'kill', 'all', '--profile', 'constructor')).code).toBe(2);
    const none = await ks({ XDG_CONFIG_HOME: '/nowhere' }, 'kill', 'all', '--profile', 'prod', '--json');
    expect(none).toMatchObject({ code: 2, json: { code: 'INVALID_ARGUMENT' } });
    expect(none.json.detail).toContain('/nowhere/kill-switch/profiles.json, which is not there. It has this form:');
  });

  const SECRET = 'redis://ops:hunter2@db/0';
  test.each<readonly [string, unknown, string | RegExp]>([
    [
      'no JSON',
      `{ "prod": {\n "store": "${SECRET}"\n "operator": 1 } }`,
      /is not JSON( \(line 3\))?\. It has this form/,
    ],
    ['half a file', `{ "prod": { "store": "${SECRET}`, 'is not JSON'],
    ['a word', `${SECRET}`, 'is not JSON'],
    ['a list', [SECRET], 'is no JSON object'],
    ['a profile that is none', { prod: SECRET }, 'A profile is a JSON object, and the profile "prod" in'],
    ['a profile without a store', { prod: { operator: 'dana' } }, 'There is no "store" in the profile "prod" in'],
    ['an unknown key', { prod: { store: SECRET, organisation: 'a' } }, 'Did you mean "organization"?'],
    ['a mistyped key', { prod: { stor: SECRET } }, 'Did you mean "store"?'],
    [
      'another key',
      { prod: { store: SECRET, token: 'hunter2' } },
      'There is no option "token" of the profile "prod" in',
    ],
    ['an empty store', { prod: { store: '' } }, '"store" of the profile "prod" in'],
    ['a store that is no text', { prod: { store: 5 } }, 'is not a text'],
    ['an empty operator', { prod: { store: SECRET, operator: '' } }, 'is empty'],
    ['an organization that is no id', { prod: { store: SECRET, organization: 'a\u0001' } }, 'control characters'],
    ['a relative folder', { prod: { store: 'file:sw' } }, 'is a relative path'],
    ['a store that is none', { prod: { store: 'redis:ops:hunter2@db' } }, 'The store of the profile "prod" in'],
    ['a store of a wrong kind', { prod: { store: 'ops:hunter2@db' } }, 'is not the URL of a store'],
    ['a store with an unknown parameter', { prod: { store: `${SECRET}?prefx=a` } }, 'Did you mean prefix?'],
  ])('with %s is refused, and no password of the file is shown', async (_what, content, says) => {
    const { config, save } = user();
    save(content);
    const refused = await runHere(['kill', 'all', '--profile', 'prod', '--json'], { XDG_CONFIG_HOME: config });
    expect(refused, refused.stderr).toMatchObject({ code: 2, json: { code: 'INVALID_ARGUMENT' } });
    expect(refused.json.detail).toMatch(says);
    expect(refused.stdout + refused.stderr).not.toContain('hunter2');
  });

  test('whose file others may read or write is warned of', async () => {
    const { ks, save, file, prod } = user();
    await ks({}, 'init', '--profile', 'prod');
    const noted = async (mode: number): Promise<string> => {
      chmodSync(file, mode);
      return (await ks({}, 'kills', '--profile', 'prod')).stderr.replace('Nothing is killed.\n', '');
    };
    expect(await noted(0o644)).toBe(''); // nothing secret is in it
    expect(await noted(0o622)).toBe(
      `Warning: others may write ${file}, and so choose what a kill reaches: chmod 600 ${file}\n`,
    );
    chmodSync(file, 0o600);
    save({ prod: { store: prod, organization: 'shop' }, staging: { store: SECRET } });
    expect(await noted(0o600)).toBe('');
    expect(await noted(0o640)).toBe(
      `Warning: there are credentials in ${file}, which others may read: chmod 600 ${file}\n`,
    );
  });

  test.skipIf(!hasRedis)('keeps the password of a Redis, which nothing shows', async () => {
    const redis = await startRedis({ password: 'hunter2' });
    const { ks } = user({ prod: { store: redis.url }, wrong: { store: redis.url.replace('hunter2', 'hunter3') } });
    const shown: Ran[] = [];
    const there = async (...args: string[]): Promise<Ran> => {
      const ran = await ks({}, ...args);
      shown.push(ran);
      return ran;
    };
    expect((await there('kill', 'all', '--profile', 'prod')).stderr).toContain('kill-switch --profile prod init.');
    expect((await there('init', '--profile', 'prod')).code).toBe(0);
    expect((await there('kill', 'agent:x', '--wait', '0', '--profile', 'prod')).code).toBe(0);
    expect((await there('revive', 'agent:y', '--reason', 'r', '--profile', 'prod')).code).toBe(1);
    expect((await there('status', '--profile', 'wrong')).code).toBe(1);
    expect((await there('status', '--profile', 'prod')).stdout).toContain(`redis://127.0.0.1:${redis.port}, `);
    for (const { stdout, stderr } of shown) expect(stdout + stderr).not.toMatch(/hunter[23]/);
  });
});
