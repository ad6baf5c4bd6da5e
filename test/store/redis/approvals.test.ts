import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { executorUser, operatorUser, viewerUser } from '../../../store/redis/acl.ts';
import { redisKeys } from '../../../store/redis/keys.ts';
import { askedApproval } from '../../flags/approval-requests.ts';
import { hasRedis, type RedisServer, startRedis } from '../../servers/index.ts';
import { asUser, DEFAULT_SCOPE, DENIED, urlOf } from './acl-users.ts';
import { beat, failure, init, openControl, openExecutor } from './harness.ts';

const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString();
const asked = (id = randomUUID()) => askedApproval({ id, requested_by: 'test' });

describe.skipIf(!hasRedis)('approvals in Redis, with its users', () => {
  test('an executor asks and claims under its own name, and can neither decide, nor take back, nor rewrite', async () => {
    const redis = await startRedis();
    const control = openControl({ url: await urlOf(redis, operatorUser(DEFAULT_SCOPE)) });
    const head = await init(control);
    const url = await urlOf(redis, executorUser(DEFAULT_SCOPE, 'test'));
    const executor = openExecutor({ url });
    await executor.confirm(beat(executor.id, head), 'n');
    const request = asked();
    expect(await executor.approvals?.request(request)).toMatchObject({ is: 'open' });
    const claim = { id: request.id, times: null, until: inAnHour(), use: 'u' };
    const confirming = { beat: beat(executor.id, head), nonce: 'm' };
    expect(await executor.approvals?.claim(claim, confirming)).toMatchObject({ claim: { is: 'claimed' } });

    const keys = redisKeys('default');
    const own = keys.executor('test');
    const other = keys.executor('other');
    const as = asUser(url);
    for (const command of [
      ['XADD', keys.log, '*', 'event', '{}'],
      ['HSET', keys.state, `approval:${request.id}`, '{}'],
      ['SET', keys.head, '{}'],
      ['HDEL', keys.claims, request.id],
      ['HSET', keys.claims, request.id, '{}'],
      ['DEL', keys.claims],
      ['HSET', own.approvals, request.id, '{}'],
      ['HSETNX', other.approvals, 'x', '{}'],
      ['HGET', other.approvals, 'x'],
      ['HGETALL', other.approvals],
      ['ZADD', other.approvalTimes, 1, 'x'],
      ['HDEL', other.approvals, 'x'],
    ] as const)
      expect(await as(command), command.join(' ')).toMatch(DENIED);
    expect(await as(['HSETNX', keys.claims, request.id, 'again'])).toBe(0);
    expect(await as(['ZSCORE', other.approvalTimes, 'x'])).toBeNull(); // only that and until when one waits
    expect(await control.approvals?.get(request.id)).toMatchObject({ end: 'used', writer: 'name test', problem: null });
  });

  test('an operator and a viewer see them; a viewer changes nothing', async () => {
    const redis = await startRedis();
    const control = openControl({ url: await urlOf(redis, operatorUser(DEFAULT_SCOPE)) });
    const head = await init(control);
    const executor = openExecutor({ url: redis.url });
    await executor.confirm(beat(executor.id, head), 'n');
    const [one, two] = [asked(), asked()];
    for (const each of [one, two]) await executor.approvals?.request(each);
    const viewer = openControl({ url: await urlOf(redis, viewerUser(DEFAULT_SCOPE)) });
    for (const each of [control, viewer]) expect((await each.approvals?.all())?.requests).toHaveLength(2);
    expect(await failure(viewer.approvals?.expire([one.id]) ?? Promise.resolve())).toMatchObject({
      code: 'NOT_PERMITTED',
    });
    expect(await failure(viewer.approvals?.forget([one.id]) ?? Promise.resolve())).toMatchObject({
      code: 'NOT_PERMITTED',
    });
    await control.approvals?.expire([one.id]);
    await control.approvals?.forget([two.id]);
    expect((await viewer.approvals?.all())?.requests).toMatchObject([{ id: one.id, end: 'expired' }]);
  });

  test('what stands under a name and is another’s, or is planted under several, cannot be decided', async () => {
    const redis = await startRedis();
    const control = openControl({ url: redis.url });
    const head = await init(control);
    const executor = openExecutor({ url: redis.url });
    await executor.confirm(beat(executor.id, head), 'n');
    const [mine, doubled] = [asked(), asked()];
    await executor.approvals?.request({ ...mine, requested_by: 'another' });
    await executor.approvals?.request(doubled);
    const keys = redisKeys('default');
    await redis.cli('APPEND', keys.names, '\nevil\n');
    const text = await redis.cli('HGET', keys.executor('test').approvals, doubled.id);
    await redis.cli('HSET', keys.executor('evil').approvals, doubled.id, String(text).trim(), 'broken', '{');
    const found = new Map((await control.approvals?.all())?.requests.map((each) => [each.id, each]));
    expect(found.get(mine.id)?.problem).toMatch(/another name/);
    expect(found.get(doubled.id)?.problem).toBe('several requests have this id');
    expect((await control.approvals?.get(doubled.id))?.problem).toBe('several requests have this id');
    expect(found.get('broken')).toMatchObject({ request: null, problem: expect.stringMatching(/cannot be read/) });
  });
});

describe.skipIf(!hasRedis)('approvals in a Redis whose replica must have every write', () => {
  let master: RedisServer;
  let replica: RedisServer;
  beforeAll(async () => {
    master = await startRedis({ config: ['repl-diskless-sync-delay 0'] });
    replica = await startRedis({ config: [`replicaof 127.0.0.1 ${master.port}`] });
    const counted = async () =>
      expect(await master.cli('INFO', 'replication')).toMatch(/slave0:.*state=online,offset=[1-9].*lag=[01]\b/);
    await vi.waitFor(counted, { timeout: 15_000, interval: 50 });
  });

  test('a claim counts once the replica has it; after a failover it is still claimed, and by nobody else', async () => {
    const at = { url: master.url, requestTimeoutMs: 1000, replicas: 1 };
    const head = await init(openControl(at));
    const executor = openExecutor(at);
    const confirming = () => ({ beat: beat(executor.id, head), nonce: randomUUID() });
    const request = asked();
    await executor.approvals?.request(request);
    const claim = { id: request.id, times: null, until: inAnHour(), use: 'u' };

    onTestFinished(replica.thaw);
    await replica.freeze();
    const lost = asked();
    expect(await failure(executor.approvals?.request(lost) ?? Promise.resolve())).toMatchObject({
      code: 'STORE_READ_ONLY',
    });
    expect(await failure(executor.approvals?.claim(claim, confirming()) ?? Promise.resolve())).toMatchObject({
      code: 'STORE_READ_ONLY',
    });
    await replica.thaw();
    const again = () => executor.approvals?.claim(claim, confirming()) ?? Promise.reject(new Error('none'));
    await vi.waitFor(async () => expect(await again()).toMatchObject({ claim: { is: 'claimed', use: 1 } }), {
      timeout: 5000,
      interval: 100,
    });

    // the master is lost, and the replica takes its place
    await replica.cli('REPLICAOF', 'NO', 'ONE');
    const after = openExecutor({ url: replica.url, requestTimeoutMs: 1000 });
    const other = { beat: beat(after.id, head), nonce: 'n' };
    expect(await after.approvals?.claim({ ...claim, use: 'another' }, other)).toMatchObject({
      claim: { is: 'ended', as: 'used' },
    });
    expect(await openControl({ url: replica.url }).approvals?.get(request.id)).toMatchObject({ end: 'used' });
  });
});
