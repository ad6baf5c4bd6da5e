import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FlagdProvider } from '@openfeature/flagd-provider';
import { type Client, OpenFeature } from '@openfeature/server-sdk';
import { afterEach, describe, expect, test } from 'vitest';
import { type FlagdServer, hasFlagd, hasRedis, startFlagd, startRedis } from '../../servers/index.ts';
import { fileSwitch, runHere, type Running, start } from './command.ts';

afterEach(() => OpenFeature.clearProviders());

/** A client of the official provider, which knows nothing of this package and passes the most careless default. */
async function connect({ host, port, syncPort }: FlagdServer, resolverType: 'rpc' | 'in-process'): Promise<Client> {
  const provider = new FlagdProvider({ host, port: resolverType === 'rpc' ? port : syncPort, resolverType });
  await OpenFeature.setProviderAndWait(resolverType, provider);
  return OpenFeature.getClient(resolverType);
}

const modeOf = (client: Client, agent: string): Promise<string> =>
  client.getStringValue('kill-switch.mode', 'live', { targetingKey: 'r', agent_id: agent });

/** Asks until all say so, and returns how long that took; fails after `ms`. */
async function until(ms: number, clients: readonly Client[], agent: string, mode: string): Promise<number> {
  const since = performance.now();
  for (;;) {
    const modes = await Promise.all(clients.map((client) => modeOf(client, agent)));
    const elapsed = performance.now() - since;
    if (modes.every((each) => each === mode)) return elapsed;
    expect(elapsed, `${agent} is ${modes} instead of ${mode}`).toBeLessThan(ms);
    await sleep(25);
  }
}

const TIMES = ['--valid', '5s', '--reissue', '500ms', '--write', '500ms', '--poll', '1s', '--skew', '500ms'];

const startExport = async (store: string, file: string): Promise<{ watch: Running; boundMs: number }> => {
  const watch = start(['flagd', 'export', '--watch', file, '--store', store, '--json', ...TIMES]);
  const first = JSON.parse(await watch.line((line) => line.includes('"started"')));
  expect(first).toEqual({ type: 'started', file, stops_within_ms: 5500, valid_ms: 5000, least_valid_ms: 3500 });
  await watch.line((line) => line.includes('"written"'));
  return { watch, boundMs: first.stops_within_ms };
};

describe('flagd export', () => {
  test.skipIf(!hasFlagd)(
    'prints a definition that a real flagd serves: full_stop for who is killed, the base mode for others',
    async () => {
      const ks = fileSwitch();
      await ks.run('init');
      await ks.run('mode', 'read_only');
      await ks.run('kill', 'agent:x', '--wait', '0');
      const exported = await ks.run('flagd', 'export');
      expect(exported.code).toBe(0);
      expect(exported.stderr).toContain('has no dead man');
      const flagd = await startFlagd({ flags: exported.stdout });
      const clients = [await connect(flagd, 'rpc'), await connect(flagd, 'in-process')];
      await until(10_000, clients, 'x', 'full_stop');
      await until(10_000, clients, 'y', 'read_only');
      const file = join(ks.folder, 'exported.json');
      writeFileSync(file, exported.stdout);
      expect((await ks.json('flagd', 'validate', file)).json).toMatchObject({ ok: true, missing: [], unsafe: [] });
      expect((await ks.json('flagd', 'export')).json).toEqual(exported.json);
    },
  );

  test('refuses a --valid that would stop everyone without cause, and says why', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    const ran = await ks.json('flagd', 'export', '--watch', 'flags.json', '--valid', '9s');
    expect(ran.code).toBe(2);
    expect(ran.json.detail).toContain(
      '--valid 9 s is too short: reissue 2 s + write 1 s + poll 5 s + skew 1 s + 1 s = 10 s.',
    );
    expect((await ks.run('flagd', 'export', '--watch', 'flags.yaml')).code).toBe(2);
    expect(readdirSync(ks.folder)).not.toContain('flags.json');
  });

  test('--watch says on stderr what is guaranteed, and a clean stop says when the file ends', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    const file = join(ks.folder, 'flags.json');
    const watch = start(['flagd', 'export', '--watch', file, '--store', `file:${ks.directory}`]);
    await watch.line((line) => line.includes('written  epoch 1'), 'stderr');
    expect(watch.stderr).toContain('within 11 s (valid 10 s + skew 1 s)');
    expect(watch.stderr).toContain('valid 10 s >= reissue 2 s + write 1 s + poll 5 s + skew 1 s + 1 s = 10 s');
    const killed = await ks.json('kill', 'agent:x', '--wait', '5s');
    expect(killed.json.acknowledgements).toMatchObject({ total: 1, drained: 1, executors: [{ name: 'flagd-export' }] });
    await watch.line((line) => line.includes('written  epoch 2'), 'stderr');
    expect(await watch.end('SIGTERM')).toBe(0);
    expect(watch.stderr).toMatch(/ended {2}the file stays, and every client that reads it stops by itself at 20/);
    const until = JSON.parse(readFileSync(file, 'utf8')).metadata.valid_until * 1000;
    expect(until).toBeGreaterThan(Date.now());
    expect(until).toBeLessThanOrEqual(Date.now() + 10_000);
    expect((await ks.json('executors')).json).toEqual({ data: [], count: 0 });
  });
});

