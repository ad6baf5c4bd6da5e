import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type ControlPlane, openControlPlane } from '../../operator/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import type { ControlStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';

/** Where another process finds the store; null where only this process can reach it. */
type Where = { readonly url: string } | { readonly directory: string } | null;

const STORES: Array<readonly [string, () => Promise<readonly [ControlStore, Where]>]> = [
  [
    'the file store',
    async () => {
      const directory = join(temporaryFolder('kills').path, 'switch');
      return [fileControlStore({ directory }), { directory }];
    },
  ],
  ['the memory store', async () => [memoryControlStore(memoryStore()), null]],
];
const onRedis = async (): Promise<readonly [ControlStore, Where]> => {
  const { url } = await startRedis();
  return [redisControlStore({ url }), { url }];
};
if (hasRedis) STORES.push(['Redis', onRedis]);

async function open(store: ControlStore): Promise<ControlPlane> {
  const control = await openControlPlane({ store, operator: { id: 'ann' } });
  onTestFinished(() => control.close());
  await control.init();
  return control;
}

function start(name: string, kills: number, where: object): ChildProcess {
  const child = fork(join(import.meta.dirname, 'kill-worker.mjs'), [JSON.stringify({ name, kills, ...where })], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}
const told = async (child: ChildProcess): Promise<Record<string, unknown>> => (await once(child, 'message'))[0];

const TIMEOUT = { timeout: 120_000 };

describe.each(STORES)('kills at the same moment, on %s', (storeName, make) => {
  test('a thousand from one control plane are all recorded', TIMEOUT, async () => {
    const [store] = await make();
    const control = await open(store);
    const started = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, index) => control.kill({ target: `agent:a${index}` })),
    );
    console.log(`${storeName}: 1,000 kills at once in ${Math.round(performance.now() - started)} ms`);
    expect(new Set(answers.map(({ epoch }) => epoch)).size).toBe(1000);
    expect((await control.status()).active_kills).toBe(1000);
    expect(await control.verifyLog()).toMatchObject({ ok: true, events: 1001 });
  });

  test('five hundred of one target are one kill that is seconded by the others', TIMEOUT, async () => {
    const [store] = await make();
    const control = await open(store);
    const answers = await Promise.all(Array.from({ length: 500 }, () => control.kill({ target: 'all' })));
    expect(answers.filter(({ already }) => !already)).toHaveLength(1);
    expect(new Set(answers.map(({ kill }) => kill.id)).size).toBe(1);
    expect(await control.verifyLog()).toMatchObject({ ok: true, events: 501 });
  });

  test('a hundred each from eight processes are all recorded', TIMEOUT, async () => {
    const [store, where] = await make();
    if (!where) return;
    const control = await open(store);
    const children = Array.from({ length: 8 }, (_, index) => start(`w${index}`, 100, where));
    await Promise.all(children.map(told));
    const ends = children.map(told);
    for (const child of children) child.send('kill');
    const ended = await Promise.all(ends);
    console.log(
      `${storeName}: 8 × 100 kills at once in ${Math.round(Math.max(...ended.map(({ ms }) => Number(ms))))} ms`,
    );
    expect(ended.map(({ failed }) => failed)).toEqual(children.map(() => []));
    expect((await control.status()).active_kills).toBe(800);
    expect(await control.verifyLog()).toMatchObject({ ok: true });
  });

  test('two hundred are recorded while other processes make changes without a pause', TIMEOUT, async () => {
    const [store, where] = await make();
    if (!where) return;
    const control = await open(store);
    const stormers = ['s0', 's1', 's2'].map((name) => start(name, 0, where));
    await Promise.all(stormers.map(told));
    for (const child of stormers) child.send('storm');
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) => control.kill({ target: `agent:a${index}` })),
    );
    for (let index = 0; index < 20; index += 1) await control.kill({ target: `run:r${index}` });
    const ends = stormers.map(told);
    for (const child of stormers) child.send('calm');
    const changes = (await Promise.all(ends)).map((end) => Number(end['changes']));
    expect(changes.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(10);
    expect(answers).toHaveLength(200);
    expect((await control.status()).active_kills).toBe(220);
    expect(await control.verifyLog()).toMatchObject({ ok: true });
  });

  test('fifteen by the command line are all recorded', TIMEOUT, async () => {
    const [store, where] = await make();
    if (!where) return;
    const control = await open(store);
    const url = 'url' in where ? where.url : `file:${where.directory}`;
    const main = join(import.meta.dirname, '../../dist/operator/cli/main.js');
    const codes = await Promise.all(
      Array.from({ length: 15 }, async (_, index) => {
        const args = [main, 'kill', `agent:c${index}`, '--wait', '0', '--store', url];
        const [code] = await once(spawn(process.execPath, args, { stdio: 'ignore' }), 'exit');
        return code as number;
      }),
    );
    expect(codes).toEqual(codes.map(() => 0));
    expect((await control.status()).active_kills).toBe(15);
  });
});
