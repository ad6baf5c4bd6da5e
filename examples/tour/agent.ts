import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Cause,
  createKillSwitch,
  type ExecutorStore,
  isActionStoppedError,
  type KillSwitch,
} from '../../index.ts';
import { fileStore } from '../../store/file/index.ts';
import { Shop } from './shop.ts';

/**
 * An agent's orders, sent as a message when it starts: a Redis URL with its password has no place among a process's
 * arguments.
 */
export interface AgentOrders {
  readonly folder: string;
  readonly store: AgentStore;
  readonly organizationId: string;
  readonly leaseMs: number;
  /** Works on when it is killed, around the guard: the tour must notice. */
  readonly rogue: boolean;
}

export type AgentStore =
  | { readonly kind: 'file'; readonly directory: string }
  | { readonly kind: 'redis'; readonly url: string; readonly servername: string | null };

/** What an agent reports to the tour. `at` is wall time in milliseconds. */
export type Report =
  | { readonly type: 'ready' }
  | { readonly type: 'done'; readonly at: number }
  | { readonly type: 'refused'; readonly at: number; readonly cause: Cause['kind']; readonly why: string }
  | { readonly type: 'failed'; readonly message: string };

/** One agent's trade: `work` reads and writes through guarded actions; `around` does the same write without asking. */
export interface Trade {
  /** One piece of work; `turn` goes on only after a piece that was done. */
  work(turn: number): Promise<void>;
  /** Whether a piece that was stopped while it ran was done all the same: only the world can show. */
  isDone(turn: number): Promise<boolean>;
  around(turn: number): Promise<void>;
}

const PAUSE_MS = 40;

/** Runs an agent until the tour lets go of it. */
export function runAgent(agentId: string, trade: (killSwitch: KillSwitch, shop: Shop) => Trade): void {
  process.on('SIGINT', () => {}); // Ctrl+C reaches the whole group; the tour ends its agents itself
  process.once('message', (orders: AgentOrders) => {
    const left = new AbortController();
    process.once('disconnect', () => left.abort());
    workUntil(left.signal, agentId, orders, trade).catch((error: unknown) => {
      report({ type: 'failed', message: String(error) });
      process.exitCode = 1;
      process.disconnect?.();
    });
  });
}

async function workUntil(
  left: AbortSignal,
  agentId: string,
  orders: AgentOrders,
  trade: (killSwitch: KillSwitch, shop: Shop) => Trade,
): Promise<void> {
  const { organizationId, leaseMs, rogue } = orders;
  const store = await executorStore(orders.store);
  const killSwitch = await createKillSwitch({ store, organizationId, leaseMs, executor: { name: agentId } });
  const { work, isDone, around } = trade(killSwitch, new Shop(orders.folder));
  // Also where its work waits in a pause, which would otherwise keep it alive for as long as the pause lasts.
  left.addEventListener('abort', () => void killSwitch.close());
  report({ type: 'ready' });
  for (let turn = 1; !left.aborted; ) {
    try {
      await killSwitch.run({ agentId }, () => work(turn));
      report({ type: 'done', at: Date.now() });
      turn += 1;
    } catch (error) {
      if (!isActionStoppedError(error)) throw error;
      report({ type: 'refused', at: Date.now(), cause: error.decision.cause.kind, why: error.message });
      if (error.code === 'ABORTED' && (await isDone(turn))) turn += 1;
      if (rogue && error.decision.cause.kind === 'kill') await around(turn);
    }
    await sleep(PAUSE_MS);
  }
  await killSwitch.close();
}

async function executorStore(store: AgentStore): Promise<ExecutorStore> {
  if (store.kind === 'file') return fileStore({ directory: store.directory });
  const { redisStore } = await import('../../store/redis/index.ts');
  return redisStore({
    url: store.url,
    ...(store.servername && { options: { tls: { servername: store.servername } } }),
  });
}

function report(message: Report): void {
  if (process.connected) process.send?.(message, () => {}); // a tour that has just gone is not an error
}
