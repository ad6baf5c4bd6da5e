import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { root } from '../../../scripts/prepare.mjs';
import { VERBS } from '../../../operator/cli/verbs.ts';
import { redisStore } from '../../../store/redis/index.ts';
import { findCommand } from '../../servers/find-command.mjs';
import { hasRedis, startRedis, temporaryFolder } from '../../servers/index.ts';
import { charge } from '../../store/spenders.ts';
import { grow } from '../../store/redis/archivable.ts';
import { beat } from '../../store/redis/harness.ts';
import { runHere } from './command.ts';
import { CHANGES, READS } from './verb-lines.ts';

const hasTools = hasRedis && ['redis-cli', 'openssl', 'sed'].every((name) => findCommand(name) !== undefined);

/** Does what the command says that one should, as a shell does, and gives the URL of the user that is then there. */
async function userOf(store: string, ...whose: string[]): Promise<string> {
  const { stderr } = await runHere(['redis', 'acl', '--store', store, ...whose]);
  expect(stderr).toContain('unless that is saved: ACL SAVE (with an aclfile) or CONFIG REWRITE (without)');
  const lines = stderr.split('\n').filter((line) => line.startsWith('  '));
  const shell = [
    `kill-switch() { '${process.execPath}' '${join(root, 'dist/operator/cli/main.js')}' "$@"; }`,
    ...lines,
    'echo "password $PASSWORD"',
  ].join('\n');
  const said = execFileSync('bash', ['-c', shell], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  expect(said).toMatch(/^OK\npassword [0-9a-f]{48}\n$/);
  const { json } = await runHere(['redis', 'acl', '--store', store, ...whose, '--json']);
  return json.users[0].url.replace('PASSWORD', said.slice('OK\npassword '.length).trim());
}

describe.skipIf(!hasTools)('what redis acl says is for a shell', () => {
  test.each(['', '/5', '?prefix=app:', '/3?prefix=it*s[a]:'])(
    'makes users who may what their verbs need (%j)',
    async (where) => {
      const redis = await startRedis();
      const store = `${redis.url}${where}`;
      const operator = await userOf(store, '--only', 'operator');
      const viewer = await userOf(store, '--viewer');
      const executor = await userOf(store, '--executor', 'mail bot', '--only', 'executor');
      await redis.cli('ACL', 'SETUSER', 'default', 'resetpass', '>another');
      const as = async (url: string, ...verb: string[]): Promise<string> => {
        const { code, stdout, stderr } = await runHere([...verb, '--store', url]);
        expect({ verb, code, stderr }).toMatchObject({ verb, code: 0 });
        return stdout;
      };
      await as(operator, 'init');
      const open = redisStore({ url: executor }).open({
        organizationId: 'default',
        executorId: 'h',
        executorName: 'mail bot',
        requestTimeoutMs: 2000,
      });
      onTestFinished(() => open.close());
      const heard = vi.fn();
      open.follow(heard);
      const { head } = await open.load(null, 'n');
      expect(await open.confirm(beat('h', head, { name: 'mail bot' }), 'n')).toMatchObject({ events: [] });
      await open.shelf.put('surfaces', 'h', '[]');
      await open.shelf.put('checkpoints', 'r', '{}');
      await open.shelf.get('checkpoints', 'r');
      await open.shelf.remove('checkpoints', 'r');
      await open.shelf.appendInterventions(['{}']);
      await open.shelf.appendProposals(['{}']);
      await open.shelf.appendSeen(['{}']);
      await vi.waitFor(() => expect(heard).toHaveBeenCalledWith({ type: 'gap' }), 5000);
      await open.ledger?.reserve({ id: 'r', charges: [charge('a', 1, 9)] });
      await open.ledger?.settle('r', { usd: 1 });
      const stop = { id: 's', target: 'run:r-9', epoch: 1, by: 'executor', name: 'mail bot' } as const;
      await open.stops?.add({ ...stop, mode: 'paused', reason: null });
      await vi.waitFor(() => expect(heard).toHaveBeenCalledWith({ type: 'stops' }), 5000);
      expect(await as(viewer, 'status')).toContain('run:r-9 paused by executor:mail bot');
      await as(operator, 'revive', 'run:r-9', '--reason', 'x');
      for (const verb of CHANGES) await as(operator, ...verb.split(' '));
      for (const url of [operator, viewer]) for (const verb of READS) await as(url, ...verb.split(' '));
      expect(await as(viewer, 'executors')).toContain('mail bot');
      await as(operator, 'recover', '--reason', 'x');
      await open.leave();
      await open.confirm(beat('h', null, { name: 'mail bot' }), 'n');
      await as(operator, 'executors', 'forget', 'h');
    },
  );
});

test.skipIf(!hasTools)('the log is archived by the user that is printed for it, and not by an operator’s', async () => {
  const redis = await startRedis();
  const operator = await userOf(redis.url, '--only', 'operator');
  const archiver = await userOf(redis.url, '--only', 'archiver');
  expect(await runHere(['init', '--store', operator])).toMatchObject({ code: 0 });
  await grow(redis, 2200);
  const file = join(temporaryFolder('archive').path, 'archive.jsonl');
  const archive = ['log', 'archive', file, '--reason', 'memory is filling up'];
  expect(await runHere([...archive, '--store', operator])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is printed by: kill-switch redis acl --only archiver --store redis://'),
  });
  expect(existsSync(file)).toBe(false);
  expect((await runHere([...archive, '--store', archiver])).stdout).toMatch(
    /has the log up to epoch 1000: 1000 events.*\nThe store has dropped what comes before that event: .* free again/,
  );
  const verified = await runHere(['log', 'verify', '--against', file, '--store', operator]);
  expect(verified.stdout).toContain('Up to there 1000 events are archived. They were verified too.');
});

