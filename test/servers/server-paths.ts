import { ensureFlagd } from './ensure-flagd.mjs';
import { ensureRedis } from './ensure-redis.mjs';

/** Where the servers are; empty text where one cannot be had. */
export interface ServerPaths {
  readonly redisServer: string;
  readonly flagd: string;
}

const { REDIS_SERVER_BIN = 'redis-server', FLAGD_BIN = 'flagd' } = process.env;

/** Set once, before anything is started: in the tests by each-file.ts, in the bench by its environment. */
export let serverPaths: ServerPaths = { redisServer: REDIS_SERVER_BIN, flagd: FLAGD_BIN };

export function setServerPaths(paths: ServerPaths): void {
  serverPaths = paths;
}

/** Finds, installs or builds the servers, with a line for each that takes time or cannot be had. */
export async function findServers(): Promise<ServerPaths> {
  const paths = { redisServer: ensureRedis() ?? '', flagd: (await ensureFlagd()) ?? '' };
  setServerPaths(paths);
  return paths;
}
