import { randomBytes } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { hasRedis, type RedisServer, startRedis } from '../../servers/index.ts';
import { beat, failure, init, kill, openControl, openExecutor, pushes } from './harness.ts';

/** Its keys are in slot 15495, of the high node. */
const ORGANIZATION = 'a';
const SLOT = 15495;

/**
 * A node that answers every command with the name of another node, as no real one does for long. On each connection the
 * answers after the first `prompt` ones come a little later.
 */
async function startMisleading(
  target: () => string,
  prompt = Infinity,
): Promise<{ readonly port: number; asked: number }> {
  const node = { port: 0, asked: 0 };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    let answered = 0;
    socket.on('data', (data) => {
      node.asked += 1;
      const answers = (data.toString().match(/^\*\d+\r$/gm) ?? []).map(() => `-MOVED ${SLOT} ${target()}\r\n`);
      const now = answers.splice(0, Math.max(0, prompt - answered));
      answered += now.length;
      socket.write(now.join(''));
      if (answers.length > 0) setTimeout(() => socket.write(answers.join('')), 100);
    });
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  node.port = (server.address() as AddressInfo).port;
  return node;
}

describe.skipIf(!hasRedis)('a Redis Cluster that names another node', () => {
  let [low, high]: RedisServer[] = [];
  const at = (more: Partial<Parameters<typeof openControl>[0]> = {}) => ({
    url: low?.url ?? '',
    organizationId: ORGANIZATION,
    requestTimeoutMs: 2000,
    ...more,
  });
  const nodes = () => [low, high] as [RedisServer, RedisServer];
  const node = (server: RedisServer | undefined) => ({ host: '127.0.0.1', port: server?.port ?? 0 });
  const setAll = (name: string, value: string) =>
    Promise.all(nodes().map(({ cli }) => cli('CONFIG', 'SET', name, value)));
  const redirects = (says: RegExp) =>
    vi.waitFor(
      async () =>
        expect(await low?.cli('GET', `{${ORGANIZATION}}`).catch((error: Error) => error.message)).toMatch(says),
      { timeout: 20_000, interval: 50 },
    );

  beforeAll(async () => {
    [low, high] = await Promise.all([0, 1].map(() => startRedis({ config: ['cluster-enabled yes'] })));
    const [first, second] = nodes();
    await first.cli('CLUSTER', 'ADDSLOTSRANGE', 0, 8191);
    await second.cli('CLUSTER', 'ADDSLOTSRANGE', 8192, 16383);
    await first.cli('CLUSTER', 'MEET', '127.0.0.1', second.port);
    const ok = async ({ cli }: RedisServer) =>
      expect(await cli('CLUSTER', 'INFO')).toMatch(/cluster_state:ok[^]*known_nodes:2/);
    await vi.waitFor(() => Promise.all(nodes().map(ok)), { timeout: 20_000, interval: 50 });
  });
  beforeEach(async () => {
    await high?.cli('FLUSHALL');
    await setAll('cluster-preferred-endpoint-type', 'ip');
    await setAll('cluster-announce-hostname', '');
  });

  /** An operator and an executor find the node with the keys, and pushes arrive. */
  const works = async (endpoint: ReturnType<typeof at>) => {
    const [control, executor] = [openControl(endpoint), openExecutor(endpoint)];
    const { heard } = pushes(executor);
    await vi.waitFor(() => expect(heard.at(-1)).toEqual({ type: 'gap' }));
    await vi.waitFor(() => init(control), { timeout: 5000, interval: 1 });
    const head = await kill(control, 'all');
    const confirmation = () => executor.confirm(beat(executor.id, head), 'n').catch(({ message }: Error) => message);
    await expect.poll(confirmation, { timeout: 5000 }).toMatchObject({ head, events: [], forkReported: false });
    await vi.waitFor(() => expect(heard.at(-1)).toMatchObject({ type: 'event', event: { hash: head.hash } }));
    expect(await high?.cli('DBSIZE')).toBeGreaterThan(0);
  };

  test('without a host: the host that was asked, at another port', async () => {
    await setAll('cluster-preferred-endpoint-type', 'unknown-endpoint');
    await redirects(/^MOVED \d+ :\d+$/);
    await works(at());
  });

  test('with a ? as the host, because it does not know it: the same', async () => {
    await setAll('cluster-preferred-endpoint-type', 'hostname');
    await redirects(/^MOVED \d+ \?:\d+$/);
    await works(at());
  });

  describe('with an address that leads nowhere on this machine', () => {
    beforeEach(async () => {
      await setAll('cluster-preferred-endpoint-type', 'hostname');
      await high?.cli('CONFIG', 'SET', 'cluster-announce-hostname', 'nowhere.invalid');
      await redirects(/nowhere\.invalid/);
    });

    test('the error names the address, and the option that translates it', async () => {
      expect(await failure(openControl(at({ requestTimeoutMs: 500 })).read([]))).toMatchObject({
        code: 'STORE_UNREACHABLE',
        message: expect.stringMatching(/nowhere\.invalid:\d+.*natMap/),
      });
    });

    test('natMap translates it, as an object and as a function', async () => {
      const key = `nowhere.invalid:${high?.port}`;
      await works(at({ options: { natMap: { [key]: node(high) } } }));
      await high?.cli('FLUSHALL');
      await works(at({ options: { natMap: (asked) => (asked === key ? node(high) : null) } }));
    });

    test('the next node of the list is asked, which may be the one with the keys', async () => {
      await works(at({ cluster: [node(high)] }));
    });
  });

  test('nodes that name each other are passed over for the next one, and not asked for ever', async () => {
    let [a, b]: { port: number; asked: number }[] = [];
    a = await startMisleading(() => `127.0.0.1:${b?.port}`);
    b = await startMisleading(() => `127.0.0.1:${a?.port}`);
    const url = `redis://127.0.0.1:${a.port}`;
    expect(await failure(openControl(at({ url, requestTimeoutMs: 1000 })).read([]))).toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: expect.stringMatching(/names another node for the keys.*MOVED/),
    });
    expect(a.asked + b.asked).toBeLessThan(30);
    const control = openControl(at({ url, cluster: [node(high)] }));
    expect((await init(control)).epoch).toBe(1);
  });

  test.each(['127.0.0.1:0', ':0'])('%s names no node: the next one of the list is asked', async (target) => {
    const misleading = await startMisleading(() => target);
    const control = openControl(at({ url: `redis://127.0.0.1:${misleading.port}`, cluster: [node(high)] }));
    expect((await init(control)).epoch).toBe(1);
  });

  test('requests on a connection are answered before it is left for another node', async () => {
    const ofOneRead = 5; // MULTI, GET, TIME, HEXISTS, EXEC
    const misleading = await startMisleading(() => `127.0.0.1:${high?.port}`, ofOneRead);
    const control = openControl(at({ url: `redis://127.0.0.1:${misleading.port}` }));
    const views = await Promise.all([control.read([]), control.read([]), control.read([])]);
    expect(views.map(({ head }) => head)).toEqual([null, null, null]);
  });

  test('while the slot moves to another node a request waits within its time, and never reads half of the keys', async () => {
    const [source, target] = [high, low] as [RedisServer, RedisServer];
    onTestFinished(async () => {
      await target.cli('FLUSHALL');
      for (const { cli } of nodes()) await cli('CLUSTER', 'SETSLOT', SLOT, 'NODE', sourceId);
      await redirects(new RegExp(`:${source.port}$`));
    });
    const id = async ({ cli }: RedisServer) => String(await cli('CLUSTER', 'MYID'));
    const [sourceId, targetId] = [await id(source), await id(target)];
    const [control, executor] = [openControl(at({ url: source.url })), openExecutor(at({ url: source.url }))];
    const head = await init(control);
    await executor.confirm(beat(executor.id, head), 'n');
    await target.cli('CLUSTER', 'SETSLOT', SLOT, 'IMPORTING', sourceId);
    await source.cli('CLUSTER', 'SETSLOT', SLOT, 'MIGRATING', targetId);
    const move = async (key: string) => source.cli('MIGRATE', '127.0.0.1', target.port, key, 0, 5000);
    await move('kill-switch:{a}:state');

    const impatient = openExecutor(at({ url: source.url, requestTimeoutMs: 300 }));
    for (const error of await Promise.all(
      [impatient.confirm(beat(impatient.id, head), 'n'), impatient.load(null, 'n')].map(failure),
    ))
      expect(error).toMatchObject({ code: 'STORE_UNREACHABLE', message: expect.stringMatching(/is being moved/) });

    const patient = openExecutor(at({ url: source.url, requestTimeoutMs: 8000 }));
    const waiting = Promise.all([
      patient.confirm(beat(patient.id, head), 'n'),
      patient.load(head, 'n'),
      control.read([]),
    ]);
    for (const key of (await source.cli('CLUSTER', 'GETKEYSINSLOT', SLOT, 100)) as string[]) await move(key);
    await target.cli('CLUSTER', 'SETSLOT', SLOT, 'NODE', targetId);
    await source.cli('CLUSTER', 'SETSLOT', SLOT, 'NODE', targetId);
    const [confirmed, loaded, view] = await waiting;
    expect(confirmed).toMatchObject({ head, events: [], forkReported: false });
    expect(loaded).toMatchObject({ head, linked: true });
    expect(view.head).toEqual(head);
  });

  test('a slot that no node serves is named, and a request goes on once a node serves it', async () => {
    const [, owner] = nodes();
    const control = openControl(at({ url: owner.url, requestTimeoutMs: 8000 }));
    await init(control);
    await owner.cli('CONFIG', 'SET', 'cluster-require-full-coverage', 'no');
    await owner.cli('CLUSTER', 'DELSLOTS', SLOT);
    const impatient = openControl(at({ url: owner.url, requestTimeoutMs: 300 }));
    expect(await failure(impatient.read([]))).toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: expect.stringMatching(/CLUSTER INFO.*CLUSTERDOWN/),
    });
    const waiting = control.read([]);
    await owner.cli('CLUSTER', 'ADDSLOTS', SLOT);
    expect((await waiting).head).toMatchObject({ epoch: 1 });
  });
});

