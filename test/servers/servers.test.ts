import { existsSync, readdirSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  type FlagdServer,
  freePorts,
  hasFlagd,
  hasRedis,
  hasTerminals,
  openTerminal,
  type RedisServer,
  startFaultProxy,
  startFlagd,
  startRedis,
} from './index.ts';

const definition = (variant: 'on' | 'off') => ({
  flags: { lamp: { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: variant } },
});

async function evaluate(flagd: FlagdServer, flag = 'lamp'): Promise<{ value?: unknown; errorCode?: string }> {
  const url = `http://127.0.0.1:${flagd.ofrepPort}/ofrep/v1/evaluate/flags/${flag}`;
  const answer = await fetch(url, { method: 'POST', body: '{"context":{}}', signal: AbortSignal.timeout(1000) });
  return (await answer.json()) as { value?: unknown; errorCode?: string };
}

describe.skipIf(!hasRedis)('startRedis', () => {
  test('gives each caller a server of its own, on disk after every write', async () => {
    const [a, b] = await Promise.all([startRedis(), startRedis()]);
    await a.cli('SET', 'k', 'a');
    expect(await b.cli('GET', 'k')).toBeNull();
    expect(await a.cli('CONFIG', 'GET', 'append*')).toEqual(
      expect.arrayContaining(['appendonly', 'yes', 'appendfsync', 'always']),
    );
  });

  test('comes back on its port after SIGKILL with its data, empty, or as an older copy', async () => {
    const redis = await startRedis();
    await redis.cli('SET', 'k', 'old');
    const copy = await redis.copyData();
    await redis.cli('SET', 'k', 'new');
    await redis.kill();
    await expect(redis.cli('GET', 'k')).rejects.toThrow();
    await redis.restart();
    expect(await redis.cli('GET', 'k')).toBe('new');
    await redis.restart({ fromCopy: copy });
    expect(await redis.cli('GET', 'k')).toBe('old');
    await redis.restart({ empty: true });
    expect(await redis.cli('GET', 'k')).toBeNull();
  });

  test('answers nothing while frozen and goes on when thawed', async () => {
    const redis = await startRedis();
    const client = new Redis(redis.url);
    onTestFinished(() => client.disconnect());
    await client.set('k', '1');
    await redis.freeze();
    const answer = client.get('k');
    expect(await Promise.race([answer, sleep(200, 'nothing')])).toBe('nothing');
    await redis.thaw();
    expect(await answer).toBe('1');
  });

  test('takes lines of configuration and a password', async () => {
    const redis = await startRedis({ password: 'p@ss/word', config: ['maxmemory 3mb', 'maxmemory-policy noeviction'] });
    expect(await redis.cli('CONFIG', 'GET', 'maxmemory')).toEqual(['maxmemory', String(3 * 1024 * 1024)]);
    const client = new Redis(redis.url);
    onTestFinished(() => client.disconnect());
    expect(await client.ping()).toBe('PONG');
  });

  test('fails with the output of redis-server when that cannot start', async () => {
    await expect(startRedis({ config: ['no-such-setting 1'] })).rejects.toThrow(/no-such-setting/);
  });

  describe('when started before the tests of a block', () => {
    let redis: RedisServer;
    beforeAll(async () => {
      redis = await startRedis();
      await redis.cli('SET', 'k', 'kept');
    });
    test('lives through the first test', async () => expect(await redis.cli('GET', 'k')).toBe('kept'));
    test('lives through the second test', async () => expect(await redis.cli('GET', 'k')).toBe('kept'));
  });

  describe('when started in a test', () => {
    let redis: RedisServer;
    test('it runs in that test', async () => {
      redis = await startRedis();
      expect(existsSync(redis.dir)).toBe(true);
    });
    test('it is gone in the next one, with its folder', () => {
      expect(redis.process.signalCode).toBe('SIGKILL');
      expect(existsSync(redis.dir)).toBe(false);
    });
  });
});

