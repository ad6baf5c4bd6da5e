import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type LogEvent, sealEvent, serializeEvent } from '../../flags/index.ts';
import { type ControlPlane, openControlPlane } from '../../operator/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import type { ControlStore, ExecutorStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { connectExecutor } from '../../store/connect-executor.ts';
import type { Replica } from '../../store/replica.ts';
import { startRedis, temporaryFolder } from '../servers/index.ts';
import { withoutHash } from '../store/redis/harness.ts';

// A newer version is played by a member that this one does not know: `only_when`.

const ASKED = { agentId: 'bot', action: 'mail.send', effect: 'write' };

async function prepare(controlStore: ControlStore): Promise<void> {
  const control = await openControlPlane({ store: controlStore, operator: { id: 'ann' } });
  await control.init();
  await control.setMode({ mode: 'live', reason: 'test' });
  await control.close();
}

/** A new executor over that store. */
async function started(store: ExecutorStore): Promise<Replica> {
  const { replica } = connectExecutor({ store, organizationId: 'default', leaseMs: 1000 });
  onTestFinished(() => replica.close());
  await replica.start();
  return replica;
}

const STOPPED = {
  fault: 'STORE_CORRUPT',
  message: expect.stringContaining('"only_when", which this version does not know'),
};

function fileSwitch() {
  const { path: directory } = temporaryFolder('unknown');
  const file = join(directory, 'control', 'default', 'log.jsonl');
  return {
    store: fileStore({ directory }),
    controlStore: fileControlStore({ directory }),
    /** Appends an event as another version would. */
    append(type: string, data: Record<string, unknown>) {
      const last = readFileSync(file, 'utf8').trim().split('\n').at(-1) ?? '';
      const { seq, hash, at } = JSON.parse(last) as LogEvent;
      const event = sealEvent({ seq: seq + 1, at, actor: 'unverified:new', type, data, reason: null, prev: hash });
      appendFileSync(file, `${serializeEvent(event)}\n`);
    },
    file,
  };
}

test.each([
  ['kill', { id: 'k', target: 'agent:other', mode: 'full_stop', expires_at: null, only_when: 'dark' }],
  ['mode', { mode: 'live', targeting: null, only_when: 'dark' }],
  ['limit', { name: 'refund.max', value: 5, only_when: 'dark' }],
])(
  'a condition in an event of a newer version (%s) stops executors over files, running and starting',
  async (type, data) => {
    const { store, controlStore, append } = fileSwitch();
    await prepare(controlStore);
    const running = await started(store);
    expect(running.reading(ASKED)).toMatchObject({ mode: 'live' });
    append(type, data);
    await expect.poll(() => running.reading(ASKED), { timeout: 10_000 }).toMatchObject(STOPPED);
    const starting = await started(store);
    expect(starting.reading(ASKED)).toMatchObject(STOPPED);
  },
);

test.each([
  ['kill', { id: 'k', target: 'agent:other', mode: 'paused', expires_at: null, only_when: 'dark' }],
  ['mode', { mode: 'live', targeting: null, only_when: 'dark' }],
  ['rule_add', { name: 'n', target: 'all', mode: 'read_only' }],
])(
  'over files an operator of an older version can kill after a newer one has written a %s, and can give nothing back',
  async (type, data) => {
    const { controlStore, append } = fileSwitch();
    await prepare(controlStore);
    append(type, data);
    const old = await openControlPlane({ store: controlStore, operator: { id: 'old' } });
    onTestFinished(() => old.close());
    await killsAndLoosensNothing(old, 'UNKNOWN_EVENT');
  },
);

