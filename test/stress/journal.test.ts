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
import { onTerminal, run } from '../operator/cli/command.ts';
import { hasRedis, hasTerminals, startRedis, temporaryFolder } from '../servers/index.ts';

/** How many effects the run has: `JOURNAL_ENTRIES=100000 npx vitest run test/stress/journal.test.ts`. */
const ENTRIES = Number(process.env['JOURNAL_ENTRIES'] ?? 5000);
const AT_ONCE = 2000;

const LONG = { timeout: 120_000, interval: 100 };

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

/** No command may need more memory than this, in megabytes. */
const MOST_MEMORY = 512;

describe.each(['files', ...(hasRedis ? ['Redis' as const] : [])] as const)(
  `a run of ${ENTRIES} effects in %s`,
  { timeout: 600_000 },
  (which) => {
    test('goes on, is shown and is previewed in time, without much memory, and a terminal is not flooded', async () => {
      const { url, store, controlStore } = await PLACES[which]();
      const control = await openControlPlane({ store: controlStore, operator: { id: 'ann' } });
      onTestFinished(() => control.close());
      await control.init();
      await control.setMode({ mode: 'live', reason: 'test' });
      const scope = { organizationId: 'default', executorId: 'e', executorName: 'e', requestTimeoutMs: 30_000 };
      const connection = store.open(scope);
      /** What took how long, in milliseconds. */
      const took: Record<string, number> = {};
      const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
        const since = performance.now();
        const result = await work();
        took[what] = Math.round(performance.now() - since);
        return result;
      };
      await fillJournal(connection.journal as Journal);
      await connection.close();

      const killSwitch = await createKillSwitch({ store, domain: randomUUID(), agentId: 'x', executor: { name: 'x' } });
      onTestFinished(() => killSwitch.close());
      const refund = killSwitch.action({ name: 'payments.refund', journal: true, execute: async (of: string) => of });
      await vi.waitUntil(() => killSwitch.check({ agentId: 'x' }).verdict === 'allow', { timeout: 20_000 });
      const call = (key: string) => killSwitch.run({ runId: 'r' }, () => refund.attempt(key, { idempotencyKey: key }));
      // An executor that has just been started may have all of it to read before its first call.
      await timed('the first call', () =>
        vi.waitFor(async () => expect(await call('first')).toMatchObject({ status: 'executed' }), LONG),
      );
      await timed('ten more calls', async () => {
        for (let n = 0; n < 10; n += 1) expect(await call(`more-${n}`)).toMatchObject({ status: 'executed' });
      });

      const env = { NODE_OPTIONS: `--max-old-space-size=${MOST_MEMORY}` };
      const ks = (...args: string[]) => run([...args, '--store', url], { env, withinMs: 120_000 });
      const some = await timed('runs RUN --limit 10', () => ks('runs', 'r', '--limit', '10', '--json'));
      const all: number = some.json.count; // the first call may have been tried several times
      expect([some.code, some.json.entries.length]).toEqual([0, 10]);
      expect(all).toBeGreaterThanOrEqual(ENTRIES + 11);
      const whole = await timed('runs RUN', () => ks('runs', 'r'));
      expect([whole.code, whole.stdout.trimEnd().split('\n').length]).toEqual([0, 1 + all]);
      const listed = await timed('runs', () => ks('runs', '--json'));
      expect(listed.json.data).toMatchObject([{ run_id: 'r', entries: all, reversible: ENTRIES }]);
      const preview = await timed('rollback --dry-run', () => ks('rollback', 'r', '--dry-run', '--json'));
      const effects = ENTRIES + 11; // what was not started has no effect
      expect([preview.code, preview.json.actions.length]).toEqual([0, effects]);
      if (hasTerminals) {
        const terminal = onTerminal(['rollback', 'r', '--dry-run', '--store', url], { env, columns: 100 });
        expect(await terminal.exited).toBe(0);
        expect(terminal.screen.split('\n').length).toBeLessThan(120);
        expect(terminal.screen).toContain(`… and ${effects - 100} more (${effects - 100} reversible): | less for all`);
      }
      console.info(`${which}, ${ENTRIES} effects, in ms: ${JSON.stringify(took)}`);
      for (const [what, ms] of Object.entries(took)) expect(ms, what).toBeLessThan(5000 + ENTRIES);
      expect(took['ten more calls']).toBeLessThan(5000);
    });
  },
);