describe.skipIf(!hasFlagd)('startFlagd', () => {
  test('serves a definition, follows its file, and is the same after a restart', async () => {
    const flagd = await startFlagd({ flags: definition('on') });
    expect(await evaluate(flagd)).toMatchObject({ value: true });
    flagd.write(definition('off'));
    await expect.poll(() => evaluate(flagd), { timeout: 10_000 }).toMatchObject({ value: false });
    await flagd.kill();
    await expect(evaluate(flagd)).rejects.toThrow();
    await flagd.restart();
    expect(await evaluate(flagd)).toMatchObject({ value: false });
  });

  test('answers nothing while frozen', async () => {
    const flagd = await startFlagd({ flags: definition('on') });
    await flagd.freeze();
    await expect(evaluate(flagd)).rejects.toThrow(/timeout/);
    await flagd.thaw();
    expect(await evaluate(flagd)).toMatchObject({ value: true });
  });

  test('starts with a file that is not JSON, and with a source that is not there', async () => {
    const unreadable = await startFlagd({ flags: '{"flags":' });
    expect(await evaluate(unreadable)).toMatchObject({ errorCode: 'FLAG_NOT_FOUND' });
    const [nowhere] = await freePorts(1);
    const source = { uri: `127.0.0.1:${nowhere}`, provider: 'grpc' } as const;
    const flagd = await startFlagd({ sources: [source], until: 'started' });
    expect(flagd.process.exitCode).toBeNull();
  });
});

