import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openControlPlane } from '../../../operator/index.ts';
import { type AclUser, executorUser, operatorUser, viewerUser } from '../../../store/redis/acl.ts';
import { userNameOf, useOf } from '../../../store/redis/acl-names.ts';
import { redisControlStore } from '../../../store/redis/control.ts';
import { redisStore } from '../../../store/redis/index.ts';
import { type Ran, runHere } from '../../operator/cli/command.ts';
import { BEGINNINGS, CHANGES, FOLLOWED, READS } from '../../operator/cli/verb-lines.ts';
import { hasRedis, type RedisServer, startRedis } from '../../servers/index.ts';
import { DEFAULT_SCOPE, urlOf } from './acl-users.ts';
import { beat, failure, pushes } from './harness.ts';

const PASSWORD = 'hunter2';

const commandOn =
  (url: string) =>
  (...args: string[]): Promise<Ran> =>
    runHere([...args, '--json'], { KILL_SWITCH_STORE: url });

async function setUp() {
  const redis = await startRedis();
  const operator = await urlOf(redis, operatorUser(DEFAULT_SCOPE));
  const control = await openControlPlane({ store: redisControlStore({ url: operator }), operator: { id: 'ann' } });
  onTestFinished(() => control.close());
  await control.init();
  await control.setMode({ mode: 'live', reason: 'test' });
  return { redis, operator, control };
}

/** An executor of that name, as that user. */
async function executorAs(redis: RedisServer, user: AclUser, executorName: string, organizationId = 'default') {
  const url = await urlOf(redis, user);
  const scope = { organizationId, executorId: 'h', executorName, requestTimeoutMs: 2000 };
  const executor = redisStore({ url }).open(scope);
  onTestFinished(() => executor.close());
  return executor;
}

describe.skipIf(!hasRedis)('a command whose user may not do it says at once', () => {
  test('with an executor’s URL: whose user that is, and which user is needed', async () => {
    const { redis, control } = await setUp();
    await control.kill({ target: 'agent:x' });
    const { epoch } = (await control.status()).head;
    const ks = commandOn(await urlOf(redis, executorUser(DEFAULT_SCOPE, 'mailer')));
    const readable: readonly string[] = [...FOLLOWED, 'kills', 'drills']; // what every executor reads to obey it
    const others = READS.filter((verb) => !readable.includes(verb));
    for (const verb of [...BEGINNINGS, ...CHANGES, ...others, 'executors forget h', 'watch']) {
      const ran = await ks(...verb.split(' '));
      expect(ran, verb).toMatchObject({
        code: 1,
        json: {
          code: 'NOT_PERMITTED',
          detail: expect.stringMatching(
            /the user "kill-switch\+default\+executor\+mailer" \(NOPERM: .*\)\. That user is for executors named "mailer", and this is something for operators\. The user that is needed \(to look or verify, --only viewer is enough\) is printed by: kill-switch redis acl --only operator --store redis:\/\/127.0.0.1:\d+$/,
          ),
        },
      });
      expect(ran.stderr, verb).not.toMatch(/may or may not|Waiting for|NOLIBRARY/);
    }
    for (const verb of readable) expect(await ks(...verb.split(' ')), verb).toMatchObject({ code: 0 });
    expect((await control.status()).head.epoch).toBe(epoch);
  }, 120_000);

  test('with a viewer’s URL: the same, for commands that change something', async () => {
    const { redis, control } = await setUp();
    await control.kill({ target: 'agent:x' });
    await control.setBudget({ scope: 'day', usd: 1 });
    const { epoch } = (await control.status()).head;
    const ks = commandOn(await urlOf(redis, viewerUser(DEFAULT_SCOPE)));
    for (const verb of ['recover --reason x', ...CHANGES]) {
      const ran = await ks(...verb.split(' '));
      expect(ran, verb).toMatchObject({
        code: 1,
        json: {
          code: 'NOT_PERMITTED',
          detail: expect.stringContaining('those who only look, and this is something for operators'),
        },
      });
      expect(ran.stderr, verb).not.toMatch(/may or may not|Waiting for/);
    }
    expect((await control.status()).head.epoch).toBe(epoch);
  }, 120_000);

  test('with a wrong password, an unknown user or a refused database: what is wrong, never that the change may have been recorded', async () => {
    const { redis, operator, control } = await setUp();
    const { epoch } = (await control.status()).head;
    const name = encodeURIComponent(operatorUser(DEFAULT_SCOPE).name);
    for (const [url, says] of [
      [operator.replace(PASSWORD, 'wrong-one'), /user "kill-switch\+default\+operator" with this password/],
      [operator.replace(name, 'nobody'), /WRONGPASS.*user "nobody"/],
      [`${operator}/5`, /refuses database 5: .*\+select/],
      [`${redis.url}/99`, /refuses database 99/],
      [redis.url.replace('//', `//:${PASSWORD}@`), /NOPASSWORD/],
    ] as const)
      for (const verb of ['kill all', 'init', 'status', 'log --follow', 'log verify', 'watch']) {
        const ran = await commandOn(url)(...verb.split(' '));
        expect(ran, `${verb} ${url}`).toMatchObject({
          code: 1,
          stdout: expect.stringContaining('"code":"NOT_PERMITTED"'),
        });
        expect(ran.stderr, `${verb} ${url}`).toMatch(says);
        expect(ran.stderr + ran.stdout).not.toMatch(/may or may not|hunter2|wrong-one|Waiting for/);
      }
    expect((await control.status()).head.epoch).toBe(epoch);
  }, 120_000);
});

