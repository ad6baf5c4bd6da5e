import { join } from 'node:path';
import { expect, onTestFinished, vi } from 'vitest';
import { openControlPlane } from '../../../operator/index.ts';
import { executorUser, operatorUser } from '../../../store/redis/acl.ts';
import type { JournalEnd, JournalIntent } from '../../../store/capabilities/journal.ts';
import { redisControlStore } from '../../../store/redis/control.ts';
import { redisStore } from '../../../store/redis/index.ts';
import { redisKeys } from '../../../store/redis/keys.ts';
import { type ConnectedExecutor, connectExecutor } from '../../../store/connect-executor.ts';
import { NO_WORK } from '../../../store/own-beat.ts';
import type { Replica } from '../../../store/replica.ts';
import { temporaryFolder } from '../../servers/index.ts';
import { asUser, DEFAULT_SCOPE, startWithAclFile, urlOf } from './acl-users.ts';

export const keys = redisKeys('default');
export const [HONEST, EVIL] = [keys.executor('honest'), keys.executor('evil')];

/** What the honest executor has done. */
export const INTENT: JournalIntent = {
  id: '7c1d5a0e-2f0b-4a7e-9d55-1f7f0f0c2b11',
  ...{ idempotency_key: 'refund-1', attempt: 1, run_id: 'r-1', agent_id: 'honest', mission_id: null },
  ...{ action: 'payments.refund', input_hash: 'a'.repeat(64), approval_id: null },
};
export const LANDED: JournalEnd = {
  state: 'landed',
  landing: {
    result: '"paid"',
    redirected: false,
    reverse: { is: 'reversible', action: 'payments.cancel', input: '1' },
  },
};

/**
 * A live switch with an honest executor, all of whose keys exist, and a way to send commands as a hostile one of
 * another name.
 */
export async function setUp() {
  const config = ['enable-debug-command yes', 'enable-module-command yes'];
  const redis = await startWithAclFile(['honest', 'evil'], { config });
  const control = await openControlPlane({
    store: redisControlStore({ url: redis.as(operatorUser(DEFAULT_SCOPE)) }),
    operator: { id: 'ann' },
  });
  onTestFinished(() => control.close());
  await control.init();
  await control.setMode({ mode: 'live', reason: 'test' });
  const executor = async (
    name: string,
    as?: string,
  ): Promise<Replica & Pick<ConnectedExecutor, 'reports' | 'journal'>> => {
    const url = as ?? (await urlOf(redis, executorUser(DEFAULT_SCOPE, name)));
    const { replica, reports, journal } = connectExecutor({
      store: redisStore({ url, anchor: join(temporaryFolder('hostile').path, `${name}.json`) }),
      organizationId: 'default',
      executorName: name,
      leaseMs: 3000,
      work: () => NO_WORK,
    });
    onTestFinished(() => replica.close());
    await replica.start();
    return Object.assign(replica, { reports, journal });
  };
  const honest = await executor('honest');
  await vi.waitFor(() => expect(honest.fault()).toBeNull(), 5000);
  await redis.cli('HSET', HONEST.surfaces, honest.reports.executorId, '[]');
  await redis.cli('SET', HONEST.forks, '');
  await redis.cli('XADD', HONEST.proposals, '*', 'record', '{"at":"2026-01-01T00:00:00.000Z"}');
  await redis.cli('XADD', HONEST.seen, '*', 'record', '{"at":"2026-01-01T00:00:00.000Z"}');
  await redis.cli('XADD', HONEST.notices, '*', 'record', '{"at":"2026-01-01T00:00:00.000Z"}');
  await redis.cli('XADD', HONEST.shadow, '*', 'record', '{"at":"2026-01-01T00:00:00.000Z"}');
  await redis.cli('XADD', HONEST.interventions, '*', 'record', '{"at":"2026-01-01T00:00:00.000Z"}');
  await redis.cli('HSET', HONEST.checkpoints, 'r-1', '{}');
  await redis.cli('ZADD', HONEST.checkpointTimes, 1, 'r-1');
  await honest.journal?.intend(INTENT);
  await honest.journal?.end(INTENT, LANDED);
  const evil = asUser(redis.as(executorUser(DEFAULT_SCOPE, 'evil')));
  return { redis, control, honest, executor, evil };
}
