import { onTestFinished } from 'vitest';
import { Approving, type Asking, type HeldCall } from '../../guard/approvals.ts';
import { readPlain } from '../../guard/plain-data.ts';
import type { Subject } from '../../flags/index.ts';
import { connectExecutor } from '../../store/connect-executor.ts';
import type { ExecutorStore } from '../../store/ports.ts';
import type { Replica } from '../../store/replica.ts';

/** What a guard holds: a refund of one agent in one run. */
export function heldCall(input: unknown = { cents: 500 }, subject: Partial<Subject> = {}): HeldCall {
  const plain = readPlain('payments.refund', input);
  return {
    input: plain,
    inputHash: plain.hash,
    limits: ['refund.max'],
    subject: { action: 'payments.refund', agentId: 'returns-bot', runId: 'run-7', surface: 'tool', ...subject },
  };
}

export const ASKING: Asking = {
  description: 'Refund 5 USD',
  approvals: 1,
  expiresMs: 3_600_000,
  escalateMs: null,
  costUsd: null,
  reversible: false,
};

export interface Asker {
  readonly replica: Replica;
  readonly approving: Approving;
}

/** An executor that can ask people; it is closed when the test is over, if not before. */
export async function openAsker(store: ExecutorStore, executorName = 'returns', leaseMs = 2000): Promise<Asker> {
  const connected = connectExecutor({ store, organizationId: 'default', leaseMs, executorName });
  const { replica, approvals } = connected;
  if (!approvals) throw new Error('this store has no approvals');
  onTestFinished(() => replica.close());
  await replica.start();
  return { replica, approving: new Approving({ replica, approvals, executorName, confirmMs: 1000 }) };
}

/** Opens a request. */
export async function ask({ approving }: Asker, call = heldCall(), asking: Partial<Asking> = {}): Promise<string> {
  const opened = await approving.open(call, { ...ASKING, ...asking });
  if (opened.is !== 'open') throw new Error(`It was not opened: ${JSON.stringify(opened)}`);
  return opened.id;
}
