import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { OpenFeature } from '@openfeature/server-sdk';
import { createKillSwitch } from '../../../index.ts';
import { openControlPlane } from '../../../operator/index.ts';
import { type AclUser, executorUser, operatorUser, viewerUser } from '../../../store/redis/acl.ts';
import { redisControlStore } from '../../../store/redis/control.ts';
import { redisStore } from '../../../store/redis/index.ts';
import { hasRedis, startRedis, temporaryFolder } from '../../servers/index.ts';
import { DEFAULT_SCOPE as SCOPE, urlOf } from './acl-users.ts';

/** The built command, in that folder. */
const commandIn =
  (cwd: string) =>
  (...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> =>
    new Promise((resolve) => {
      const main = join(import.meta.dirname, '../../../dist/operator/cli/main.js');
      const child = execFile(process.execPath, [main, ...args], { cwd }, (_error, stdout, stderr) =>
        resolve({ code: child.exitCode, stdout, stderr }),
      );
    });

afterEach(async () => {
  await OpenFeature.clearProviders();
  OpenFeature.clearHooks();
});

const NAME = 'mailer: "eu" [1]*';

async function setUp() {
  const redis = await startRedis();
  const control = await openControlPlane({
    store: redisControlStore({ url: await urlOf(redis, operatorUser(SCOPE)) }),
    operator: { id: 'ann' },
  });
  onTestFinished(() => control.close());
  const url = await urlOf(redis, executorUser(SCOPE, NAME));
  return { redis, control, url };
}

describe.skipIf(!hasRedis)('users of Redis', () => {
  test('the executor’s goes live, acts, reports, keeps checkpoints and obeys kills; the operator’s can run every command', async () => {
    const { redis, control, url } = await setUp();
    await control.init();
    await control.setMode({ mode: 'live', reason: 'test' });
    const killSwitch = await createKillSwitch({
      store: redisStore({ url }),
      agentId: 'x',
      executor: { name: NAME },
      leaseMs: 1000,
    });
    const action = killSwitch.action({ name: 'mail.send', irreversible: true, execute: () => 'sent' });
    await vi.waitFor(async () => expect(await action.attempt(null)).toMatchObject({ status: 'executed' }), 5000);
    await killSwitch.run({ agentId: 'x', runId: 'r-1' }, async (run) => {
      await run.checkpoint('half', { at: 1 });
      expect(await run.lastCheckpoint()).toMatchObject({ state: { at: 1 } });
    });
    const { acknowledgements } = await control.kill({ target: 'agent:x', waitMs: 3000 });
    expect(acknowledgements.executors).toMatchObject([{ name: NAME, state: 'stopped', writer: `name ${NAME}` }]);
    expect(await action.attempt(null)).toMatchObject({ status: 'blocked' });
    await vi.waitFor(async () => expect((await control.interventions()).data).not.toEqual([]), 5000);
    expect((await control.surfaces()).data).toMatchObject([{ action: 'mail.send', executor: NAME }]);

    await control.kill({ target: 'agent:x', mode: 'draft_only' });
    await control.revive({ target: 'agent:x', reason: 'test' });
    await control.setMode({ mode: 'draft_only' });
    await vi.waitFor(async () => expect(await action.attempt(null)).toMatchObject({ status: 'drafted' }), 5000);
    expect((await control.interventions({ proposals: true })).data).toHaveLength(1);
    expect(await control.recover({ reason: 'test' })).toMatchObject({ already: false });
    expect(await control.status()).toMatchObject({ organization_id: 'default' });
    expect(await control.verifyLog()).toMatchObject({ ok: true });
    await killSwitch.close();
    await vi.waitFor(async () => expect((await control.status()).executors).toEqual([]), 5000);
    await expect(control.forgetExecutor('gone')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await redis.cli('ACL', 'LOG')).toEqual([]); // no command was denied
  });

  test('two organizations of one server, and another database, have users of their own that do not reach each other', async () => {
    const redis = await startRedis({ config: ['acl-pubsub-default allchannels'] });
    const acme = await urlOf(redis, operatorUser({ ...SCOPE, organizationId: 'acme' }));
    const five = await urlOf(redis, operatorUser({ ...SCOPE, db: 5 }));
    await urlOf(redis, operatorUser(SCOPE));
    const open = async (url: string, organizationId: string) => {
      const store = redisControlStore({ url });
      const control = await openControlPlane({ store, organizationId, operator: { id: 'ann' }, retryMs: 300 });
      onTestFinished(() => control.close());
      return control;
    };
    await (await open(acme, 'acme')).init();
    await (await open(`${five}/5`, 'default')).init();
    await expect((await open(acme, 'default')).init()).rejects.toMatchObject({ message: /NOPERM/ });
    await expect((await open(`${five}/7`, 'default')).init()).rejects.toMatchObject({ message: /7/ });
    expect(await redis.cli('DBSIZE')).toBe(3); // acme's head, state and log
  });

  test('the rules name the organization, the prefix and the database, and mean them literally', () => {
    const { name, rules } = executorUser({ organizationId: 'acme', keyPrefix: 'a*b:', db: 3 }, 'x');
    expect(name).toBe('a%2Ab%3Akill-switch+acme+db3+executor+x');
    expect(rules.join(' ')).toContain(' %W~a\\*b:kill-switch:{acme}:executor:x:beats ');
    expect(rules.join(' ')).toContain(' %R~a\\*b:kill-switch:{acme}:executor:*:fork-reports');
    expect(rules).toContain('+select|3');
    expect(rules).toContain('&a\\*b:kill-switch:{acme}:events:3');
    expect(executorUser(SCOPE, 'x').rules.join(' ')).not.toContain('select');
    expect(() => operatorUser({ ...SCOPE, keyPrefix: 'a b' })).toThrow(/white space/);
  });

  test('the command prints those lines, and says what a store in a folder has instead', async () => {
    const { redis } = await setUp();
    const ks = commandIn(temporaryFolder('acl').path);
    const printed = await ks('redis', 'acl', '--executor', NAME, '--executor', 'web', '--store', redis.url);
    const executors = [executorUser(SCOPE, NAME), executorUser(SCOPE, 'web')];
    const lines = (...users: AclUser[]) => users.map((each) => `user ${each.name} ${each.rules.join(' ')}\n`).join('');
    const all = lines(...executors, operatorUser(SCOPE), viewerUser(SCOPE));
    expect(printed).toMatchObject({ code: 0, stdout: `${all}user default off\n` });
    const only = await ks('redis', 'acl', '--only', 'executor', '--executor', 'web', '--store', redis.url);
    expect(only).toMatchObject({ code: 0, stdout: lines(executorUser(SCOPE, 'web')) });
    expect(only.stderr).toContain('with a password of its own in the place of PASSWORD');
    const none = await ks('redis', 'acl', '--only', 'executor', '--store', redis.url);
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('--executor NAME') });
    const json = await ks('redis', 'acl', '--json', '--organization', 'acme', '--store', `${redis.url}/2`);
    const operator = operatorUser({ organizationId: 'acme', keyPrefix: '', db: 2 });
    const url = `${redis.url.replace('//', `//${encodeURIComponent(operator.name)}:PASSWORD@`)}/2`;
    expect(JSON.parse(json.stdout)).toMatchObject({
      users: [
        { ...operator, url },
        { url: expect.stringMatching(/viewer:PASSWORD@/) },
        { name: 'default', rules: ['off'], url: null },
      ],
    });
    for (const words of [['--viewer'], ['--only', 'viewer']])
      expect(await ks('redis', 'acl', ...words, '--store', redis.url)).toMatchObject({
        code: 0,
        stdout: lines(viewerUser(SCOPE)),
      });
    expect(await ks('redis', 'acl', '--viewer', '--executor', 'x', '--store', redis.url)).toMatchObject({ code: 2 });
    expect(await ks('redis', 'acl')).toMatchObject({ code: 2, stderr: expect.stringContaining('--store redis://') });
  });
});
