import { connect } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { OpenFeature } from '@openfeature/server-sdk';
import { createKillSwitch, type KillSwitch } from '../../../index.ts';
import { type ControlPlane, openControlPlane } from '../../../operator/index.ts';
import { executorUser, operatorUser, viewerUser } from '../../../store/redis/acl.ts';
import { redisControlStore } from '../../../store/redis/control.ts';
import { redisStore } from '../../../store/redis/index.ts';
import { redisKeys } from '../../../store/redis/keys.ts';
import { hasRedis } from '../../servers/index.ts';
import { asUser, DEFAULT_SCOPE, DENIED, type RedisCommand, startWithAclFile } from './acl-users.ts';
import { onto } from './attacks.ts';

const keys = redisKeys('default');
const OWN = keys.executor('mailer');
const OTHER = keys.executor('other');
/** What an executor has written, and may only be added to. */
const HISTORY = [OWN.journal, OWN.stops, OWN.approvals] as const;

type Redis = Awaited<ReturnType<typeof startWithAclFile>>;

/** A live switch with that ACL file, and a process that acts under its own user. */
async function setUp() {
  const redis = await startWithAclFile(['mailer', 'other']);
  const control = await openControlPlane({
    store: redisControlStore({ url: redis.as(operatorUser(DEFAULT_SCOPE)) }),
    operator: { id: 'ann' },
  });
  onTestFinished(() => control.close());
  await control.init();
  await control.setMode({ mode: 'live', reason: 'test' });
  const killSwitch = await createKillSwitch({
    store: redisStore({ url: redis.as(executorUser(DEFAULT_SCOPE, 'mailer')) }),
    agentId: 'x',
    executor: { name: 'mailer' },
    leaseMs: 2000,
  });
  onTestFinished(async () => {
    await killSwitch.close();
    await OpenFeature.clearProviders();
    OpenFeature.clearHooks();
  });
  return { redis, control, killSwitch };
}

/** All that an executor does in its life: acts, journals, asks people, spends, trips a budget, saves, is killed. */
async function wholeRound({ control, killSwitch }: { control: ControlPlane; killSwitch: KillSwitch }): Promise<void> {
  const refund = killSwitch.action({
    name: 'payments.refund',
    irreversible: true,
    spend: { usd: { reserve: () => 4, settle: () => 4 } },
    reverse: { action: 'payments.cancel', input: () => ({}) },
    execute: () => ({ id: 1 }),
  });
  await control.setBudget({ scope: 'agent:x', usd: 10, reason: 'test' });
  await vi.waitFor(async () => {
    const done = await killSwitch.run({ agentId: 'x', runId: 'r-1' }, async (run) => {
      await run.checkpoint('half', { at: 1 });
      expect(await run.lastCheckpoint()).toMatchObject({ state: { at: 1 } });
      return refund.attempt({ orderId: 1 }, { idempotencyKey: 'first' });
    });
    expect(done).toMatchObject({ status: 'executed' });
  }, 5000);
  expect(await refund.attempt({ orderId: 1 }, { idempotencyKey: 'first' })).toMatchObject({ repeated: true });
  expect((await control.run('r-1')).entries).toMatchObject([{ state: 'landed' }]);

  await control.setMode({ mode: 'approval_gated' });
  await vi.waitFor(async () => {
    expect(await refund.attempt({ orderId: 2 }, { idempotencyKey: 'asked' })).toMatchObject({ status: 'held' });
  }, 5000);
  const asked = (await control.approvals()).data.filter(({ status }) => status === 'pending');
  const approvalId = asked[0]?.id ?? '';
  await control.approve({ id: approvalId });
  await vi.waitFor(async () => {
    const outcome = await refund.attempt({ orderId: 2 }, { idempotencyKey: 'asked', approvalId });
    expect(outcome).toMatchObject({ status: 'executed' });
  }, 5000);
  await refund.attempt({ orderId: 4 }, { idempotencyKey: 'waits' });

  await control.setMode({ mode: 'live', reason: 'test' });
  await vi.waitFor(async () => {
    const third = await refund.attempt({ orderId: 3 }, { idempotencyKey: 'over' });
    expect(third).toMatchObject({ status: 'paused', decision: { cause: { kind: 'budget' } } });
  }, 5000);
  expect(await control.status()).toMatchObject({ stops: [{ target: 'agent:x' }] });
  const { acknowledgements } = await control.kill({ target: 'agent:x', waitMs: 3000 });
  expect(acknowledgements.executors).toMatchObject([{ name: 'mailer', state: 'stopped', writer: 'name mailer' }]);
  expect(await refund.attempt({ orderId: 9 })).toMatchObject({ status: 'blocked' });
  await vi.waitFor(async () => expect((await control.interventions()).data).not.toEqual([]), 5000);
}

