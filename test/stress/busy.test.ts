import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Mode } from '../../flags/index.ts';
import { type ControlPlane, openControlPlane } from '../../operator/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';

/** For how many seconds each store is under this load; `STRESS_SECONDS=60` for the long form. */
const SECONDS = Number(process.env['STRESS_SECONDS'] ?? 6);
/** The fewest rounds of each shape, however slow the machine is. */
const ROUNDS = 3;

interface Shape {
  readonly name: string;
  readonly calls: number;
  readonly busyMs: number;
  readonly leaseMs: number;
  readonly irreversible: boolean;
  readonly redactMs: number;
  readonly mode: Mode;
}
const confirmed = { leaseMs: 5000, irreversible: true, redactMs: 0, mode: 'live' } as const;
/**
 * Loads under which actions started after `kill` had returned, while the permit was not checked where `execute` is
 * called.
 */
const SHAPES: readonly Shape[] = [
  { ...confirmed, name: '20 confirmed calls at once, 60 ms each', calls: 20, busyMs: 60 },
  { ...confirmed, name: '60 confirmed calls at once, 20 ms each', calls: 60, busyMs: 20 },
  { ...confirmed, name: '3 confirmed calls at once, 700 ms each', calls: 3, busyMs: 700 },
  {
    ...confirmed,
    name: '8 redirected confirmed calls whose records and options are slow',
    calls: 8,
    busyMs: 30,
    redactMs: 120,
    mode: 'test_mode',
  },
];
/** Without a confirmation the lease is the bound. */
const SLOW_RECORDS: Shape = {
  name: '3 redirected calls whose records and options are slow',
  calls: 3,
  busyMs: 5,
  leaseMs: 1000,
  irreversible: false,
  redactMs: 100, // six of them take less than the lease, or none would ever start
  mode: 'test_mode',
};

/** So many rounds at most without a kill, until something has started. */
const UNTIL_STARTED = 20;

type Where = { readonly url?: string; readonly directory?: string };
/** The machine's monotonic clock, in milliseconds: the same in every process. */
const now = (): number => Number(process.hrtime.bigint() / 1000n) / 1000;
const next = async (child: ChildProcess): Promise<{ starts: number[]; statuses: string[] }> => {
  const [message] = await once(child, 'message');
  return message;
};

/**
 * Kills the agent some time after all calls were made. Returns how long after `kill` had returned each later start
 * came.
 */
async function rounds(
  control: ControlPlane,
  where: Where,
  shape: Shape,
  seconds: number,
): Promise<{ late: number[]; started: number; stopped: number; rounds: number }> {
  await control.setMode({ mode: shape.mode, reason: 'stress' });
  const child = fork(join(import.meta.dirname, 'busy-worker.mjs'), [JSON.stringify({ ...where, ...shape })], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const total = { late: [] as number[], started: 0, stopped: 0, rounds: 0 };
  try {
    await next(child);
    /** All calls are made; gives what becomes of them. */
    const begun = async () => {
      const going = next(child);
      child.send('go');
      await going;
      return { ended: next(child) };
    };
    // Without a kill they do start; where the machine is busy besides, not each time within a lease.
    for (; total.started === 0 && total.rounds < UNTIL_STARTED; total.rounds += 1)
      total.started += (await (await begun()).ended).starts.length;
    total.rounds = 1;
    const until = now() + seconds * 1000;
    for (; total.rounds < ROUNDS || now() < until; total.rounds += 1) {
      const { ended } = await begun();
      await sleep((total.rounds % 4) * 40);
      await control.kill({ target: 'agent:busy' });
      const returned = now();
      const { starts, statuses } = await ended;
      total.late.push(
        ...starts.map((at) => at - returned).filter((ms) => ms > (shape.irreversible ? 0 : shape.leaseMs)),
      );
      total.started += starts.length;
      total.stopped += statuses.filter((status) => status === 'blocked').length;
      await control.revive({ target: 'agent:busy', reason: 'stress' });
      await sleep(100); // else the last kill reaches the next round
    }
  } finally {
    child.kill('SIGKILL');
  }
  return total;
}

async function stress(control: ControlPlane, where: Where, shapes: readonly Shape[]): Promise<void> {
  await control.init();
  try {
    for (const shape of shapes) {
      const { late, started, stopped, rounds: done } = await rounds(control, where, shape, SECONDS / shapes.length);
      console.log(`${shape.name}: ${done} rounds, ${started} started, ${stopped} stopped, ${late.length} late`);
      expect(late, shape.name).toEqual([]);
      expect(started, shape.name).toBeGreaterThan(0);
      expect(stopped, shape.name).toBeGreaterThan(0);
    }
  } finally {
    await control.close();
  }
}

const TIMEOUT_MS = (SECONDS + 120) * 1000;

describe('actions that keep the event loop busy', () => {
  test.skipIf(!hasRedis)(
    'on Redis: none starts after kill returned, or without a confirmation later than its lease',
    async () => {
      const redis = await startRedis();
      const control = await openControlPlane({ store: redisControlStore({ url: redis.url }), operator: { id: 'ann' } });
      await stress(control, { url: redis.url }, [...SHAPES, SLOW_RECORDS]);
    },
    TIMEOUT_MS,
  );

  test(
    'on the file store',
    async () => {
      const directory = join(temporaryFolder('busy').path, 'switch');
      const control = await openControlPlane({ store: fileControlStore({ directory }), operator: { id: 'ann' } });
      await stress(control, { directory }, [...SHAPES, SLOW_RECORDS]);
    },
    TIMEOUT_MS,
  );
});
