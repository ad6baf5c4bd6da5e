import { onTestFinished } from 'vitest';
import type { Beat } from '../../../flags/index.ts';
import type { ExecutorStore } from '../../../store/ports.ts';
import { NO_WORK, type Work } from '../../../store/own-beat.ts';
import { type ConnectedExecutor, connectExecutor } from '../../../store/connect-executor.ts';

const connect = (store: ExecutorStore, name: string, leaseMs: number, work: () => Partial<Work>): ConnectedExecutor => {
  const connected = connectExecutor({
    store,
    organizationId: 'default',
    leaseMs,
    executorName: name,
    work: () => ({ ...NO_WORK, ...work() }),
  });
  onTestFinished(() => connected.replica.close());
  return connected;
};

/** An executor in this process, with as much work in flight as the test says. */
export async function executor(
  store: ExecutorStore,
): Promise<{ inFlight: number; draining: number } & ConnectedExecutor> {
  const shared = { inFlight: 0, draining: 0 };
  const connected = connect(store, 'mailer', 1500, () => ({ ...shared }));
  await connected.replica.start();
  return Object.assign(shared, connected);
}

/**
 * An executor that has reported, and then died without a word: it stays in the count. `more` is what else it said.
 * Gives its id.
 */
export async function deadExecutor(store: ExecutorStore, more: Partial<Beat> = {}): Promise<string> {
  const dying: ExecutorStore = {
    ...store,
    open(scope) {
      const connection = store.open(scope);
      return {
        ...connection,
        confirm: (beat, nonce) => connection.confirm({ ...beat, ...more }, nonce),
        leave: async () => {},
      };
    },
  };
  const { replica, reports } = connect(dying, 'lost', 500, () => ({ inFlight: 0, draining: 0 }));
  await replica.start();
  await replica.close();
  return reports.executorId;
}