/** Everything that is there, as its administrator reads it: each part of what can be added to by itself. */
async function read({ administrator }: Redis): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const key of await administrator.keys('*')) {
    const type = await administrator.type(key);
    if (type === 'hash')
      for (const [field, value] of Object.entries(await administrator.hgetall(key)))
        found.set(`${key} ${field}`, value);
    else if (type === 'list')
      (await administrator.lrange(key, 0, -1)).forEach((each, at) => found.set(`${key} ${at}`, each));
    else if (type === 'string') found.set(key, (await administrator.get(key)) ?? '');
    else if (type === 'stream') found.set(key, JSON.stringify(await administrator.xrange(key, '-', '+')));
  }
  return found;
}

/** What of these keys is no longer as it was: texts may have been added to. */
function lost(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  of: readonly string[],
): string[] {
  const isOf = (place: string): boolean => of.some((key) => place === key || place.startsWith(`${key} `));
  return [...before].flatMap(([place, text]) => (isOf(place) && !after.get(place)?.startsWith(text) ? [place] : []));
}

/** Every call of a function that an honest executor makes in its life. */
async function callsOf(redis: Redis, work: () => Promise<void>): Promise<RedisCommand[]> {
  const calls = new Map<string, RedisCommand>();
  const monitor = await redis.administrator.monitor();
  onTestFinished(() => monitor.disconnect());
  monitor.on('monitor', (_time: string, args: string[]) => {
    if (/^fcall$/i.test(args[0] ?? '')) calls.set(args.slice(0, 3 + Number(args[2])).join(' '), args as [string]);
  });
  await work();
  return [...calls.values()];
}

