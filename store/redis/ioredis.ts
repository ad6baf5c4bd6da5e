import type { Redis } from 'ioredis';
import { loadOptional, type OptionalPackage, unfitPackage } from '../optional-package.ts';

/** The class of ioredis, which is given to whoever makes a client of it. */
export type RedisClass = typeof Redis;

export const IOREDIS: OptionalPackage = {
  name: 'ioredis',
  range: '^5.3.0 || ^6.0.0',
  neededBy: 'A store in Redis',
};

/** @throws KillSwitchError MISSING_PACKAGE where ioredis is not installed, or in version 4, whose class has no name */
export async function loadIoredis(load: () => Promise<object> = () => import('ioredis')): Promise<RedisClass> {
  const library = await loadOptional(IOREDIS, load);
  if (!hasRedisClass(library)) throw unfitPackage(IOREDIS);
  return library.Redis;
}

const hasRedisClass = (library: object): library is { readonly Redis: RedisClass } =>
  'Redis' in library && typeof library.Redis === 'function';