describe.skipIf(!hasRedis)('a Redis that is still loading', () => {
  test('is waited for until the request’s deadline', async () => {
    const redis = await startRedis({ config: ['loading-process-events-interval-bytes 1024', 'key-load-delay 20000'] });
    const control = openControl({ url: redis.url, requestTimeoutMs: 8000 });
    const head = await init(control);
    const fillers = Array.from({ length: 60 }, (_, index) => [`filler:${index}`, randomBytes(1500).toString('base64')]);
    await redis.cli('MSET', ...(fillers.flat() as [string]));
    await redis.cli('BGREWRITEAOF'); // loading is slowed down for the keys of the base file only
    await vi.waitFor(async () =>
      expect(await redis.cli('INFO', 'persistence')).toMatch(/aof_rewrite_in_progress:0[^]*aof_rewrite_scheduled:0/),
    );
    const started = redis.restart();
    const answers: string[] = [];
    const impatient = openControl({ url: redis.url, requestTimeoutMs: 150 });
    const loading = vi.waitFor(
      async () => {
        answers.push((await failure(impatient.read([]))).message);
        expect(answers.at(-1)).toMatch(/loading its data.*LOADING/);
      },
      { timeout: 5000, interval: 5 },
    );
    await loading;
    expect((await control.read([])).head).toEqual(head);
    await started;
  });
});