describe('startFaultProxy', () => {
  let server: Server;
  let port: number;
  const accepted: Socket[] = [];
  beforeAll(async () => {
    server = createServer((socket) => {
      accepted.push(socket);
      socket.on('error', () => {}).on('data', (chunk) => socket.write(`echo ${chunk.toString()}`));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as { port: number }).port;
  });
  afterAll(() => {
    for (const socket of accepted) socket.destroy();
    server.close();
  });

  async function dial(
    to: number,
  ): Promise<{ socket: Socket; say(text: string): void; heard(): string; closed(): boolean }> {
    let heard = '';
    const socket = connect(to, '127.0.0.1').on('error', () => {});
    socket.on('data', (chunk) => (heard += chunk.toString()));
    onTestFinished(() => void socket.destroy());
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return { socket, say: (text) => void socket.write(text), heard: () => heard, closed: () => socket.closed };
  }

  test('forwards both ways and knows what was sent', async () => {
    const proxy = await startFaultProxy({ port });
    const client = await dial(proxy.port);
    client.say('hello');
    await expect.poll(client.heard).toBe('echo hello');
    expect(proxy.connections).toMatchObject([
      { id: 1, sent: 'hello', bytesToServer: 5, bytesToClient: 10, stalled: undefined },
    ]);
  });

  test('stalls without closing, new connections too, and delivers after resume', async () => {
    const proxy = await startFaultProxy({ port });
    const client = await dial(proxy.port);
    proxy.stall();
    const late = await dial(proxy.port);
    client.say('a');
    late.say('b');
    await sleep(100);
    expect([client.heard(), late.heard(), client.closed(), late.closed()]).toEqual(['', '', false, false]);
    await proxy.resume();
    await expect.poll(() => [client.heard(), late.heard()]).toEqual(['echo a', 'echo b']);
  });

  test('stalls only the connections whose client has sent a text, in any case, now or later', async () => {
    const proxy = await startFaultProxy({ port });
    const [now, later, other] = [await dial(proxy.port), await dial(proxy.port), await dial(proxy.port)];
    now.say('subscribe x');
    await expect.poll(now.heard).toBe('echo subscribe x');
    expect(proxy.stallWhere('SUBSCRIBE')).toBe(1);
    now.say('more');
    later.say('Subscribe y');
    other.say('get');
    await expect.poll(other.heard).toBe('echo get');
    expect([now.heard(), later.heard()]).toEqual(['echo subscribe x', '']);
    expect(proxy.connections.map(({ stalled }) => stalled)).toEqual(['both', 'both', undefined]);
  });

  test('stalls one direction, or only new connections', async () => {
    const proxy = await startFaultProxy({ port });
    const old = await dial(proxy.port);
    proxy.stallNew('to-client');
    const fresh = await dial(proxy.port);
    old.say('a');
    fresh.say('b');
    await expect.poll(old.heard).toBe('echo a');
    await expect.poll(() => proxy.connections[1]?.bytesToServer).toBe(1);
    expect(fresh.heard()).toBe('');
  });

  test('hides while stalled that a side has gone, and passes it on after resume', async () => {
    const proxy = await startFaultProxy({ port });
    const client = await dial(proxy.port);
    client.say('a');
    await expect.poll(client.heard).toBe('echo a');
    proxy.stall();
    accepted.at(-1)?.destroy();
    await sleep(100);
    expect(client.closed()).toBe(false);
    await proxy.resume();
    await expect.poll(client.closed).toBe(true);
    await expect.poll(() => proxy.connections).toEqual([]);
  });

  test('cuts, refuses and accepts again on the same port', async () => {
    const proxy = await startFaultProxy({ port });
    const client = await dial(proxy.port);
    expect(proxy.cut()).toBe(1);
    await expect.poll(client.closed).toBe(true);
    await dial(proxy.port);
    await proxy.refuse();
    await expect(dial(proxy.port)).rejects.toThrow(/ECONNREFUSED/);
    await proxy.resume();
    await dial(proxy.port);
  });

  test('passes on more than fits into the buffers', async () => {
    const proxy = await startFaultProxy({ port });
    const client = await dial(proxy.port);
    client.say('x'.repeat(8 * 1024 * 1024));
    await expect.poll(() => client.heard().replaceAll('echo ', '').length, { timeout: 10_000 }).toBe(8 * 1024 * 1024);
  });

  test.skipIf(!hasRedis)('silences a Redis subscriber and nobody else', async () => {
    const redis = await startRedis();
    const proxy = await startFaultProxy({ port: redis.port });
    const [subscriber, client] = [new Redis(proxy.port), new Redis(proxy.port)];
    onTestFinished(() => [subscriber, client].forEach((one) => one.disconnect()));
    const heard: string[] = [];
    subscriber.on('message', (_channel, text) => heard.push(text));
    await subscriber.subscribe('news');
    expect(proxy.stallWhere('SUBSCRIBE')).toBe(1);
    expect(await client.publish('news', 'one')).toBe(1);
    await sleep(100);
    expect(heard).toEqual([]);
    await proxy.resume();
    await expect.poll(() => heard).toEqual(['one']);
  });
});

test('free ports differ', async () => {
  const ports = await freePorts(8);
  expect(new Set(ports).size).toBe(8);
});

test('temporary folders of this process are in place only while they are used', async ({ skip }) => {
  if (!hasRedis) skip();
  const redis = await startRedis();
  expect(readdirSync(redis.dir).length).toBeGreaterThan(0);
  await redis.stop();
  expect(existsSync(redis.dir)).toBe(false);
});

describe.skipIf(!hasTerminals)('openTerminal', () => {
  test('is a terminal of the size that was asked for, and gives the exit code', async () => {
    const terminal = openTerminal('tty > /dev/null && stty size; exit 7', { columns: 33, rows: 9 });
    expect(await terminal.exited).toBe(7);
    expect(terminal.screen).toBe('9 33\n');
  });

  test('sends a SIGINT where Ctrl-C is typed', async () => {
    const terminal = openTerminal("trap 'echo interrupted; exit 3' INT; echo ready; while :; do sleep 0.05; done");
    await terminal.until((screen) => screen.includes('ready\n'));
    terminal.type('\x03');
    expect(await terminal.exited).toBe(3);
    expect(terminal.screen).toContain('interrupted\n');
    await expect(terminal.until((screen) => screen.includes('never'))).rejects.toThrow('The command ended');
  });

  test('hangs up on a command that is still running when it is stopped', async () => {
    const terminal = openTerminal('echo pid $$; exec sleep 60');
    await terminal.until((screen) => /pid \d+\n/.test(screen));
    const pid = Number(/pid (\d+)/.exec(terminal.screen)?.[1]);
    await terminal.stop();
    await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 10_000 }).toBe(false);
  });
});
