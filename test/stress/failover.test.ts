import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openControlPlane } from '../../operator/index.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { type FaultProxy, startFaultProxy } from '../../testing/fault-proxy.ts';
import { hasRedis, type RedisServer, startRedis } from '../servers/index.ts';

/** How many masters die; `STRESS_SECONDS=60` for the long form. */
const TRIALS = Math.max(4, Math.ceil(Number(process.env['STRESS_SECONDS'] ?? 0) / 4));
/** How many milliseconds after the kill was sent the master dies; null: as soon as `kill` has returned. */
const DIES_AFTER_MS = [null, 0, 3, 20] as const;

const LOG = 'kill-switch:{default}:log';
const now = (): number => Number(process.hrtime.bigint() / 1000n) / 1000;

/** An executor whose confirmed actions keep the event loop busy, one round after the other. */
class Busy {
  readonly child: ChildProcess;
  readonly starts: number[] = [];
  rounds = 0;
  #stopped = false;

  constructor(url: string) {
    const options = { url, replicas: 1, calls: 20, busyMs: 15, leaseMs: 2000, irreversible: true, redactMs: 0 };
    this.child = fork(join(import.meta.dirname, 'busy-worker.mjs'), [JSON.stringify(options)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.child.on('message', ({ type, starts }: { type: string; starts?: number[] }) => {
      if (type === 'round') this.starts.push(...(starts ?? []));
      if (type === 'round') this.rounds += 1;
      if (type !== 'going' && !this.#stopped) this.child.send('go');
    });
    onTestFinished(() => this.end());
  }

  async started(): Promise<void> {
    while (this.starts.length === 0) await once(this.child, 'message');
  }

  async nextRounds(count: number): Promise<void> {
    for (const until = this.rounds + count; this.rounds < until; ) await once(this.child, 'message');
  }

  end(): void {
    this.#stopped = true;
    this.child.kill('SIGKILL');
  }
}

async function synced(replica: RedisServer): Promise<void> {
  while (!/master_link_status:up/.test(String(await replica.cli('INFO', 'replication')))) await sleep(20);
}

async function offset(replica: RedisServer): Promise<number> {
  return Number(/slave_repl_offset:(\d+)/.exec(String(await replica.cli('INFO', 'replication')))?.[1]);
}

async function trial(diesAfterMs: number | null): Promise<{ before: number; late: number[] }> {
  const quick = ['repl-diskless-sync-delay 0'];
  const master = await startRedis({ config: quick });
  const replicas = await Promise.all(
    [0, 1].map(() => startRedis({ config: [`replicaof 127.0.0.1 ${master.port}`, ...quick] })),
  );
  const [first, second] = replicas as [RedisServer, RedisServer];
  await Promise.all(replicas.map(synced));
  let proxies: FaultProxy[] = await Promise.all([0, 1].map(() => startFaultProxy({ port: master.port })));
  onTestFinished(async () => {
    for (const proxy of proxies) await proxy.stop();
  });
  const [toWork, toControl] = proxies.map(({ port }) => `redis://127.0.0.1:${port}`) as [string, string];
  const control = await openControlPlane({
    store: redisControlStore({ url: toControl, replicas: 1 }),
    operator: { id: 'ann' },
    retryMs: 30_000,
  });
  onTestFinished(() => control.close());
  await control.init();
  await control.setMode({ mode: 'live', reason: 'stress' });
  for (const replica of replicas) while ((await replica.cli('XLEN', LOG)) !== 2) await sleep(20);
  const busy = new Busy(toWork);
  await busy.started();

  const failOver = async (): Promise<void> => {
    await master.kill();
    // As Sentinel does: the replica that has most of the data.
    const offsets = await Promise.all(replicas.map(offset));
    const [promoted, other] = (offsets[0] ?? 0) >= (offsets[1] ?? 0) ? [first, second] : [second, first];
    await promoted.cli('REPLICAOF', 'NO', 'ONE');
    await other.cli('REPLICAOF', '127.0.0.1', promoted.port);
    const ports = proxies.map(({ port }) => port);
    for (const proxy of proxies) await proxy.stop();
    proxies = await Promise.all(ports.map((port) => startFaultProxy({ port: promoted.port, listenPort: port })));
  };
  const killing = control.kill({ target: 'agent:busy' }).then(({ replicated }) => {
    // One that dies meanwhile has said nothing, and its successor may have no replica yet.
    if (diesAfterMs === null) expect(replicated).toBeGreaterThanOrEqual(1);
    return now();
  });
  let returned: number;
  if (diesAfterMs === null) {
    returned = await killing;
    await failOver();
  } else {
    await sleep(diesAfterMs);
    await failOver();
    returned = await killing;
  }
  const before = busy.starts.length;
  await sleep(1000);
  await busy.nextRounds(2);
  expect((await control.kills()).data).toMatchObject([{ target: 'agent:busy' }]);
  busy.end();
  return { before, late: busy.starts.map((at) => at - returned).filter((ms) => ms > 0) };
}

describe.skipIf(!hasRedis)('a master that dies while confirmed actions keep their process busy', () => {
  test(
    'no confirmed action starts after a replicated kill has returned, also when a replica was promoted',
    async () => {
      const trials: Array<{ before: number; late: number[] }> = [];
      for (let n = 0; n < TRIALS; n += 1) trials.push(await trial(DIES_AFTER_MS[n % DIES_AFTER_MS.length] ?? null));
      console.log(
        `${trials.length} masters died, ${trials.reduce((sum, { before }) => sum + before, 0)} started before`,
      );
      expect(trials.flatMap(({ late }) => late)).toEqual([]);
      expect(trials.every(({ before }) => before > 0)).toBe(true);
    },
    60_000 + TRIALS * 20_000,
  );
});