describe.skipIf(!hasRedis)('with the ACL file that is printed', () => {
  test('an executor does all of its work, and afterwards can take back nothing of it, by command or function', async () => {
    const { redis, control, killSwitch } = await setUp();
    const calls = await callsOf(redis, () => wholeRound({ control, killSwitch }));
    const used = new Set(calls.map(([, name]) => String(name).replace(/^kill_switch_|_[0-9a-f]{12}$/g, '')));
    expect([...used]).toEqual(
      expect.arrayContaining([
        'confirm',
        'intend',
        'end',
        'request_approval',
        'claim',
        'reserve',
        'settle',
        'add_stop',
      ]),
    );
    expect(await redis.cli('ACL', 'LOG')).toEqual([]); // no command was denied
    await killSwitch.close();

    const before = await read(redis);
    for (const key of HISTORY)
      expect(
        [...before.keys()].some((place) => place.startsWith(key)),
        key,
      ).toBe(true);
    const fixed = [
      ...HISTORY,
      keys.log,
      keys.state,
      keys.head,
      keys.journal,
      keys.journalRuns,
      keys.claims,
      keys.names,
    ];
    fixed.push(keys.run('r-1').journalRun);
    const evil = asUser(redis.as(executorUser(DEFAULT_SCOPE, 'mailer')));
    const answers = new Map<string, unknown>();
    for (const key of HISTORY) for (const command of onto(key)) answers.set(command.join(' '), await evil(command));
    // Each call again, with one of the keys in the place of each of its own, of whatever type.
    const targets = [...fixed, OTHER.beats, OTHER.ledger, OTHER.approvals, OTHER.stops, OTHER.journal, OTHER.forks];
    for (const [fcall, name = '', count = 0, ...rest] of calls)
      for (let at = 0; at < Number(count); at += 1)
        for (const key of targets) {
          const command: RedisCommand = [fcall, name, count, ...rest.map((own, index) => (index === at ? key : own))];
          answers.set(command.join(' '), await evil(command));
        }
    const refused = [...answers.values()].filter((answer) => DENIED.test(String(answer)));
    expect(refused.length).toBeGreaterThan(900);
    const after = await read(redis);
    expect(lost(before, after, fixed)).toEqual([]);
    expect([...after.keys()].filter((place) => place.startsWith(OTHER.prefix))).toEqual([]);
    expect(await control.verifyLog()).toMatchObject({ ok: true });
    expect((await control.run('r-1')).entries).toMatchObject([{ state: 'landed' }]);
  }, 60_000);

  test('what Redis cannot prevent is only about the executor’s own name, and gives nothing back', async () => {
    const { redis, control, killSwitch } = await setUp();
    await wholeRound({ control, killSwitch });
    await killSwitch.close();
    const evil = asUser(redis.as(executorUser(DEFAULT_SCOPE, 'mailer')));
    const before = await read(redis);
    const shown = (await control.interventions()).data.length;
    // It can cut the lists of what it was refused, say anything of itself and of what it has spent, …
    expect(await evil(['XADD', OWN.interventions, 'MAXLEN', 0, '*', 'record', '{}'])).toMatch(/^\d+-\d+$/);
    expect(await redis.administrator.xlen(OWN.interventions)).toBe(0);
    expect((await control.interventions()).data.length).toBeLessThan(shown);
    expect(await evil(['HSET', OWN.beats, 'ghost', '{}'])).toBe(1);
    expect(await evil(['SET', OWN.forks, ''])).toBe('OK');
    const accounts = [...before.keys()].filter((place) => place.startsWith(`${OWN.ledger} `));
    expect(accounts.length).toBeGreaterThan(0);
    for (const place of accounts) expect(await evil(['HDEL', OWN.ledger, place.slice(OWN.ledger.length + 1)])).toBe(1);
    // … be the first to say that something is used, or intended under a key; and call functions of other libraries.
    expect(await evil(['HSETNX', keys.claims, 'of-others', '{}'])).toBe(1);
    expect(await evil(['HSETNX', keys.journal, 'key-of-others\n1', '{}'])).toBe(1);
    expect(await evil(['FCALL', 'no_such_function', 0])).toMatch(/Function not found/);
    // Its stops hold, and so does the kill.
    expect(await control.status()).toMatchObject({ stops: [{ target: 'agent:x' }], active_kills: 1 });
    expect(await control.check({ agentId: 'x' })).toMatchObject({ verdict: 'block', cause: { kind: 'kill' } });
    const shared = [keys.log, keys.state, keys.head, keys.journal, keys.claims, ...HISTORY];
    expect(lost(before, await read(redis), shared)).toEqual([]);
  }, 60_000);

  test('a viewer sees all of it and changes nothing, and nobody is `default`', async () => {
    const { redis, control, killSwitch } = await setUp();
    await wholeRound({ control, killSwitch });
    const viewer = redis.as(viewerUser(DEFAULT_SCOPE));
    const seen = await openControlPlane({ store: redisControlStore({ url: viewer }), operator: { id: 'vic' } });
    onTestFinished(() => seen.close());
    expect((await seen.status()).head).toEqual((await control.status()).head);
    expect((await seen.executors()).data).toMatchObject([{ name: 'mailer' }]);
    await expect(seen.revive({ target: 'agent:x', reason: 'x' })).rejects.toMatchObject({ code: 'NOT_PERMITTED' });
    await killSwitch.close();
    const before = await read(redis);
    const as = asUser(viewer);
    const all = [...new Set([...before.keys()].map((place) => place.split(' ')[0] ?? ''))];
    expect(all.length).toBeGreaterThan(10);
    for (const key of all)
      for (const command of onto(key)) {
        if (['HGETALL'].includes(command[0]) && key === keys.state) continue;
        expect(await as(command), command.join(' ')).toMatch(DENIED);
      }
    expect(await read(redis)).toEqual(before);
    const nobody = connect(redis.port, '127.0.0.1');
    onTestFinished(() => void nobody.destroy());
    nobody.write(`PING\r\nAUTH default x\r\nGET ${keys.head}\r\nPING\r\n`);
    let answered = '';
    for await (const data of nobody) if ((answered += data).split('\r\n').length > 4) break;
    expect(answered).toMatch(/^-NOAUTH .*\r\n-WRONGPASS .*\r\n-NOAUTH .*\r\n-NOAUTH .*\r\n$/);
  }, 60_000);
});
