import { cpSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import type { ControlStore, ExecutorStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { hasRedis } from '../servers/index.ts';
import type { Scene } from './scene.ts';

/** How an executor reaches a store, as data that can be passed to another process. */
export type StoreAddress =
  | { readonly redis: { readonly url: string; readonly anchor?: string } }
  | { readonly file: { readonly directory: string; readonly anchor?: string } };

/** A store of any driver that a test can make lose its data. */
export interface LosingStore {
  readonly controlStore: ControlStore;
  /** Each name has an anchor of its own, which stays when the store is lost. */
  address(name: string): StoreAddress;
  /** The folder of those anchors. */
  readonly anchors: string;
  /** Removes everything, also the reports of executors. */
  wipe(): Promise<void>;
  /** The same, and removes the place itself. */
  remove(): Promise<void>;
  copy(): Promise<void>;
  /** Puts the control side back to what it was when it was copied. */
  restore(): Promise<void>;
}

export const openStore = (address: StoreAddress): ExecutorStore =>
  'redis' in address ? redisStore(address.redis) : fileStore(address.file);

const fileDriver = async (scene: Scene): Promise<LosingStore> => {
  const folder = scene.folder('faults');
  const directory = join(folder, 'switch');
  const anchors = join(folder, 'anchors');
  const [log, backup] = [join(directory, 'control/default/log.jsonl'), join(folder, 'backup')];
  return {
    controlStore: fileControlStore({ directory }),
    anchors,
    address: (name) => ({ file: { directory, anchor: join(anchors, name) } }),
    // Each in one step: executors look all the time.
    async wipe() {
      renameSync(join(directory, 'control'), join(folder, 'wiped'));
      renameSync(join(directory, 'executors/default'), join(folder, 'forgotten'));
    },
    remove: async () => renameSync(directory, join(folder, 'removed')),
    copy: async () => cpSync(log, backup),
    restore: async () => renameSync(backup, log),
  };
};

const redisDriver = async (scene: Scene): Promise<LosingStore> => {
  const redis = await scene.redis();
  const anchors = join(scene.folder('faults'), 'anchors');
  let backup = '';
  return {
    controlStore: redisControlStore({ url: redis.url }),
    anchors,
    address: (name) => ({ redis: { url: redis.url, anchor: join(anchors, name) } }),
    wipe: async () => void (await redis.cli('FLUSHALL')),
    remove: async () => void (await redis.cli('FLUSHALL')),
    async copy() {
      backup = await redis.copyData();
    },
    restore: () => redis.restart({ fromCopy: backup }),
  };
};

/** Every driver that can be tested here. */
export const DRIVERS: ReadonlyArray<{ readonly name: string; readonly open: (scene: Scene) => Promise<LosingStore> }> =
  [{ name: 'file', open: fileDriver }, ...(hasRedis ? [{ name: 'redis', open: redisDriver }] : [])];