test.skipIf(!hasTools)(
  'the whole file is put into a Redis that runs by what is said, and `default` is off then',
  async () => {
    const redis = await startRedis();
    const whose = ['redis', 'acl', '--store', redis.url, '--executor', 'it is', '--executor', 'web'];
    const { stderr } = await runHere(whose);
    expect(stderr).toMatch(/nobody is locked out: add a user of your own who administers this server/);
    await redis.cli('ACL', 'SETUSER', 'root', 'on', '>toor', '~*', '&*', '+@all');
    const shell = [
      `cd '${temporaryFolder('users').path}'`,
      `kill-switch() { '${process.execPath}' '${join(root, 'dist/operator/cli/main.js')}' "$@"; }`,
      ...stderr.split('\n').filter((line) => line.startsWith('  ')),
      'stat -c %a users.acl; cat users.acl',
    ].join('\n');
    const said = execFileSync('bash', ['-c', shell], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    expect(said).toMatch(/^(OK\n){5}600\nuser /);
    await expect(redis.cli('PING')).rejects.toThrow(/NOAUTH/);
    const passwords = [...said.matchAll(/ >([0-9a-f]{48}) /g)].map(([, password = '']) => password);
    expect(new Set(passwords).size).toBe(4);
    const { json } = await runHere([...whose, '--json']);
    const urls = passwords.map((password, index) => json.users[index].url.replace('PASSWORD', password));
    expect(await runHere(['init', '--store', urls[2]])).toMatchObject({ code: 0 });
    expect(await runHere(['status', '--store', urls[3]])).toMatchObject({ code: 0 });
  },
);

test('every verb that asks a store is done above by whoever may', () => {
  const done = [...CHANGES, ...READS].map((line) => line.replace(/ (--|agent:|[flx] |a\.b |live|day|repeats).*/, ''));
  const others = [
    'init',
    'recover',
    'watch',
    'executors forget',
    'flagd import',
    'flagd validate',
    'redis acl',
    'doctor',
  ];
  // of something that has to be there
  others.push('approve', 'reject', 'approvals show', 'approval withdraw', 'rule remove', 'runs resolve');
  others.push('rollback', 'drill', 'drill schedule', 'drills show', 'requests withdraw', 'completion');
  others.push('alert remove', 'alert test');
  others.push('log archive'); // takes an archiver, and more events
  expect(VERBS.map(({ name }) => name).filter((name) => !done.includes(name) && !others.includes(name))).toEqual([]);
});

test('a prefix that no line of rules can name is refused', async () => {
  for (const prefix of ['a b', `a"b`, `a'b`]) {
    const store = `redis://h?prefix=${encodeURIComponent(prefix)}`;
    expect(await runHere(['redis', 'acl', '--store', store])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('choose another'),
    });
  }
});

test('init says what to do where nothing listens, and how to begin without Redis', async () => {
  const { stderr, code } = await runHere(['init', '--store', 'redis+unix:///nowhere/redis.sock']);
  expect(code).toBe(1);
  expect(stderr).toMatch(/ENOENT.*There is no such socket: start Redis.*kill-switch init --store file:\.kill-switch/);
});
