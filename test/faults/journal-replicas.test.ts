import { randomUUID } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { createKillSwitch } from '../../index.ts';
import { openControlPlane } from '../../operator/index.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { hasRedis, type RedisServer } from '../servers/index.ts';
import { Scene } from './scene.ts';

const WAIT = { timeout: 20_000, interval: 50 };

const counted = (master: RedisServer) =>
  vi.waitFor(
    async () =>
      expect(await master.cli('INFO', 'replication')).toMatch(/slave0:.*state=online,offset=[1-9].*lag=[01]\b/),
    WAIT,
  );

/** A master with a replica, and an executor of it that journals one action. `during` is called while that runs. */
async function setUp(scene: Scene, { replicas = 1 } = {}) {
  const config = ['repl-diskless-sync-delay 0'];
  const master = await scene.redis({ config });
  const replication = await scene.proxy(master.port);
  const replica = await scene.redis({ config: [...config, `replicaof 127.0.0.1 ${replication.port}`] });
  await counted(master);
  const control = await scene.live(redisControlStore({ url: master.url, replicas }));
  const proxy = await scene.proxy(master.port);
  const ran: string[] = [];
  const during: Array<(key: string) => unknown> = [];
  const executor = async (name: string, url: string, options: { readonly replicas: number }) => {
    const store = redisStore({ url, ...options });
    const created = createKillSwitch({ store, domain: randomUUID(), executor: { name }, agentId: 'x', leaseMs: 3000 });
    const killSwitch = scene.own(await created, (each) => each.close().catch(() => {}));
    const refund = killSwitch.action({
      name: 'payments.refund',
      reverse: { action: 'payments.cancel', input: (result: string) => result },
      async execute(key: string) {
        ran.push(key);
        await during.shift()?.(key);
        return key;
      },
    });
    await vi.waitUntil(() => killSwitch.check({ agentId: 'x' }).verdict === 'allow', WAIT);
    return (key: string) =>
      killSwitch.run({ runId: `run of ${key}` }, () => refund.attempt(key, { idempotencyKey: key }));
  };
  const call = await executor('first', `redis://127.0.0.1:${proxy.port}`, { replicas });
  /** What the replica has of a key. */
  const onReplica = async (key: string): Promise<unknown> => {
    const copy = await openControlPlane({ store: redisControlStore({ url: replica.url }), operator: { id: 'ann' } });
    try {
      return (await copy.run(`run of ${key}`)).entries.map(({ state }) => state);
    } finally {
      await copy.close();
    }
  };
  /** The master is lost, and the replica takes its place, with a replica of its own. */
  const failOver = async (): Promise<void> => {
    await master.kill();
    await replication.stop();
    await replica.cli('REPLICAOF', 'NO', 'ONE');
    await scene.redis({ config: [...config, `replicaof 127.0.0.1 ${replica.port}`] });
    await counted(replica);
  };
  const moveTo = async (to: RedisServer): Promise<void> => {
    await proxy.stop();
    await scene.proxy(to.port, proxy.port);
  };
  return { control, replica, replication, call, executor, ran, during, onReplica, failOver, moveTo };
}

describe.skipIf(!hasRedis).concurrent('a journal in a Redis whose replica must have every write', () => {
  test('has each intent on the replica before the call starts, and each end before it returns', {
    timeout: 90_000,
  }, async (context) => {
    const { call, during, onReplica } = await setUp(new Scene(context));
    for (let round = 0; round < 10; round += 1) {
      const found: unknown[] = [];
      during.push(async (key) => found.push(await onReplica(key)));
      expect(await call(`k-${round}`)).toMatchObject({ status: 'executed' });
      expect([...found, await onReplica(`k-${round}`)]).toEqual([['in_flight'], ['landed']]);
    }
  });

  test('starts nothing while the replica does not answer; what has landed then is stored when it does', {
    timeout: 90_000,
  }, async (context) => {
    const { call, control, replica, ran, during } = await setUp(new Scene(context));
    await replica.freeze();
    expect(await call('a')).toMatchObject({
      ...{ status: 'blocked', decision: { cause: { kind: 'fault', code: 'JOURNAL_UNAVAILABLE' } } },
    });
    expect(ran).toEqual([]);
    await replica.thaw();
    await vi.waitFor(async () => expect(await call('a')).toMatchObject({ status: 'executed' }), WAIT);
    during.push(() => replica.freeze());
    expect(await call('b')).toMatchObject({ status: 'executed', recorded: false });
    await replica.thaw();
    await vi.waitFor(async () => {
      expect(await call('c')).toMatchObject({ status: 'executed' });
      expect((await control.run('run of b')).entries).toMatchObject([{ state: 'landed' }]);
    }, WAIT);
    expect(await call('b')).toMatchObject({ status: 'executed', repeated: true });
    expect(ran).toEqual(['a', 'b', 'c']);
  });

  test('has the intent of what runs also after a failover: nobody runs it again, and its end is stored there', {
    timeout: 90_000,
  }, async (context) => {
    const scene = new Scene(context);
    const { call, replica, executor, ran, during, failOver, moveTo, onReplica } = await setUp(scene);
    during.push(failOver);
    expect(await call('a')).toMatchObject({ status: 'executed', recorded: false });
    const other = await executor('second', replica.url, { replicas: 1 });
    expect(await other('a')).toMatchObject({ status: 'aborted', landed: 'unknown' });
    await moveTo(replica);
    await vi.waitFor(async () => expect(await onReplica('a')).toEqual(['landed']), WAIT);
    expect(await other('a')).toMatchObject({ status: 'executed', repeated: true, result: 'a' });
    expect(ran).toEqual(['a']);
  });
});

describe.skipIf(!hasRedis).concurrent('a journal in a Redis that may lose its last writes', () => {
  test('gets the intent that a failover has lost once more, with its end, from the executor that has it', {
    timeout: 90_000,
  }, async (context) => {
    const scene = new Scene(context);
    const { call, replica, replication, executor, ran, during, failOver, moveTo, onReplica } = await setUp(scene, {
      replicas: 0,
    });
    await call('before');
    await vi.waitFor(async () => expect(await onReplica('before')).toEqual(['landed']), WAIT);
    replication.stall();
    during.push(failOver);
    expect(await call('a')).toMatchObject({ status: 'executed', recorded: false });
    await moveTo(replica);
    await vi.waitFor(async () => expect(await onReplica('a')).toEqual(['landed']), WAIT);
    const other = await executor('second', replica.url, { replicas: 0 });
    expect(await other('a')).toMatchObject({ status: 'executed', repeated: true, result: 'a' });
    expect(ran).toEqual(['before', 'a']);
  });
});
