import { openControlPlane } from '../operator/index.ts';
import { redisControlStore } from '../store/redis/control.ts';
import type { DrilledTask } from './drill-worker.ts';
import type { Measurement } from './measurement.ts';
import { result } from './results.ts';
import { median } from './rounds.ts';
import { Worker } from './worker.ts';

const ORGANIZATION = 'drilled';

/** How long may a whole drill take, in seconds: twice its window. */
const GOAL_S = 10;

/** How long does a whole drill of many executors take, beside a bare kill of all of them and its revive? */
export const drill: Measurement = {
  name: 'drill',
  async run({ quick, redis: startRedis, say }) {
    const [executors, processes, rounds] = quick ? [4, 2, 1] : [20, 4, 5];
    const { url } = await startRedis();
    const control = await openControlPlane({
      ...{ store: redisControlStore({ url }), organizationId: ORGANIZATION, operator: { id: 'bench' } },
    });
    const workers = Array.from({ length: processes }, () => new Worker('drill-worker.js'));
    try {
      await control.init();
      await control.setMode({ mode: 'live', reason: 'the benchmark' });
      await control.removeTripwire({ name: 'repeats', reason: 'this work repeats itself' });
      say(`${executors} executors at work in ${processes} processes`);
      const task = (index: number): DrilledTask => ({
        ...{ url, organizationId: ORGANIZATION, executors: executors / processes, name: `bench-${index}` },
      });
      await Promise.all(workers.map((worker, index) => worker.ask(task(index))));
      const [drills, kills, slowest]: [number[], number[], number[]] = [[], [], []];
      for (let round = 0; round < rounds; round += 1) {
        let since = performance.now();
        const { acknowledgements } = await control.kill({ target: 'all', waitMs: 10_000 });
        if (acknowledgements.drained !== executors) throw new Error('Not every executor has stopped.');
        await control.revive({ target: 'all', reason: 'the next round' });
        kills.push((performance.now() - since) / 1000);
        since = performance.now();
        const { state, findings, executors: drilled, slowest_ms } = await control.drill();
        if (state !== 'passed' || drilled.length !== executors)
          throw new Error(`A drill of ${drilled.length} executors has ${state}: ${findings.join(' ')}`);
        drills.push((performance.now() - since) / 1000);
        slowest.push(slowest_ms ?? Number.POSITIVE_INFINITY);
      }
      return [
        result({
          name: `a whole stop drill of ${executors} executors in ${processes} processes`,
          ...{ unit: 's', value: median(drills), floor: median(kills), goal: GOAL_S, judged: 'value' },
          how: `median of ${rounds}, on Redis, from the call until its report is recorded: preflight, baseline (the canary has landed three times), press, each executor heard twice, rollback of the canary, restored everywhere; the slowest executor took ${median(slowest)} ms to acknowledge. Floor: a kill of all that waits for every executor, and its revive`,
        }),
      ];
    } finally {
      for (const worker of workers) worker.end();
      await control.close();
    }
  },
};
