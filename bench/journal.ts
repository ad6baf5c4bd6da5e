import { randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { createKillSwitch, type ExecutorStore, type GuardedAction, type KillSwitch } from '../index.ts';
import { openControlPlane } from '../operator/index.ts';
import { fileControlStore } from '../store/file/control.ts';
import { fileStore } from '../store/file/index.ts';
import type { ControlStore } from '../store/ports.ts';
import { redisControlStore } from '../store/redis/control.ts';
import { redisStore } from '../store/redis/index.ts';
import type { Bench, Measurement } from './measurement.ts';
import { type Result, result } from './results.ts';
import { interleave, median, ratioOf } from './rounds.ts';

/** How many calls are made at once on the file store. */
const AT_ONCE = 64;

/** About as many bytes as an intent and a landing of the calls below take. */
const [INTENT, LANDING] = ['i'.repeat(420), 'l'.repeat(260)];

/** What the journal costs a write, beside the bare round trips or syncs without which nothing is durable. */
export const journal: Measurement = {
  name: 'journal',
  async run(bench) {
    return [await inRedis(bench), await inFiles(bench)];
  },
};

async function inRedis({ quick, redis, say }: Bench): Promise<Result> {
  const perRound = quick ? 5 : 50;
  const { url } = await redis();
  const organizationId = 'bench-journal';
  const { action, killSwitch, close } = await live(redisStore({ url }), redisControlStore({ url }), organizationId);
  const raw = new Redis(url);
  const [intents, ends] = ['bench-journal-floor:intents', 'bench-journal-floor:ends'];
  say('journaled writes on Redis');
  const numbers = await interleave(
    {
      guarded: () =>
        killSwitch.run({ agentId: 'x' }, async () => {
          const started = performance.now();
          for (let index = 0; index < perRound; index += 1) await action({ order: index });
          return ((performance.now() - started) * 1000) / perRound;
        }),
      raw: async () => {
        const started = performance.now();
        for (let index = 0; index < perRound; index += 1) {
          await raw.rpush(intents, INTENT);
          await raw.rpush(ends, LANDING);
        }
        return ((performance.now() - started) * 1000) / perRound;
      },
    },
    quick ? { rounds: 3 } : { rounds: 40, warmUp: 10 },
  );
  await Promise.all([close(), raw.quit()]);
  return result({
    name: 'guarded write with journal on Redis ÷ its two raw round trips',
    unit: 'µs',
    value: median(numbers.guarded),
    floor: median(numbers.raw),
    ratio: ratioOf(numbers.guarded, numbers.raw),
    goal: 1.5,
    how: 'action() with a reverse operation, one call after the other: its intent, then its landing; floor: RPUSH of as many bytes, twice, one after the other, on the same Redis (appendfsync always)',
  });
}

async function inFiles({ quick, folder, say }: Bench): Promise<Result> {
  const directory = join(folder, 'journal');
  const { action, killSwitch, close } = await live(
    fileStore({ directory }),
    fileControlStore({ directory }),
    'default',
  );
  const plain = killSwitch.action({ name: 'bench.plain', execute: ({ order }: { order: number }) => order });
  const raw = await open(join(folder, 'journal-floor.jsonl'), 'a');
  const [intents, landings] = [INTENT, LANDING].map((line) => Buffer.from(`${line}\n`.repeat(AT_ONCE)));
  say(`${AT_ONCE} journaled writes at once in files`);
  const numbers = await interleave(
    {
      guarded: () =>
        killSwitch.run({ agentId: 'x' }, async () => {
          const started = performance.now();
          await Promise.all(Array.from({ length: AT_ONCE }, (_, order) => action({ order })));
          return performance.now() - started;
        }),
      raw: async () => {
        const started = performance.now();
        for (const bytes of [intents, landings]) {
          await raw.write(bytes ?? Buffer.alloc(0));
          await raw.datasync();
        }
        await killSwitch.run({ agentId: 'x' }, () =>
          Promise.all(Array.from({ length: AT_ONCE }, (_, order) => plain({ order }))),
        );
        return performance.now() - started;
      },
    },
    quick ? { rounds: 3 } : { rounds: 60, warmUp: 20 },
  );
  await close();
  await raw.close();
  return result({
    name: `${AT_ONCE} guarded writes with journal at once in files ÷ as many without, and a raw sync for each batch`,
    unit: 'ms',
    value: median(numbers.guarded),
    floor: median(numbers.raw),
    ratio: ratioOf(numbers.guarded, numbers.raw),
    goal: 1.5,
    how: `${AT_ONCE} calls at once: their intents are one batch, their landings another; floor: as many bytes appended and synced (fdatasync), twice, in the same folder, and then as many guarded calls without a journal`,
  });
}

async function live(
  store: ExecutorStore,
  controlStore: ControlStore,
  organizationId: string,
): Promise<{
  readonly killSwitch: KillSwitch;
  readonly action: GuardedAction<{ order: number }, { id: string }>;
  readonly close: () => Promise<void>;
}> {
  const control = await openControlPlane({ store: controlStore, organizationId, operator: { id: 'bench' } });
  await control.init();
  await control.setMode({ mode: 'live', reason: 'bench' });
  const killSwitch = await createKillSwitch({ store, organizationId, domain: randomUUID(), leaseMs: 60_000 });
  const action = killSwitch.action({
    name: 'bench.refund',
    reverse: { action: 'bench.cancel', input: ({ id }) => ({ id }) },
    execute: ({ order }: { order: number }) => ({ id: `r-${order}` }),
  });
  return {
    killSwitch,
    action,
    async close() {
      await killSwitch.close();
      await control.close();
    },
  };
}
