import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import type { Beat } from '../../flags/index.ts';
import { keysOf } from '../../flags/table.ts';
import { openControlPlane } from '../../operator/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import { fileName } from '../../store/file/paths.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import type { ControlStore, ExecutorStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { escapeId, OWN_KEYS, redisKeys } from '../../store/redis/keys.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';

/** A store into which a test puts texts that no executor of ours would write. */
interface Planted {
  readonly store: ExecutorStore;
  readonly controlStore: ControlStore;
  /**
   * Puts a text in the place of the beat, the surfaces, the checkpoint, the interventions, the proposals, what was seen
   * and the report of a fork of that executor.
   */
  plant(id: string, text: string): Promise<void>;
  /** Puts something there that is no text. */
  plantThings(): Promise<void>;
  /** Removes the log and the state; the reports stay. */
  loseLog(): Promise<void>;
}

const inMemory = async (): Promise<Planted> => {
  const store = memoryStore();
  const { memory } = store;
  const place = () => memory.organization('default');
  return {
    store,
    controlStore: memoryControlStore(store),
    async plant(id, text) {
      const { beats, reports } = place();
      beats.set(id, text);
      reports.surfaces.set(id, text);
      reports.checkpoints.set(id, text);
      reports.interventions.push(text);
      reports.proposals.set(id, [text]);
      reports.seen.set(id, [text]);
    },
    plantThings: async () => {},
    async loseLog() {
      const beats = [...place().beats];
      memory.wipe();
      for (const [id, text] of beats) place().beats.set(id, text);
    },
  };
};

const inFiles = async (): Promise<Planted> => {
  const { path } = temporaryFolder('unreadable');
  const directory = join(path, 'switch');
  const at = (kind: string): string => {
    const folder = join(directory, 'executors/default', kind);
    mkdirSync(folder, { recursive: true });
    return folder;
  };
  const KINDS = [
    ...['beats', 'surfaces', 'checkpoints', 'forks'].map((kind) => [kind, 'json'] as const),
    ...['interventions', 'proposals', 'seen'].map((kind) => [kind, 'jsonl'] as const),
  ];
  return {
    store: fileStore({ directory, anchor: join(path, 'anchor') }),
    controlStore: fileControlStore({ directory }),
    async plant(id, text) {
      for (const [kind, ending] of KINDS) writeFileSync(join(at(kind), `${fileName(id)}.${ending}`), `${text}\n`);
    },
    async plantThings() {
      for (const [kind, ending] of KINDS) {
        mkdirSync(join(at(kind), `folder.${ending}`));
        symlinkSync('/etc/passwd', join(at(kind), `link.${ending}`));
      }
      writeFileSync(join(at('anchors'), 'x.json'), '{');
    },
    loseLog: async () => rmSync(join(directory, 'control'), { recursive: true }),
  };
};

const inRedis = async (): Promise<Planted> => {
  const { url } = await startRedis();
  const client = new Redis(url);
  onTestFinished(async () => void (await client.quit()));
  const keys = redisKeys('default');
  const enter = (name: string): Promise<unknown> => client.append(keys.names, `\n${name}\n`);
  const own = keys.executor('odd');
  await enter('odd');
  const put: Record<string, (key: string) => Promise<unknown>> = {
    string: (key) => client.set(key, 'x'),
    list: (key) => client.lpush(key, 'x'),
    set: (key) => client.sadd(key, 'x'),
    zset: (key) => client.zadd(key, 1, 'x'),
    hash: (key) => client.hset(key, Buffer.from([0xff]), Buffer.from([0xfe])),
    stream: (key) => client.xadd(key, '*', Buffer.from([0xff]), Buffer.from([0xfe])),
  };
  return {
    store: redisStore({ url, anchor: join(temporaryFolder('unreadable').path, 'anchor') }),
    controlStore: redisControlStore({ url }),
    async plant(id, text) {
      for (const key of [own.beats, own.surfaces, own.checkpoints]) await client.hset(key, id, text);
      for (const key of [own.interventions, own.proposals, own.seen]) await client.xadd(key, '*', 'record', text);
      await client.append(own.forks, `${escapeId(id)} ${text}\n`);
    },
    async plantThings() {
      for (const [type, putAt] of Object.entries(put)) {
        await enter(`of-${type}`);
        const of = keys.executor(`of-${type}`);
        for (const key of keysOf(OWN_KEYS)) await putAt(of[key]);
      }
      await client.append(keys.names, Buffer.from('\n%6Dailer\n\nteam:x\n\n\xff\xfe\n\n%\n', 'latin1'));
      await client.hset(`${keys.executorPrefix}%6Dailer:beats`, 'x', '{');
    },
    loseLog: async () => void (await client.del(keys.head, keys.state, keys.log)),
  };
};

const BEAT: Omit<Beat, 'id' | 'name'> = {
  host: 'h',
  pid: 1,
  version: '0',
  started_at: new Date().toISOString(),
  at: new Date().toISOString(),
  lease_ms: 60_000,
  applied: null,
  in_flight: 0,
  draining: 0,
  agents: [],
  runs: [],
  fork: null,
};

const ODD: Readonly<Record<string, string>> = {
  empty: '',
  cut: '{',
  list: '[]',
  null: 'null',
  number: '7',
  long: 'x'.repeat(2 * 1024 * 1024),
  deep: '['.repeat(200_000),
  proto: '{"__proto__":{"name":"evil"},"constructor":1}',
  another: JSON.stringify({ ...BEAT, id: 'honest', name: 'honest' }),
  control: JSON.stringify({ ...BEAT, id: 'control', name: '\u001b[2J\n' }),
  surrogate: JSON.stringify({ ...BEAT, id: 'surrogate', name: '\ud800' }),
  fork: JSON.stringify({ ...BEAT, id: 'fork', name: 'odd', fork: { against: '\ud800', held: { epoch: -1 } } }),
  types: JSON.stringify({ id: {}, name: [], at: 7, lease_ms: 'x', applied: 'x', agents: 7, fork: 7, export: 3 }),
};

const DRIVERS = [
  ['the memory store', inMemory],
  ['the file store', inFiles],
  ...(hasRedis ? [['Redis', inRedis] as const] : []),
] as const;

test.each(DRIVERS)('unreadable reports of one executor keep operators from nothing: %s', async (_name, open) => {
  const { store, controlStore, plant, plantThings, loseLog } = await open();
  const control = await openControlPlane({ store: controlStore, operator: { id: 'ann' } });
  onTestFinished(() => control.close());
  await control.init();
  const honest = store.open({
    organizationId: 'default',
    executorId: 'honest',
    executorName: 'honest',
    requestTimeoutMs: 5000,
  });
  onTestFinished(() => honest.close());
  await honest.confirm({ ...BEAT, id: 'honest', name: 'honest' }, 'n');
  await honest.shelf.put('surfaces', 'honest', '[]');
  await honest.shelf.put('checkpoints', 'r-honest', '{}');
  for (const [id, text] of Object.entries(ODD)) await plant(id, text);
  await plantThings();

  const isHonest = expect.objectContaining({ id: 'honest', name: 'honest', problem: undefined });
  const heard = expect.arrayContaining([isHonest]);
  expect((await control.status()).executors.map(shown)).toEqual(heard);
  const executors = (await control.executors()).data;
  expect(executors.map(shown)).toEqual(heard);
  expect(executors.filter(({ problem }) => problem === undefined).map(({ id }) => id)).toEqual(['honest']);
  const { acknowledgements } = await control.kill({ target: 'run:1', waitMs: 0 });
  expect(acknowledgements.problem).toBeUndefined();
  expect(acknowledgements.executors.map(shown)).toEqual(heard);
  expect((await control.forks()).forks).toEqual([]);
  expect(await control.verifyLog()).toMatchObject({ ok: true });
  expect(Array.isArray((await control.surfaces()).data)).toBe(true);
  expect((await control.interventions({ limit: 1000 })).unreadable).toBeGreaterThan(0);
  expect((await control.interventions({ limit: 1000, proposals: true })).unreadable).toBeGreaterThan(0);
  const connection = controlStore.open({ organizationId: 'default', requestTimeoutMs: 5000 });
  onTestFinished(() => connection.close());
  const { shelf } = connection;
  expect((await shelf.all('surfaces')).map(({ id }) => id)).toContain('honest');
  expect((await shelf.all('checkpoints')).map(({ id }) => id)).toContain('r-honest');

  await loseLog();
  const after = await openControlPlane({ store: controlStore, operator: { id: 'ann' } });
  onTestFinished(() => after.close());
  expect(await after.recover({ reason: 'the log was lost' })).toMatchObject({ given_up: [] });
  expect((await after.executors()).data.map(shown)).toEqual(heard);
});

const shown = ({ id, name, problem }: { id: string; name: string; problem?: string | undefined }) => ({
  id,
  name,
  problem,
});
