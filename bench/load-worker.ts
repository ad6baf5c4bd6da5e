// A process that has just started reads the whole switch once, says what that took, and ends.
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { stateFrom } from '../flags/index.ts';
import { loadWhole } from '../store/answers.ts';
import { fileStore } from '../store/file/index.ts';
import { filePaths } from '../store/file/paths.ts';
import type { ExecutorStore } from '../store/ports.ts';
import { redisStore } from '../store/redis/index.ts';
import { redisKeys } from '../store/redis/keys.ts';

export interface LoadTask {
  readonly from: 'redis' | 'file';
  /** The package's way, or the plainest that brings the same bytes into memory. */
  readonly way: 'state' | 'floor';
  /** A URL or a folder. */
  readonly location: string;
  readonly organizationId: string;
}

export interface Loaded {
  readonly ms: number;
  readonly mb: number;
  readonly kills: number;
}

interface Held {
  readonly kills: number;
  close(): Promise<void>;
}

const LOADS: Record<LoadTask['from'], Record<LoadTask['way'], (task: LoadTask) => Promise<Held>>> = {
  redis: {
    state: (task) => loadState(redisStore({ url: task.location }), task),
    async floor({ location, organizationId }) {
      const client = new Redis(location);
      const flat = (await client.call('HGETALL', redisKeys(organizationId).state)) as string[];
      const entries = new Map<string, unknown>();
      for (let index = 0; index + 1 < flat.length; index += 2) {
        entries.set(flat[index] ?? '', JSON.parse(flat[index + 1] ?? ''));
      }
      return {
        get kills() {
          return [...entries.keys()].filter((key) => key.startsWith('kill:')).length;
        },
        close: async () => client.disconnect(),
      };
    },
  },
  file: {
    state: (task) => loadState(fileStore({ directory: task.location }), task),
    async floor({ location, organizationId }) {
      const lines = readFileSync(filePaths(location, organizationId).log, 'utf8').split('\n');
      const events = new Map<string, unknown>();
      for (const line of lines) {
        if (line === '') continue;
        const event: { type: string; hash: string } = JSON.parse(line);
        if (event.type === 'kill') events.set(event.hash, event);
      }
      return {
        get kills() {
          return events.size;
        },
        close: async () => {},
      };
    },
  },
};

async function loadState(store: ExecutorStore, { organizationId }: LoadTask): Promise<Held> {
  const connection = store.open({
    organizationId,
    executorId: 'bench',
    executorName: 'bench',
    requestTimeoutMs: 10_000,
  });
  const { head, entries } = await loadWhole(connection);
  if (!head) throw new Error('The store is empty.');
  const state = stateFrom(entries, head);
  return {
    get kills() {
      return state.killCount;
    },
    close: () => connection.close(),
  };
}

const heapMb = (): number => {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
};

process.once('message', (task: LoadTask) => void measure(task));

async function measure(task: LoadTask): Promise<void> {
  const before = heapMb();
  const started = performance.now();
  const held = await LOADS[task.from][task.way](task);
  const ms = performance.now() - started;
  await new Promise((resolve) => setTimeout(resolve, 50)); // what is still held by a turn that has not ended
  const loaded: Loaded = { ms, mb: heapMb() - before, kills: held.kills };
  await held.close();
  process.send?.(loaded, () => process.disconnect());
}
