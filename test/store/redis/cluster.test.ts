import { beforeAll, describe, expect, test, vi } from 'vitest';
import { freePorts, hasRedis, type RedisServer, startRedis } from '../../servers/index.ts';
import { append, beat, failure, init, kill, openControl, openExecutor, pushes } from './harness.ts';

describe.skipIf(!hasRedis)('a Redis Cluster', () => {
  let nodes: RedisServer[];
  beforeAll(async () => {
    nodes = await Promise.all([0, 1].map(() => startRedis({ config: ['cluster-enabled yes'] })));
    const [low, high] = nodes as [RedisServer, RedisServer];
    await low.cli('CLUSTER', 'ADDSLOTSRANGE', 0, 8191);
    await high.cli('CLUSTER', 'ADDSLOTSRANGE', 8192, 16383);
    await low.cli('CLUSTER', 'MEET', '127.0.0.1', high.port);
    const ok = async ({ cli }: RedisServer) =>
      expect(await cli('CLUSTER', 'INFO')).toMatch(/cluster_state:ok[^]*known_nodes:2/);
    await vi.waitFor(() => Promise.all(nodes.map(ok)), { timeout: 20_000, interval: 50 });
  });

  const organizations = ['default', '{a}:{b}', 'x', '}{'];

  test('any node leads to the one with the keys, which are all in one slot', async () => {
    await Promise.all(
      nodes.map(async ({ url }) => {
        for (const organizationId of organizations) {
          const at = { url, organizationId: `${organizationId} ${url}` };
          const [control, executor] = [openControl(at), openExecutor(at)];
          const { heard } = pushes(executor);
          await expect.poll(() => heard.length).toBe(1);
          await init(control);
          const head = await kill(control, 'all');
          expect(await executor.confirm(beat(executor.id, head), 'n')).toMatchObject({
            head,
            events: [],
            forkReported: false,
          });
          expect(await append(control, 'recover', { generation: 'g2', given_up: [] })).toMatchObject({ epoch: 3 });
          expect((await executor.load(head, 'n')).linked).toBe(true);
          expect(await control.executors()).toHaveLength(1);
          await expect
            .poll(() => heard.flatMap((push) => (push.type === 'event' ? [push.event.seq] : [])))
            .toEqual([1, 2, 3]);
        }
      }),
    );
    // both hold some, so some requests went to the wrong one first
    for (const { cli } of nodes) expect(await cli('DBSIZE')).toBeGreaterThan(0);
  });

  test('a node that is gone is passed over for the next', async () => {
    const [dead] = await freePorts(1);
    const cluster = nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
    const at = { url: `redis://127.0.0.1:${dead}`, organizationId: 'gone', requestTimeoutMs: 2000 };
    const [control, executor] = [openControl({ ...at, cluster }), openExecutor({ ...at, cluster })];
    const head = await init(control);
    const { heard } = pushes(executor);
    expect((await executor.confirm(beat(executor.id, head), 'n')).events).toEqual([]);
    await expect.poll(() => heard.map(({ type }) => type), { timeout: 5000 }).toEqual(['trouble', 'gap']);
    expect(await failure(openControl({ ...at, requestTimeoutMs: 200 }).read([]))).toMatchObject({
      code: 'STORE_UNREACHABLE',
    });
  });

  test('a node that hangs is passed over for the next', async () => {
    const hanging = await startRedis();
    await hanging.freeze();
    const cluster = nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
    const at = { url: hanging.url, organizationId: 'hangs', requestTimeoutMs: 300, cluster };
    const control = openControl(at);
    expect(await failure(control.read([]))).toMatchObject({ code: 'STORE_UNREACHABLE' });
    expect((await control.read([])).head).toBeNull();
  });
});
