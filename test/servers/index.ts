import { type FaultProxy, type FaultProxyOptions, startFaultProxy as start } from '../../testing/fault-proxy.ts';
import { owned } from './lifetime.ts';
import { serverPaths } from './server-paths.ts';

export { type FlagdOptions, type FlagdServer, type FlagdSource, startFlagd } from './flagd.ts';
export { freePorts, stopAll, temporaryFolder } from './lifetime.ts';
export { type RedisOptions, type RedisServer, startRedis } from './redis.ts';
export { findServers } from './server-paths.ts';
export { hasTerminals, openTerminal, type Terminal, type TerminalOptions } from './terminal.ts';

/** For `describe.skipIf(!hasRedis)`: the set-up has already said why there is none. */
export const hasRedis = serverPaths.redisServer !== '';
/** For `describe.skipIf(!hasFlagd)`. */
export const hasFlagd = serverPaths.flagd !== '';

/** The published fault proxy, ended like the servers. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const proxy = await start(options);
  owned(proxy.stop);
  return proxy;
}
