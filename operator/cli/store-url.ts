import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { invalid, messageOf, quoteId } from '../../flags/index.ts';
import type { ControlStore, ExecutorStore } from '../../store/ports.ts';
import { redisEndpoint } from '../../store/redis/endpoint.ts';
import { quotedText, withoutCredentials } from './output.ts';

/** The store that the command acts on. Drivers are loaded on demand. */
export interface Store {
  /** The URL without user and password; of a folder, with its absolute path. */
  readonly location: string;
  /** Whether the location leaves out a user or password. */
  readonly hasCredentials: boolean;
  /** Where its keys are in Redis; null for another store. */
  readonly redis: { readonly keyPrefix: string; readonly db: number } | null;
  control(): Promise<ControlStore>;
  /**
   * The executor's side, for the one verb that is an executor. `anchor`: the file in which it keeps what it last saw;
   * default: the driver's own.
   */
  executor(anchor?: string): Promise<ExecutorStore>;
  /** The code for an application that uses this store: the import, and the expression. */
  readonly code: readonly [string, string];
}

const FORMS = 'It begins with file: (a folder, file:.kill-switch), redis://, rediss:// or redis+unix://.';

/** The part of `--help` about `--store`. */
export const STORE_HELP = `
Stores:
  file:DIR                                 a folder on a disk of this machine
  redis://user:password@host:6379/DB       user and password percent-encoded, or from the environment
  rediss://host:6380/DB?ca=FILE            TLS; with cert=FILE&key=FILE for this client, servername=NAME
  redis+unix:///run/redis.sock?db=DB       a socket of this machine (also unix://)
  …?prefix=app:                            before each key
  …?replicas=N                             a change counts once so many replicas have it
  …?cluster=host:port,host:port            further nodes of a Redis Cluster
  redis://NAME?sentinels=host:port,…       the master NAME; with sentinelUsername=NAME&sentinelPasswordFile=FILE
`;

/** @throws KillSwitchError INVALID_ARGUMENT, whose message never shows a password */
export function parseStoreUrl(url: string): Store {
  if (/^file:/i.test(url)) return folder(directoryOf(url));
  if (/^(rediss?|redis\+unix|unix):/i.test(url)) return redis(url);
  if (/^https?:/i.test(url)) {
    throw invalid(
      'A store over http(s) is not available in this version: use file:, redis://, rediss:// or redis+unix://.',
    );
  }
  const shown = url.includes('@') ? 'This' : quoteId(url);
  const hint =
    /^[^:@]*$/.test(url) && url !== '' ? ` For the folder of this name: --store ${quoteId(`file:${url}`)}.` : '';
  throw invalid(`${shown} is not the URL of a store. ${FORMS}${hint}`);
}

function directoryOf(url: string): string {
  const path = url.slice('file:'.length);
  if (path === '') throw invalid(`The URL of the store names no folder. ${FORMS}`);
  if (!path.startsWith('//')) return path;
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw invalid(
      `${quoteId(withoutCredentials(url))} is not the URL of a folder of this machine: ${messageOf(error)}.`,
    );
  }
}

function folder(path: string): Store {
  const directory = resolve(path);
  return {
    location: `file:${directory}`,
    hasCredentials: false,
    redis: null,
    control: async () => (await import('../../store/file/control.ts')).fileControlStore({ directory }),
    executor: async (anchor) => (await import('../../store/file/index.ts')).fileStore({ directory, anchor }),
    code: [
      "import { fileStore } from 'openfeature-kill-switch/store/file';",
      `fileStore({ directory: ${quotedText(directory)} })`,
    ],
  };
}

function redis(url: string): Store {
  const { location, options, keyPrefix, db } = redisEndpoint({ url });
  const hasCredentials = options.username !== undefined || options.password !== undefined;
  return {
    location,
    hasCredentials,
    redis: { keyPrefix, db },
    control: async () => (await import('../../store/redis/control.ts')).redisControlStore({ url }),
    executor: async (anchor) => (await import('../../store/redis/index.ts')).redisStore({ url, anchor }),
    code: [
      "import { redisStore } from 'openfeature-kill-switch/store/redis';",
      `redisStore({ url: ${hasCredentials ? 'process.env.REDIS_URL' : quotedText(location)}, anchor: 'returns-bot.anchor.json' })`,
    ],
  };
}