describe('what is known of a file that is kept for flagd', () => {
  test('a kill that cannot be written to the file does not count as obeyed: kill, executors and status say so and why', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    await ks.run('mode', 'live', '--reason', 'test');
    const folder = join(ks.folder, 'kept');
    mkdirSync(folder);
    const file = join(folder, 'flags.json');
    const { watch } = await startExport(`file:${ks.directory}`, file);
    renameSync(folder, `${folder}-away`);
    const killed = await ks.json('kill', 'agent:x', '--wait', '1500ms');
    expect(killed.code).toBe(3);
    expect(killed.json.acknowledgements).toMatchObject({ total: 1, applied: 1, drained: 0 });
    const [row] = killed.json.acknowledgements.executors;
    const [clients] = killed.json.acknowledgements.unacknowledging_clients;
    expect(clients).toMatchObject({ kind: 'flagd_export', name: file });
    const leftMs = Date.parse(clients.stops_by) - Date.now();
    expect(leftMs).toBeLessThanOrEqual(5500);
    const trouble = `${file} could not be written: ENOENT: no such file or directory, open '${file}'`;
    expect(row).toMatchObject({ state: 'draining', epoch: 3, trouble, export: { file, stops_within_ms: 5500 } });
    expect((await ks.json('executors')).json.data).toMatchObject([{ state: 'draining', trouble }]);
    expect((await ks.run('executors')).stderr).toMatch(/^1 export:/);
    expect((await ks.run('status')).stdout).toContain(`reports: ${trouble}`);
    const again = await ks.run('kill', 'agent:x', '--wait', '500ms');
    expect(again.stdout).toMatch(/^Written by 0 of 1 export\.$/m);
    expect(again.stdout).not.toContain('1 executor');
    expect(again.stdout).toContain(
      `${file} is not written yet. Its clients cannot acknowledge: they go on with the old text until it ends; they have stopped by 20`,
    );

    renameSync(`${folder}-away`, folder);
    await watch.line((line) => line.includes('"written"') && line.includes('"epoch":4'));
    const done = await ks.run('kill', 'agent:x');
    expect(done.code).toBe(0);
    expect(done.stdout).toMatch(/^Written by 1 of 1 export\.$/m);
    expect(done.stdout).toContain(
      `Clients of flagd that read ${file} cannot acknowledge: they obey once flagd has read it; they have stopped by 20`,
    );
    expect(JSON.parse(readFileSync(file, 'utf8')).metadata.epoch).toBe(5);
    const row2 = (await ks.json('executors')).json.data[0];
    expect(row2).toMatchObject({ state: 'stopped', in_flight: 0 });
    expect(row2).not.toHaveProperty('trouble');
  }, 30_000);

  test.each([
    ['of one organization', []],
    ['of two organizations', ['--organization', 'beta']],
  ])(
    'two switches %s never take turns in one file: the second waits until the first one is over, and no kill of it is done before',
    async (_, of) => {
      const [first, second] = [fileSwitch(), fileSwitch()];
      await first.run('init');
      for (const args of [['init'], ['mode', 'read_only']]) await second.run(...of, ...args);
      const file = join(first.folder, 'flags.json');
      const { watch } = await startExport(`file:${first.directory}`, file);
      const other = start([
        'flagd',
        'export',
        '--watch',
        file,
        '--store',
        `file:${second.directory}`,
        '--json',
        ...of,
        ...TIMES,
      ]);
      const trouble = JSON.parse(await other.line((line) => line.includes('"trouble"')));
      expect(trouble.message).toContain(`${file} is not written: it is an export of another switch`);
      const refused = await second.json(...of, 'kill', 'agent:x', '--wait', '1s');
      expect(refused.code).toBe(3);
      expect(refused.json.acknowledgements.executors).toMatchObject([{ state: 'draining', trouble: trouble.message }]);
      const owners = new Set<string>();
      const killed = await first.json('kill', 'agent:y');
      expect(killed.code).toBe(0);
      for (const since = performance.now(); performance.now() - since < 2500; await sleep(10)) {
        owners.add(JSON.parse(readFileSync(file, 'utf8')).metadata.generation);
      }
      expect(owners.size).toBe(1);
      expect(JSON.parse(readFileSync(file, 'utf8')).metadata.epoch).toBe(killed.json.epoch);
      await watch.end('SIGKILL');
      await other.line((line) => line.includes('"written"'));
      expect((await second.json(...of, 'kill', 'agent:x')).code).toBe(0);
      expect(owners).not.toContain(JSON.parse(readFileSync(file, 'utf8')).metadata.generation);
    },
    40_000,
  );
});

