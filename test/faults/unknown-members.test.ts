import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type LogEvent, sealEvent, serializeEvent } from '../../flags/index.ts';
import { openControlPlane } from '../../operator/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import type { ControlStore, ExecutorStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { Replica } from '../../store/replica.ts';
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
  const replica = new Replica({ store, organizationId: 'default', leaseMs: 1000 });
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

test('a condition in an event of a newer version keeps operators from changing the switch', async () => {
  const { controlStore, append } = fileSwitch();
  await prepare(controlStore);
  append('limit', { name: 'refund.max', value: 5, only_when: 'dark' });
  const control = await openControlPlane({ store: controlStore, operator: { id: 'ann' } });
  onTestFinished(() => control.close());
  await expect(control.status()).rejects.toMatchObject({ code: 'UNKNOWN_EVENT' });
  await expect(control.setLimit({ name: 'refund.max', value: 9, reason: 'more' })).rejects.toMatchObject({
    code: 'UNKNOWN_EVENT',
  });
});

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
