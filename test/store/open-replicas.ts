import { onTestFinished } from 'vitest';
import { type Instant, isPermitFresh } from '../../flags/index.ts';
import { connectExecutor } from '../../store/connect-executor.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { type MemoryStoreOptions, memoryStore } from '../../store/memory/index.ts';
import type { ConfirmOutcome, Replica, ReplicaEvent } from '../../store/replica.ts';
import { openQuickControl } from '../operator/open-quick-control.ts';

/** A store, its operator, and replicas that follow it; all are closed when the test is over. */
export async function openReplicas({
  initialise = true,
  ...options
}: MemoryStoreOptions & { initialise?: boolean } = {}) {
  const store = memoryStore(options);
  const control = await openQuickControl({ store: memoryControlStore(store), operator: { id: 'ann' }, retryMs: 300 });
  onTestFinished(() => control.close());
  if (initialise) {
    await control.init();
    await control.setMode({ mode: 'live', reason: 'test' });
  }
  const replica = (name = 'executor', leaseMs = 500): Replica => {
    const { replica: made } = connectExecutor({ store, organizationId: 'default', leaseMs, executorName: name });
    onTestFinished(() => made.close());
    return made;
  };
  const operating = async (): Promise<void> => {
    const watch = await openQuickControl({
      store: memoryControlStore(store),
      operator: { id: 'watch' },
      operate: true,
    });
    onTestFinished(() => watch.close());
  };
  return { store, memory: store.memory, control, replica, operating };
}

/** Resolves with the first event of a type from now on. */
export const next = <T extends ReplicaEvent['type']>(
  replica: Replica,
  type: T,
): Promise<Extract<ReplicaEvent, { type: T }>> =>
  new Promise((resolve) => {
    const stop = replica.on((event) => {
      if (event.type !== type) return;
      stop();
      resolve(event as Extract<ReplicaEvent, { type: T }>);
    });
  });

export const mode = (replica: Replica, agentId = 'x'): string => {
  const reading = replica.reading({ agentId });
  return 'fault' in reading ? `full_stop: ${reading.fault}` : reading.mode;
};

export const isFresh = (outcome: ConfirmOutcome, now: Instant): boolean =>
  outcome.is === 'confirmed' && isPermitFresh(outcome.sent, now);
