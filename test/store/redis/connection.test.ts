import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { serializeEvent } from '../../../flags/index.ts';
import type { Push } from '../../../store/ports.ts';
import { hasRedis, startFaultProxy, startRedis } from '../../servers/index.ts';
import { beat, failure, init, kill, killData, openControl, openExecutor, plan, pushes } from './harness.ts';

const TIMEOUT = 300;

/** A moment for timers and for two busy cores. */
const SLACK = 250;

describe.skipIf(!hasRedis)('the connection to Redis', () => {
  const setUp = async () => {
    const redis = await startRedis();
    const proxy = await startFaultProxy({ port: redis.port });
    const at = { url: `redis://127.0.0.1:${proxy.port}`, requestTimeoutMs: TIMEOUT };
    const [control, executor] = [openControl(at), openExecutor(at)];
    const direct = openControl({ url: redis.url });
    const head = await init(direct);
    const confirm = () => executor.confirm(beat(executor.id, head), 'n');
    await confirm();
    await control.read([]);
    /** How long it takes to fail. */
    const failingMs = async () => {
      const started = performance.now();
      const errors = await Promise.all([confirm(), executor.load(head, 'n'), control.read([])].map(failure));
      for (const error of errors) expect(error).toMatchObject({ code: 'STORE_UNREACHABLE' });
      return performance.now() - started;
    };
    /** How long until it is confirmed again; asked in a row, as an executor does. */
    const recoveredMs = async () => {
      const started = performance.now();
      await expect
        .poll(
          () =>
            confirm().then(
              () => true,
              () => false,
            ),
          { timeout: 10_000, interval: 20 },
        )
        .toBe(true);
      return performance.now() - started;
    };
    return { redis, proxy, at, control, direct, executor, head, confirm, failingMs, recoveredMs };
  };

  test('Redis killed: every request fails by its deadline, and requests succeed when Redis is back', async () => {
    const { redis, failingMs, recoveredMs } = await setUp();
    await redis.kill();
    expect(await failingMs()).toBeLessThan(TIMEOUT + SLACK);
    expect(await failingMs()).toBeLessThan(TIMEOUT + SLACK);
    await redis.restart();
    expect(await recoveredMs()).toBeLessThan(1500);
  });

  test('Redis frozen: every request fails by its deadline, and requests succeed when Redis goes on', async () => {
    const { redis, failingMs, recoveredMs } = await setUp();
    await redis.freeze();
    expect(await failingMs()).toBeLessThan(TIMEOUT + SLACK);
    expect(await failingMs()).toBeLessThan(TIMEOUT + SLACK);
    await redis.thaw();
    expect(await recoveredMs()).toBeLessThan(1500);
  });

  test('Redis frozen before the first request, with a password: the answer to AUTH is not waited for', async () => {
    const redis = await startRedis({ password: 'hunter2' });
    await redis.freeze();
    const executor = openExecutor({ url: redis.url, requestTimeoutMs: TIMEOUT });
    const started = performance.now();
    expect(await failure(executor.load(null, 'n'))).toMatchObject({ code: 'STORE_UNREACHABLE' });
    expect(performance.now() - started).toBeLessThan(TIMEOUT + SLACK);
    await redis.thaw();
    await expect
      .poll(
        () =>
          executor.load(null, 'n').then(
            () => true,
            () => false,
          ),
        { timeout: 5000 },
      )
      .toBe(true);
  });

  test.each(['both', 'to-server', 'to-client'] as const)(
    'a network that falls silent (%s): the hung connection is dropped, and a new one is made',
    async (direction) => {
      const { proxy, failingMs, recoveredMs } = await setUp();
      const before = proxy.connections.map(({ id }) => id);
      proxy.stallWhere(({ id }) => before.includes(id), direction); // for ever; later connections are not affected
      expect(await failingMs()).toBeLessThan(TIMEOUT + SLACK);
      expect(await recoveredMs()).toBeLessThan(1000);
      proxy.stall(direction);
      expect(await failingMs()).toBeLessThan(TIMEOUT + SLACK);
      await proxy.resume();
      expect(await recoveredMs()).toBeLessThan(1500);
    },
  );

  test('a network that refuses and resets connections', async () => {
    const { proxy, failingMs, recoveredMs } = await setUp();
    await proxy.refuse();
    expect(await failingMs()).toBeLessThan(TIMEOUT + SLACK);
    await proxy.resume();
    expect(await recoveredMs()).toBeLessThan(1500);
  });

  test('a request that is made without a connection waits for one until its deadline', async () => {
    const { redis, proxy, executor, head } = await setUp();
    proxy.cut();
    const later = openExecutor({ url: `redis://127.0.0.1:${proxy.port}`, requestTimeoutMs: 5000 });
    await proxy.refuse();
    const waiting = later.confirm(beat(later.id, head), 'n');
    await new Promise((resolve) => setTimeout(resolve, 100));
    await proxy.resume();
    expect((await waiting).events).toEqual([]);
    expect(executor.id).not.toBe(later.id);
    expect(await redis.cli('HLEN', 'kill-switch:{default}:executor:test:beats')).toBe(2);
  });

  test('a reply that comes after the deadline is not taken for that of the next request', async () => {
    const { proxy, executor, head, direct, recoveredMs } = await setUp();
    proxy.stall('to-client');
    const late = failure(executor.confirm(beat(executor.id, head), 'n'));
    await late;
    await proxy.resume();
    await recoveredMs();
    const after = await kill(direct, 'all');
    expect(await executor.confirm(beat(executor.id, head), 'n')).toMatchObject({ head: after, events: [{ seq: 2 }] });
    expect(await executor.load(head, 'n')).toMatchObject({ head: after, linked: true });
  });

  test('a large state may take longer than a request, as long as it keeps coming', async () => {
    const { redis, head } = await setUp();
    const filler = JSON.stringify('x'.repeat(1000));
    const entries = Array.from({ length: 2000 }, (_, index) => [`kill:agent:${index}`, filler]);
    await redis.cli('HSET', 'kill-switch:{default}:state', ...(entries.flat() as [string]));
    const slow = await slowProxy(redis.port);
    const executor = openExecutor({ url: `redis://127.0.0.1:${slow.port}`, requestTimeoutMs: 150 });
    await executor.confirm(beat(executor.id, head), 'n');
    const started = performance.now();
    const snapshot = await executor.load(head, 'n');
    expect([...snapshot.entries]).toHaveLength(2002);
    expect(performance.now() - started).toBeGreaterThan(300); // twice the time of a request
    slow.stop();
    expect(await failure(executor.load(head, 'n'))).toMatchObject({ code: 'STORE_UNREACHABLE' });
  });

  test('no error contains the password, in any form', async () => {
    const redis = await startRedis({ password: 'hunter2/ß' });
    const proxy = await startFaultProxy({ port: redis.port });
    const url = redis.url.replace(`:${redis.port}`, `:${proxy.port}`);
    expect(url).toContain(encodeURIComponent('hunter2/ß'));
    const at = { url, requestTimeoutMs: 150 };
    const [control, executor] = [openControl(at), openExecutor(at)];
    await init(control);
    const change = await plan(control, 'kill', killData('all'));
    const { heard } = pushes(executor);
    await expect.poll(() => heard.length, { timeout: 20_000 }).toBe(1);
    const errors: unknown[] = [];
    const ask = async () => {
      const { id } = executor;
      const all = [
        executor.confirm(beat(id, null), 'n'),
        executor.load(null, 'n'),
        executor.leave(),
        control.append(change),
        control.read([]),
      ];
      errors.push(...(await Promise.all(all.map(failure))));
    };
    proxy.stall();
    await ask();
    await proxy.refuse();
    await ask();
    await redis.cli('CONFIG', 'SET', 'requirepass', 'another');
    await proxy.resume();
    await ask();
    await expect.poll(() => heard.some(({ type }) => type === 'trouble')).toBe(true);
    const all = inspect([errors, heard, control, executor, executor.anchor], { depth: 12, showHidden: true });
    expect(all).toMatch(/WRONGPASS/);
    expect(all).not.toMatch(/hunter2/);
  });

  describe('listening', () => {
    const events = (heard: readonly Push[]) => heard.flatMap((push) => (push.type === 'event' ? [push.event.seq] : []));
    const gaps = (heard: readonly Push[]) => heard.filter(({ type }) => type === 'gap').length;

    test('pushes each change as it is appended, after a gap for those that it may have missed', async () => {
      const { executor, control, direct } = await setUp();
      const [first, second] = [pushes(executor), pushes(control)];
      await expect.poll(() => [gaps(first.heard), gaps(second.heard)]).toEqual([1, 1]);
      const head = await kill(direct, 'agent:{x}😀');
      await expect.poll(() => [events(first.heard), events(second.heard)]).toEqual([[2], [2]]);
      expect(first.heard.at(-1)).toMatchObject({
        type: 'event',
        event: { hash: head.hash, data: { target: 'agent:{x}😀' } },
      });
      first.end();
      first.end();
      await kill(direct, 'all');
      await expect.poll(() => events(second.heard)).toEqual([2, 3]);
      expect(events(first.heard)).toEqual([2]);
    });

    test('a silent subscriber connection is noticed by itself, and made anew with a gap; requests go on', async () => {
      const { proxy, executor, direct, confirm } = await setUp();
      const { heard } = pushes(executor);
      await expect.poll(() => gaps(heard)).toBe(1);
      const [subscriber] = proxy.connections.filter((connection) => connection.hasSent('SUBSCRIBE'));
      proxy.stallWhere(({ id }) => id === subscriber?.id);
      const missed = await kill(direct, 'all');
      await confirm();
      await expect.poll(() => gaps(heard), { timeout: 3 * TIMEOUT + 1000 }).toBe(2);
      expect(heard.map(({ type }) => type)).toEqual(['gap', 'trouble', 'gap']);
      expect(events(heard)).toEqual([]); // a gap asks for a confirmation, which brings what was missed
      await kill(direct, 'agent:x');
      await expect.poll(() => events(heard)).toEqual([missed.epoch + 1]);
    });

    test('Redis gone and back: one trouble, one gap, and then new events', async () => {
      const { redis, executor, direct } = await setUp();
      const { heard } = pushes(executor);
      await expect.poll(() => gaps(heard)).toBe(1);
      await redis.kill();
      await expect.poll(() => heard.map(({ type }) => type)).toEqual(['gap', 'trouble']);
      await redis.restart();
      await expect.poll(() => gaps(heard), { timeout: 5000 }).toBe(2);
      await kill(direct, 'all');
      await expect.poll(() => heard.map(({ type }) => type)).toEqual(['gap', 'trouble', 'gap', 'event']);
    });

    test('a published text that is no event of ours is pushed as a gap', async () => {
      const { redis, executor, direct } = await setUp();
      const { heard } = pushes(executor);
      await expect.poll(() => gaps(heard)).toBe(1);
      const change = await plan(direct, 'kill', killData('all'));
      for (const text of ['', '{', 'null', serializeEvent(change.event).replace('"all"', '"run:1"'), '\u0000\ud83d'])
        await redis.cli('PUBLISH', 'kill-switch:{default}:events', text);
      await expect.poll(() => gaps(heard)).toBe(6);
      expect(events(heard)).toEqual([]);
    });

    test('a channel that the ACL forbids is pushed as trouble, and subscribed to once it is allowed', async () => {
      const { redis, proxy, direct } = await setUp();
      const setUser = (...rules: string[]) =>
        redis.cli('ACL', 'SETUSER', 'dana', 'on', '>hunter2', '~*', '+@all', ...rules);
      await setUser('resetchannels');
      const { heard } = pushes(
        openExecutor({ url: `redis://dana:hunter2@127.0.0.1:${proxy.port}`, requestTimeoutMs: TIMEOUT }),
      );
      await expect
        .poll(() => heard)
        .toMatchObject([{ type: 'trouble', error: { message: expect.stringMatching(/NOPERM/) } }]);
      await setUser('allchannels');
      await expect.poll(() => gaps(heard), { timeout: 5000 }).toBe(1);
      await kill(direct, 'all');
      await expect.poll(() => events(heard)).toEqual([2]);
    });
  });

  describe('closing', () => {
    test('ends every connection, also hung ones, at once and for good', async () => {
      const { redis, proxy, executor, control } = await setUp();
      const followed = [pushes(executor), pushes(executor), pushes(control)];
      await expect.poll(() => followed.every(({ heard }) => heard.length === 1)).toBe(true);
      await control.read([]);
      expect(proxy.connections).toHaveLength(5);
      proxy.stall();
      const pending = failure(executor.load(null, 'n'));
      const started = performance.now();
      await Promise.all([executor.close(), control.close(), executor.close()]);
      expect(performance.now() - started).toBeLessThan(SLACK);
      expect(await pending).toMatchObject({ code: 'CLOSED' });
      for (const late of [executor.load(null, 'n'), executor.leave(), control.read([])].map(failure))
        expect(await late).toMatchObject({ code: 'CLOSED' });
      await proxy.resume();
      await expect.poll(() => proxy.connections).toEqual([]);
      const heard = followed.map((one) => one.heard.length);
      await redis.restart();
      await new Promise((resolve) => setTimeout(resolve, 300)); // time enough for an attempt to connect
      expect(proxy.connections).toEqual([]);
      expect(followed.map((one) => one.heard.length)).toEqual(heard);
    });

    test('a connection that was never used, or cannot be made, closes at once', async () => {
      const [never, nowhere] = [
        openExecutor({ url: 'redis://127.0.0.1:1' }),
        openExecutor({ url: 'redis://127.0.0.1:1', requestTimeoutMs: 5000 }),
      ];
      const { heard } = pushes(nowhere);
      const waiting = failure(nowhere.load(null, 'n'));
      await expect.poll(() => heard).toMatchObject([{ type: 'trouble', error: { code: 'STORE_UNREACHABLE' } }]);
      const started = performance.now();
      await Promise.all([never.close(), nowhere.close()]);
      expect(await waiting).toMatchObject({ code: 'CLOSED' });
      expect(performance.now() - started).toBeLessThan(SLACK);
    });
  });
});

/** Forwards at most 64 KiB of the server's answers in 25 ms, and nothing after `stop`. */
async function slowProxy(target: number): Promise<{ readonly port: number; stop(): void }> {
  let stopped = false;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) sockets.add(socket.on('error', () => {}));
    client.pipe(upstream);
    upstream.on('data', (chunk) => {
      upstream.pause();
      if (!stopped) client.write(chunk);
      setTimeout(() => upstream.resume(), 25);
    });
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, stop: () => void (stopped = true) };
}
