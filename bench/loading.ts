import type { Loaded, LoadTask } from './load-worker.ts';
import type { Bench, Measurement } from './measurement.ts';
import { type Result, result } from './results.ts';
import { interleave, median } from './rounds.ts';
import { Worker } from './worker.ts';

/** How long until a process that has just started holds a large switch, and in how much memory? */
export const loading: Measurement = {
  name: 'loading',
  async run(bench) {
    const { kills, redis, folders } = await bench.switches();
    return [
      ...(await measure(bench, kills, { from: 'redis', location: redis.url, organizationId: 'many' })),
      ...(await measure(bench, kills, { from: 'file', location: folders.many, organizationId: 'many' })),
    ];
  },
};

const FROM = {
  redis: {
    name: 'Redis',
    how: 'connect, load, stateFrom',
    floor: 'connect, HGETALL, JSON.parse of each value into one Map',
  },
  file: {
    name: 'the file store',
    how: 'load (reads and checks the log), stateFrom',
    floor: 'readFile, JSON.parse of each line into one Map',
  },
} as const;

async function measure(bench: Bench, kills: number, task: Omit<LoadTask, 'way'>): Promise<Result[]> {
  const { name, how, floor } = FROM[task.from];
  bench.say(`loading from ${name}, each time in a new process`);
  const memory: Record<LoadTask['way'], number[]> = { state: [], floor: [] };
  const arm = (way: LoadTask['way']) => async (): Promise<number> => {
    const worker = new Worker('load-worker.js');
    try {
      const loaded = await worker.ask<Loaded>({ ...task, way });
      if (loaded.kills !== kills)
        throw new Error(`${loaded.kills} kills were loaded from ${name} instead of ${kills}.`);
      memory[way].push(loaded.mb);
      return loaded.ms;
    } finally {
      worker.end();
    }
  };
  const ms = await interleave({ state: arm('state'), floor: arm('floor') }, { rounds: bench.quick ? 1 : 5 });
  const common = { judged: 'value', how: `a new process each time: ${how}; floor: ${floor}` } as const;
  const many = kills.toLocaleString('en');
  return [
    result({
      name: `loading ${many} kills from ${name}: time ÷ reading and parsing the same bytes`,
      unit: 'ms',
      value: median(ms.state),
      floor: median(ms.floor),
      goal: 1000,
      ...common,
    }),
    result({
      name: `loading ${many} kills from ${name}: memory afterwards ÷ the parsed values in one Map`,
      unit: 'MB',
      value: median(memory.state),
      floor: median(memory.floor),
      goal: 60,
      ...common,
    }),
  ];
}
