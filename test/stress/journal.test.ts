import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createKillSwitch } from '../../index.ts';
import { openControlPlane } from '../../operator/index.ts';
import type { Journal, JournalIntent } from '../../store/capabilities/journal.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { run } from '../operator/cli/command.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';

/** How many effects the run has: `JOURNAL_ENTRIES=100000 npx vitest run test/stress/journal.test.ts`. */
const ENTRIES = Number(process.env['JOURNAL_ENTRIES'] ?? 100_000);
const AT_ONCE = 2000;

const PLACES = {
  async files() {
    const directory = join(temporaryFolder('long-run').path, 'switch');
    return { url: `file:${directory}`, store: fileStore({ directory }), controlStore: fileControlStore({ directory }) };
  },
  async Redis() {
    const { url } = await startRedis();
    return { url, store: redisStore({ url }), controlStore: redisControlStore({ url }) };
  },
};

/** Writes effects through the journal itself, many at once. */
async function fillJournal(journal: Journal): Promise<void> {
  for (let from = 0; from < ENTRIES; from += AT_ONCE) {
    const intents = Array.from(
      { length: Math.min(AT_ONCE, ENTRIES - from) },
      (_, index): JournalIntent => ({
        ...{ id: randomUUID(), idempotency_key: `k-${from + index}`, attempt: 1, run_id: 'r', agent_id: 'x' },
        ...{ mission_id: null, action: 'payments.refund', input_hash: 'a'.repeat(64), approval_id: null },
      }),
    );
    await Promise.all(intents.map((intent) => journal.intend(intent)));
    await Promise.all(
      intents.map((intent) =>
        journal.end(intent, {
          state: 'landed',
          landing: {
            ...{ result: `{"id":"${intent.idempotency_key}"}`, redirected: false },
            reverse: { is: 'reversible', action: 'payments.cancel', input: `{"id":"${intent.idempotency_key}"}` },
          },
        }),
      ),
    );
  }
}

const timed = async <T>(what: string, took: Record<string, number>, work: () => Promise<T>): Promise<T> => {
  const since = performance.now();
  const result = await work();
  took[what] = Math.round(performance.now() - since);
  return result;
};

describe.each(['files', ...(hasRedis ? ['Redis' as const] : [])] as const)(
  `a run of ${ENTRIES} effects in %s`,
  { timeout: 600_000 },
  (which) => {
    test('is listed, previewed and goes on in reasonable time and memory, and no command prints without bound', async () => {
      const { url, store, controlStore } = await PLACES[which]();
      const control = await openControlPlane({ store: controlStore, operator: { id: 'ann' } });
      onTestFinished(() => control.close());
      await control.init();
      await control.setMode({ mode: 'live', reason: 'test' });
      const took: Record<string, number> = {};
      const scope = { organizationId: 'default', executorId: 'e', executorName: 'e', requestTimeoutMs: 30_000 };
      const connection = store.open(scope);
      await timed('filled', took, () => fillJournal(connection.journal as Journal));
      await connection.close();

      const killSwitch = await createKillSwitch({ store, domain: randomUUID(), agentId: 'x', executor: { name: 'x' } });
      onTestFinished(() => killSwitch.close());
      const refund = killSwitch.action({ name: 'payments.refund', journal: true, execute: async (of: string) => of });
      await vi.waitUntil(() => killSwitch.check({ agentId: 'x' }).verdict === 'allow', { timeout: 20_000 });
      for (const call of ['first call', 'next call'])
        await timed(call, took, () =>
          killSwitch.run({ runId: 'r' }, async () => {
            expect(await refund.attempt(call, { idempotencyKey: call })).toMatchObject({ status: 'executed' });
          }),
        );
      const args = ['--store', url] as const;
      const listed = await timed('runs RUN', took, () => run(['runs', 'r', '--json', '--limit', '10', ...args]));
      console.log(listed.code, listed.stdout.slice(0, 300), listed.stderr.slice(0, 300));
      const whole = await timed('runs RUN whole', took, () => run(['runs', 'r', ...args]));
      console.log(whole.code, whole.stdout.length, whole.stdout.slice(0, 300), whole.stderr.slice(0, 300));
      const all = await timed('runs', took, () => run(['runs', '--json', ...args]));
      console.log(all.code, all.stdout.slice(0, 300), all.stderr.slice(0, 300));
      const before = process.memoryUsage().heapUsed;
      const preview = await timed('preview', took, () => control.previewRollback({ run: 'r' }));
      console.log(preview.actions.length, (process.memoryUsage().heapUsed - before) / 1e6);
      const dry = await timed('rollback --dry-run', took, () => run(['rollback', 'r', '--dry-run', ...args]));
      console.log(dry.code, dry.stdout.length, dry.stdout.slice(0, 300), dry.stderr.slice(0, 300));
      console.log(which, JSON.stringify(took));
    });
  },
);
