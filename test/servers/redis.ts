import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { owned, temporaryFolder, withFreePorts } from './lifetime.ts';
import { type ServerProcess, serverProcess } from './server-process.ts';
import { serverPaths } from './server-paths.ts';

export interface RedisOptions {
  /** Lines of redis.conf, after ours and so stronger: `['maxmemory 2mb', 'replicaof 127.0.0.1 7001']`. */
  readonly config?: readonly string[];
  /** Sets `requirepass`; it is part of `url`. */
  readonly password?: string;
  /** As whom `cli` connects, where that is not the default user. */
  readonly administrator?: { readonly username: string; readonly password: string };
  /** A folder made by `copyData()`, of this or of another server, to start from. */
  readonly fromCopy?: string;
  /** Further arguments: `['--sentinel']`. */
  readonly args?: readonly string[];
}

/** A redis-server of its own on 127.0.0.1, with an append-only file that is synced on every write. */
export interface RedisServer extends Pick<ServerProcess, 'process' | 'output' | 'kill' | 'freeze' | 'thaw'> {
  readonly url: string;
  readonly port: number;
  /** Its data folder. */
  readonly dir: string;
  /** One command on a connection of its own, as `administrator` or the default user; rejects after 5 s. */
  cli(...command: readonly [string, ...(string | number)[]]): Promise<unknown>;
  /** A copy of the data as it is now; it lives until `stop()`. */
  copyData(): Promise<string>;
  /** Kills it if it runs and starts it on the same port: with its data, with none, or with a copy's. */
  restart(options?: { readonly empty?: boolean; readonly fromCopy?: string }): Promise<void>;
  /** Ends it and removes its folders; happens by itself at the end of the test or file that started it. */
  stop(): Promise<void>;
}

export function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  return withFreePorts(1, ([port]) => startOn(port as number, options));
}

async function startOn(
  port: number,
  { config = [], password, administrator, fromCopy, args = [] }: RedisOptions,
): Promise<RedisServer> {
  const folder = temporaryFolder('redis');
  const dir = join(folder.path, 'data');
  const configFile = join(folder.path, 'redis.conf');
  const ours = [`port ${port}`, 'bind 127.0.0.1', `dir ${dir}`, 'save ""', 'appendonly yes', 'appendfsync always'];
  writeFileSync(configFile, [...ours, ...(password ? [`requirepass ${password}`] : []), ...config, ''].join('\n'));
  mkdirSync(dir);
  if (fromCopy) cpSync(fromCopy, dir, { recursive: true });
  let copies = 0;

  async function cli(...[name, ...rest]: readonly [string, ...(string | number)[]]): Promise<unknown> {
    const client = new Redis({
      host: '127.0.0.1',
      port,
      ...(password ? { password } : {}),
      ...administrator,
      lazyConnect: true,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      enableReadyCheck: false,
      connectTimeout: 5000,
      commandTimeout: 30_000, // also of a test whose own event loop stands still for a while, on a slow machine
    });
    client.on('error', () => {}); // the command itself rejects
    try {
      return await client.call(name, ...rest);
    } finally {
      client.disconnect();
    }
  }

  const server = serverProcess({
    command: serverPaths.redisServer,
    args: [configFile, ...args],
    cwd: folder.path,
    // While it loads, PING is refused; with an ACL that forbids our PING it is up all the same.
    isReady: () =>
      cli('PING').then(
        () => true,
        (error: Error) => /^(NOAUTH|NOPERM)/.test(error.message),
      ),
  });
  const stop = owned(async () => {
    await server.kill();
    folder.remove();
  });
  try {
    await server.start();
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    url: `redis://${password ? `:${encodeURIComponent(password)}@` : ''}127.0.0.1:${port}`,
    port,
    dir,
    get process() {
      return server.process;
    },
    get output() {
      return server.output;
    },
    kill: server.kill,
    freeze: server.freeze,
    thaw: server.thaw,
    cli,
    async copyData() {
      const copy = join(folder.path, `copy-${++copies}`);
      cpSync(dir, copy, { recursive: true });
      return copy;
    },
    async restart({ empty = false, fromCopy: copy } = {}) {
      await server.kill();
      if (empty || copy) rmSync(dir, { recursive: true, force: true });
      mkdirSync(dir, { recursive: true });
      if (copy) cpSync(copy, dir, { recursive: true });
      await server.start();
    },
    stop,
  };
}
