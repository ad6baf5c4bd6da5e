import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { type BudgetCharge, budgetsFor, State } from '../flags/index.ts';
import { redisControlStore } from '../store/redis/control.ts';
import { redisStore } from '../store/redis/index.ts';
import type { Measurement } from './measurement.ts';
import { change, START } from './operate.ts';
import { result } from './results.ts';
import { interleave, median, ratioOf } from './rounds.ts';

/** What a consume of rate-limiter-flexible sends on Redis: a counter that expires, raised by one. */
const CONSUME = `
redis.call('SET', KEYS[1], 0, 'EX', ARGV[2], 'NX')
local consumed = redis.call('INCRBY', KEYS[1], ARGV[1])
local left = redis.call('PTTL', KEYS[1])
if left == -1 then
  redis.call('EXPIRE', KEYS[1], ARGV[2])
  left = 1000 * ARGV[2]
end
return { consumed, left }
`;

/** How many are made one after the other in each round. */
const EACH = 200;

const ORGANIZATION = 'reservations';

/** What does it cost to set aside what one call may spend, of three budgets? */
export const reservations: Measurement = {
  name: 'reservations',
  async run(bench) {
    const { url } = await bench.redis();
    const control = redisControlStore({ url }).open({ organizationId: ORGANIZATION, requestTimeoutMs: 30_000 });
    for (const command of START) await change(control, command);
    for (const scope of ['day', 'agent:bench', 'run'])
      await change(control, {
        ...{ type: 'budget', scope, window: scope === 'day' ? 'day' : 'total' },
        part: { usd: 1_000_000 },
      });
    await control.load(null, randomUUID());
    const scope = { organizationId: ORGANIZATION, executorId: randomUUID(), executorName: 'bench' };
    const executor = redisStore({ url }).open({ ...scope, requestTimeoutMs: 30_000 });
    const state = new State();
    for (const [key, entry] of (await control.load(null, randomUUID())).entries) state.put(key, entry as never);
    const charges = (): readonly BudgetCharge[] => {
      const subject = { agentId: 'bench', runId: 'r-1' };
      const met = budgetsFor(state, { subject, context: {}, spends: { usd: 0.01 } }, Date.now());
      if (met.is === 'blocked' || met.charges.length !== 3) throw new Error('It meets three budgets.');
      return met.charges;
    };
    const client = new Redis(url);
    client.defineCommand('consume', { numberOfKeys: 1, lua: CONSUME });
    bench.say('one reservation of three budgets, and one counter raised');
    const arms = {
      reserve: () =>
        timed(async () => {
          const reserved = await executor.ledger?.reserve({ id: randomUUID(), charges: charges() });
          if (reserved?.is !== 'reserved') throw new Error('There is room.');
        }),
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- defineCommand has made it
      consume: () => timed(() => (client as unknown as Consumer).consume('bench:counter', 1, 86_400)),
    };
    const size = bench.quick ? { rounds: 2 } : { rounds: 40, warmUp: 5 };
    const ms = await interleave(arms, size);
    client.disconnect();
    await Promise.all([executor.close(), control.close()]);
    return [
      result({
        name: 'reservation of three budgets on Redis ÷ one consume of rate-limiter-flexible',
        unit: 'µs',
        value: median(ms.reserve),
        floor: median(ms.consume),
        ratio: ratioOf(ms.reserve, ms.consume),
        goal: 1.3,
        how: `one round trip each, ${EACH} after the other in a round; the floor is the script that rate-limiter-flexible runs, on a counter of its own`,
      }),
    ];
  },
};

interface Consumer {
  consume(key: string, points: number, seconds: number): Promise<unknown>;
}

/** Microseconds for one, on the average of so many. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  for (let count = 0; count < EACH; count += 1) await work();
  return ((performance.now() - started) * 1000) / EACH;
}
