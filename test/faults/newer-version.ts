import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type LogEvent, sealEvent, serializeEvent } from '../../flags/index.ts';
import { connectExecutor } from '../../store/connect-executor.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import type { ControlStore, ExecutorStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import type { Replica } from '../../store/replica.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';

type Members = Readonly<Record<string, unknown>>;

/** One change as a newer version writes it. */
export interface NewerChange {
  readonly type: string;
  readonly data: unknown;
  /** Members of the event in place of ours, or beside them. */
  readonly event?: Members;
  /** In stores that keep the state: the entries afterwards; a text is stored as it is, null removes the entry. */
  readonly entries?: Readonly<Record<string, Members | string | null>>;
  /** In stores that keep the state: its format from then on; default 3, which this version does not know. */
  readonly format?: number;
  /** In stores that keep the head: its members in place of ours, or beside them. */
  readonly head?: Members;
}

/** A store of any driver, into which a test writes as a newer version would. */
export interface TwoVersionStore {
  readonly store: ExecutorStore;
  readonly controlStore: ControlStore;
  /** Appends a change behind the last one, with its hash. Without one there: begins the log with it. */
  append(change: NewerChange): Promise<void>;
  /** An entry as it is stored; null where the driver keeps none. */
  entry(key: string): Promise<unknown>;
  /** The head as it is stored; null where the driver keeps none. */
  head(): Promise<Members | null>;
}

const START = { seq: 0, hash: '0'.repeat(64) };

function sealed({ type, data, event }: NewerChange, last: { readonly seq: number; readonly hash: string }): LogEvent {
  const at = new Date().toISOString();
  const own = { seq: last.seq + 1, at, actor: 'unverified:new', type, data, reason: null, prev: last.hash };
  return sealEvent({ ...own, ...event } as unknown as LogEvent);
}

async function fileVersions(): Promise<TwoVersionStore> {
  const { path: directory } = temporaryFolder('versions');
  const file = join(directory, 'control', 'default', 'log.jsonl');
  return {
    store: fileStore({ directory }),
    controlStore: fileControlStore({ directory }),
    async append(change) {
      mkdirSync(dirname(file), { recursive: true });
      const last = readFileSync(file, { encoding: 'utf8', flag: 'a+' }).trim().split('\n').at(-1);
      appendFileSync(file, `${serializeEvent(sealed(change, last ? (JSON.parse(last) as LogEvent) : START))}\n`);
    },
    entry: async () => null,
    head: async () => null,
  };
}

async function redisVersions(): Promise<TwoVersionStore> {
  const redis = await startRedis();
  const key = (name: string): string => `kill-switch:{default}:${name}`;
  const json = async (...command: [string, ...string[]]): Promise<Members | null> =>
    JSON.parse(String(await redis.cli(...command)));
  const head = (): Promise<Members | null> => json('GET', key('head'));
  return {
    store: redisStore({ url: redis.url }),
    controlStore: redisControlStore({ url: redis.url }),
    async append(change) {
      const before = await head();
      const last = before ? { seq: Number(before['epoch']), hash: String(before['hash']) } : START;
      const event = sealed(change, last);
      const { seq, hash, at } = event;
      const text = serializeEvent(event);
      await redis.cli('XADD', key('log'), `${seq}-0`, 'event', text);
      await redis.cli('SET', key('head'), JSON.stringify({ ...before, ...change.head, epoch: seq, hash }));
      const control = { ...(await json('HGET', key('state'), 'control')), format: change.format ?? 3 };
      for (const [name, entry] of Object.entries({ control, ...change.entries })) {
        const stored = typeof entry === 'string' ? entry : JSON.stringify({ epoch: seq, by: 'n', at, ...entry });
        await (entry === null ? redis.cli('HDEL', key('state'), name) : redis.cli('HSET', key('state'), name, stored));
      }
      await redis.cli('PUBLISH', key('events'), text);
    },
    async entry(name) {
      const text = String(await redis.cli('HGET', key('state'), name));
      try {
        return JSON.parse(text) as unknown;
      } catch {
        return text;
      }
    },
    head,
  };
}

/** Every driver that can be tested here and that several versions can share: a memory is of one process. */
export const VERSIONS: ReadonlyArray<{ readonly driver: string; readonly open: () => Promise<TwoVersionStore> }> = [
  { driver: 'file', open: fileVersions },
  ...(hasRedis ? [{ driver: 'redis', open: redisVersions }] : []),
];

/** A new executor over that store. */
export async function started(store: ExecutorStore): Promise<Replica> {
  const { replica } = connectExecutor({ store, organizationId: 'default', leaseMs: 1000 });
  onTestFinished(() => replica.close());
  await replica.start();
  return replica;
}
