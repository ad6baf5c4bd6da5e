import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ControlPlane, openControlPlane } from '../../operator/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';

/** For how many seconds each store is under load; `STRESS_SECONDS=60` for the long form. */
const SECONDS = Number(process.env['STRESS_SECONDS'] ?? 12);
const PROCESSES = 8;
const CONCURRENCY = 50;

interface Start {
  readonly agent: string;
  readonly at: number;
}
interface End {
  readonly started: number;
  readonly stopped: number;
  readonly violations: readonly string[];
  readonly lapsed: number;
}

/** The machine's monotonic clock, in milliseconds: the same in every process. */
const now = (): number => Number(process.hrtime.bigint() / 1000n) / 1000;

class Worker {
  readonly process: ChildProcess;
  readonly starts: Start[] = [];
  readonly ready: Promise<unknown>;
  readonly ended: Promise<End>;

  readonly name: string;

  constructor(name: string, where: { url?: string; directory?: string }) {
    this.name = name;
    const args = JSON.stringify({ name, concurrency: CONCURRENCY, ...where });
    this.process = fork(join(import.meta.dirname, 'worker.mjs'), [args], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.ready = once(this.process, 'message');
    this.ended = new Promise((resolve, reject) => {
      this.process.on('message', (message: { type: string; confirmed?: Start[] } & End) => {
        if (message.type === 'starts') this.starts.push(...(message.confirmed ?? []));
        if (message.type === 'end') resolve(message);
      });
      this.process.on('exit', (code, signal) => reject(new Error(`${name} ended early (${code ?? signal})`)));
    });
    this.ended.catch(() => {});
  }
}

async function stress(control: ControlPlane, where: { url?: string; directory?: string }): Promise<void> {
  await control.init();
  await control.setMode({ mode: 'live', reason: 'stress' });
  const workers = Array.from({ length: PROCESSES }, (_, index) => new Worker(`w${index}`, where));
  try {
    await Promise.all(workers.map(({ ready }) => ready));
    /** Between these two moments no confirmed action of that agent may start. */
    const stops: Array<{ readonly agent: string; readonly from: number; readonly to: number }> = [];
    let [kills, acknowledged] = [0, 0];
    const until = now() + SECONDS * 1000;
    // On a slow machine this goes on until there is something to count.
    for (let round = 0; now() < until || kills < 5; round += 1) {
      const agent = round % 3 === 0 ? 'shared' : `agent-w${round % PROCESSES}`;
      const frozen = round % 4 === 1 ? workers[(round + 3) % PROCESSES] : undefined;
      frozen?.process.kill('SIGSTOP'); // perhaps with confirmations under way
      const { acknowledgements } = await control.kill({ target: `agent:${agent}`, waitMs: frozen ? 0 : 10_000 });
      const from = now();
      frozen?.process.kill('SIGCONT');
      if (!frozen) {
        kills += 1;
        if (acknowledgements.applied === PROCESSES) acknowledged += 1;
        else console.error(acknowledgements);
      }
      await new Promise((resolve) => setTimeout(resolve, 50 + (round % 5) * 40));
      stops.push({ agent, from, to: now() });
      await control.revive({ target: `agent:${agent}`, reason: 'stress' });
    }
    // The list of executors has lost this one: `kill` returns by time, so it is stopped all the same.
    const [lost] = (await control.status()).executors;
    await control.forgetExecutor(lost?.id ?? '');
    await control.kill({ target: 'all' });
    const from = now();
    await new Promise((resolve) => setTimeout(resolve, 300));
    for (const agent of ['shared', ...workers.map(({ name }) => `agent-${name}`)])
      stops.push({ agent, from, to: now() });

    for (const { process: child } of workers) child.send('stop');
    const ends = await Promise.all(workers.map(({ ended }) => ended));
    const sum = (of: (end: End) => number): number => ends.reduce((total, end) => total + of(end), 0);
    const starts = workers.flatMap((worker) => worker.starts);
    const late = starts.filter(({ agent, at }) =>
      stops.some((stop) => stop.agent === agent && at > stop.from && at < stop.to),
    );

    expect(ends.flatMap(({ violations }) => violations)).toEqual([]);
    expect(sum(({ lapsed }) => lapsed)).toBeLessThan(starts.length / 10);
    expect(late).toEqual([]);
    expect({ kills, acknowledged }).toEqual({ kills, acknowledged: kills });
    expect(sum(({ started }) => started)).toBeGreaterThan(1000);
    expect(sum(({ stopped }) => stopped)).toBeGreaterThan(100);
    expect(starts.length).toBeGreaterThan(50);
    expect(await control.verifyLog()).toMatchObject({ ok: true });
  } finally {
    for (const { process: child } of workers) child.kill('SIGKILL');
    await control.close();
  }
}

const TIMEOUT_MS = (SECONDS + 90) * 1000;

describe(`${PROCESSES} processes × ${CONCURRENCY} actions under random kills and revives`, () => {
  test.skipIf(!hasRedis)(
    'on Redis: nothing starts that was stopped, nothing confirmed starts after kill returned, every kill is acknowledged',
    async () => {
      const redis = await startRedis();
      const control = await openControlPlane({ store: redisControlStore({ url: redis.url }), operator: { id: 'ann' } });
      await stress(control, { url: redis.url });
    },
    TIMEOUT_MS,
  );

  test(
    'on the file store',
    async () => {
      const directory = join(temporaryFolder('stress').path, 'switch');
      const control = await openControlPlane({ store: fileControlStore({ directory }), operator: { id: 'ann' } });
      await stress(control, { directory });
    },
    TIMEOUT_MS,
  );
});