describe.skipIf(!hasRedis)('an executor that has another’s user says', () => {
  const billing = 'kill-switch redis acl --only executor --executor billing';

  test('for one of another name: which name, and the keys that it needs', async () => {
    const { redis } = await setUp();
    const executor = await executorAs(redis, executorUser(DEFAULT_SCOPE, 'mailer'), 'billing');
    const { message, code } = await failure(executor.confirm(beat('h', null, { name: 'billing' }), 'n'));
    expect(code).toBe('NOT_PERMITTED');
    expect(message).toContain('That user is for executors named "mailer", and this one is named "billing".');
    expect(message).toContain(
      'It writes kill-switch:{default}:executor:billing:* and hears kill-switch:{default}:events.',
    );
    expect(message).toContain(billing);
  });

  test('for one of operators, or of another organization or database: what differs', async () => {
    const { redis } = await setUp();
    const load = async (user: AclUser, organizationId?: string): Promise<string> =>
      (await failure((await executorAs(redis, user, 'billing', organizationId)).load(null, 'n'))).message;
    const elsewhere = await load(executorUser({ ...DEFAULT_SCOPE, organizationId: 'acme' }, 'billing'));
    expect(elsewhere).toContain('is for the organization "acme", and this is "default"');
    expect(await load(executorUser(DEFAULT_SCOPE, 'billing'), 'acme')).toContain(`${billing} --organization acme`);
    const prefixed = await load(executorUser({ ...DEFAULT_SCOPE, keyPrefix: 'app:' }, 'billing'));
    expect(prefixed).toContain('is for the key prefix "app:", and here it is ""');
    const confirming = await executorAs(redis, operatorUser(DEFAULT_SCOPE), 'billing');
    const { message } = await failure(confirming.confirm(beat('h', null, { name: 'billing' }), 'n'));
    expect(message).toContain('is for operators, and this is an executor named "billing"');

    const listening = await executorAs(redis, executorUser({ ...DEFAULT_SCOPE, db: 5 }, 'billing'), 'billing');
    const { heard } = pushes(listening);
    await vi.waitFor(() => expect(heard.length).toBe(1), 5000);
    expect(heard).toMatchObject([
      { type: 'trouble', error: { message: expect.stringContaining('database 5, and this is database 0') } },
    ]);
  });

  test('for the right name with rules of another version: to apply the rules anew', async () => {
    const { redis } = await setUp();
    const user = executorUser(DEFAULT_SCOPE, 'billing');
    const executor = await executorAs(redis, { ...user, rules: user.rules.slice(0, 5) }, 'billing');
    expect((await failure(executor.load(null, 'n'))).message).toMatch(
      /By its name it is the right one.* --executor billing --store redis:\/\/[\d.:]+$/,
    );
  });
});

test('a user’s name says what it is for, and can be parsed', () => {
  for (const use of [
    { organizationId: 'default', keyPrefix: '', db: 0, role: 'operator', executor: null },
    { organizationId: 'a+b kill-switch', keyPrefix: 'app+kill-switch:', db: 5, role: 'viewer', executor: null },
    { organizationId: 'é%', keyPrefix: '', db: 12, role: 'executor', executor: 'mail+er db3 ü' },
  ] as const)
    expect(useOf(userNameOf(use))).toEqual(use);
  for (const none of ['dana', 'kill-switch+default', 'kill-switch+default+admin', 'kill-switch+default+executor', ''])
    expect(useOf(none)).toBeNull();
});
