import { join } from 'node:path';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';
import type { Sides } from './open-switch.ts';

const inMemory = (): Sides => {
  const store = memoryStore();
  return { store, controlStore: memoryControlStore(store) };
};
const inFiles = (): Sides => {
  const directory = join(temporaryFolder('ongoing').path, 'switch');
  return { store: fileStore({ directory }), controlStore: fileControlStore({ directory }) };
};
const inRedis = async (): Promise<Sides> => {
  const { url } = await startRedis();
  return { store: redisStore({ url }), controlStore: redisControlStore({ url }) };
};

/** The stores that are real, with what opens a new one of each. */
export const stores: Array<[string, () => Sides | Promise<Sides>]> = [['the file store', inFiles]];
if (hasRedis) stores.push(['Redis', inRedis]);

/** Those, and the memory of this process. */
export const allStores: typeof stores = [['memory', inMemory], ...stores];