/** Every target can be killed, also what is killed already; whatever needs to understand the rest is refused. */
async function killsAndLoosensNothing(old: ControlPlane, code: string): Promise<void> {
  for (const target of ['all', 'agent:bot', 'agent:other', 'agent:other'])
    expect(await old.kill({ target })).toMatchObject({ kill: { target, mode: 'full_stop', is_active: true } });
  const refused = { code, message: expect.stringContaining('this version does not know') };
  const reason = 'r';
  await expect(old.revive({ target: 'agent:bot', reason })).rejects.toMatchObject(refused);
  await expect(old.setMode({ mode: 'live', reason })).rejects.toMatchObject(refused);
  await expect(old.setFeature({ name: 'f', stage: 'live', reason })).rejects.toMatchObject(refused);
  await expect(old.setLimit({ name: 'l', value: 1, reason })).rejects.toMatchObject(refused);
  await expect(old.setAutonomy({ action: 'a.b', stage: 'trusted', reason })).rejects.toMatchObject(refused);
  await expect(old.setFlags({ definition: { flags: {} }, reason })).rejects.toMatchObject(refused);
  await expect(old.recover({ reason })).rejects.toMatchObject(refused);
  await expect(old.status()).rejects.toMatchObject(refused);
  await expect(old.verifyLog()).rejects.toMatchObject(refused);
}

test('an event with a top-level member that this version does not know is refused', async () => {
  const { store, controlStore, file } = fileSwitch();
  await prepare(controlStore);
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  const event = { ...(JSON.parse(lines.at(-1) ?? '') as LogEvent), only_when: 'dark' } as LogEvent;
  writeFileSync(file, `${[...lines.slice(0, -1), serializeEvent(sealEvent(withoutHash(event)))].join('\n')}\n`);
  expect((await started(store)).reading(ASKED)).toMatchObject({ fault: 'STORE_CORRUPT' });
});

test.each([
  'mode',
  'control',
  'kill:agent:other',
  'feature:refunds',
  'limit:refund.max',
  'autonomy:mail.send',
  'flags',
])('a condition in the entry %s of a newer version stops executors over Redis', async (key) => {
  const redis = await startRedis();
  const [store, controlStore] = [redisStore({ url: redis.url }), redisControlStore({ url: redis.url })];
  await prepare(controlStore);
  const control = await openControlPlane({ store: controlStore, operator: { id: 'ann' } });
  await control.kill({ target: 'agent:other' });
  await control.setFeature({ name: 'refunds', stage: 'live', reason: 'r' });
  await control.setLimit({ name: 'refund.max', value: 5, reason: 'r' });
  await control.setAutonomy({ action: 'mail.send', stage: 'trusted', reason: 'r' });
  await control.setFlags({ definition: { flags: {} }, reason: 'r' });
  await control.close();
  expect((await started(store)).reading(ASKED)).toMatchObject({ mode: 'live' });
  const [state = ''] = (await redis.cli('KEYS', '*:state')) as string[];
  const entry: object = JSON.parse(String(await redis.cli('HGET', state, key)));
  await redis.cli('HSET', state, key, JSON.stringify({ ...entry, only_when: 'dark' }));
  expect((await started(store)).reading(ASKED)).toMatchObject(STOPPED);
});

test.each(['kill:agent:other', 'mode', 'control'])(
  'over Redis an operator of an older version can kill after a newer one has written to the entry %s, and can give nothing back',
  async (key) => {
    const redis = await startRedis();
    const controlStore = redisControlStore({ url: redis.url });
    await prepare(controlStore);
    const control = await openControlPlane({ store: controlStore, operator: { id: 'ann' } });
    await control.kill({ target: 'agent:other', mode: 'paused' });
    await control.close();
    const [state = ''] = (await redis.cli('KEYS', '*:state')) as string[];
    const read = async (name: string): Promise<object> => JSON.parse(String(await redis.cli('HGET', state, name)));
    await redis.cli('HSET', state, key, JSON.stringify({ ...(await read(key)), only_when: 'dark' }));
    // The newer version says by the format that there is something which an older one does not know.
    await redis.cli('HSET', state, 'control', JSON.stringify({ ...(await read('control')), format: 2 }));
    const old = await openControlPlane({ store: controlStore, operator: { id: 'old' } });
    onTestFinished(() => old.close());
    await killsAndLoosensNothing(old, 'UNKNOWN_ENTRY');
    // What the newer version says of a kill is still there.
    if (key.startsWith('kill')) expect(await read(key)).toMatchObject({ mode: 'full_stop', only_when: 'dark' });
  },
);
