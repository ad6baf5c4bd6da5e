import { onTestFinished } from 'vitest';
import type { Beat } from '../../../flags/index.ts';
import type { ExecutorStore } from '../../../store/ports.ts';
import type { Work } from '../../../store/own-beat.ts';
import { Replica } from '../../../store/replica.ts';

const replicaOn = (
  store: ExecutorStore,
  name: string,
  leaseMs: number,
  work: () => Pick<Work, 'inFlight' | 'draining'>,
): Replica => {
  const replica = new Replica({
    store,
    organizationId: 'default',
    leaseMs,
    executorName: name,
    work: () => ({ ...work(), agents: [], runs: [] }),
  });
  onTestFinished(() => replica.close());
  return replica;
};

/** An executor in this process, with as much work in flight as the test says. */
export async function executor(
  store: ExecutorStore,
): Promise<{ inFlight: number; draining: number; readonly replica: Replica }> {
  const shared = { inFlight: 0, draining: 0 };
  const replica = replicaOn(store, 'mailer', 1500, () => ({ ...shared }));
  await replica.start();
  return Object.assign(shared, { replica });
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
  const replica = replicaOn(dying, 'lost', 500, () => ({ inFlight: 0, draining: 0 }));
  await replica.start();
  await replica.close();
  return replica.executorId;
}