describe.skipIf(!hasFlagd || !hasRedis)('flagd export --watch, Redis and a real flagd', () => {
  test('clients follow a kill, go on as long as it lives, and stop by themselves when it is killed or its Redis freezes', async () => {
    const redis = await startRedis({ password: 'secret' });
    const ks = (...args: string[]) => runHere([...args, '--json'], { KILL_SWITCH_STORE: redis.url });
    await ks('init');
    await ks('mode', 'read_only');
    const { folder } = fileSwitch();
    const file = join(folder, 'flags.json');
    const first = await startExport(redis.url, file);
    const flagd = await startFlagd({ file });
    const clients = [await connect(flagd, 'rpc'), await connect(flagd, 'in-process')];
    await until(10_000, clients, 'x', 'read_only');

    expect((await ks('kill', 'agent:x')).json.acknowledgements).toMatchObject({ total: 1, drained: 1 });
    await until(10_000, clients, 'x', 'full_stop');
    // Longer than the validity: it is renewed in time, each time.
    for (const since = performance.now(); performance.now() - since < 6000; await sleep(25)) {
      expect(await Promise.all(clients.map((client) => modeOf(client, 'y')))).toEqual(['read_only', 'read_only']);
    }

    await first.watch.end('SIGKILL');
    const afterDeath = await until(first.boundMs, clients, 'y', 'full_stop');
    expect(afterDeath).toBeGreaterThan(0);

    const second = await startExport(redis.url, file);
    await until(10_000, clients, 'y', 'read_only');
    await redis.freeze();
    await until(second.boundMs, clients, 'y', 'full_stop');
    expect(JSON.parse(await second.watch.line((line) => line.includes('"fault"')))).toMatchObject({
      type: 'fault',
      message: expect.stringContaining('STORE_UNREACHABLE'),
    });
    await redis.thaw();
    await until(10_000, clients, 'y', 'read_only');
    expect(await modeOf(clients[0] as Client, 'x')).toBe('full_stop');
    expect(await second.watch.end('SIGINT')).toBe(0);
    expect(second.watch.stderr).not.toContain('secret');
  }, 60_000);
});
