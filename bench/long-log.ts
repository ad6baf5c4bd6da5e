import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { serializeEvent } from '../flags/index.ts';
import { openControlPlane } from '../operator/index.ts';
import { fileControlStore } from '../store/file/control.ts';
import { filePaths } from '../store/file/paths.ts';
import { loadWhole } from '../store/answers.ts';
import { redisKeys } from '../store/redis/keys.ts';
import { headText, logId } from '../store/redis/replies.ts';
import { appendHistory, lastEvent } from '../test/store/file/generate-log.ts';
import type { LogTask, Measured } from './long-log-worker.ts';
import type { Bench, Measurement } from './measurement.ts';
import { logOf } from './operate.ts';
import { type Result, result } from './results.ts';
import { interleave, median, ratioOf } from './rounds.ts';
import { Worker } from './worker.ts';

/** How many kills are active in both. */
const KILLS = 1000;

/** Does a log that has grown for years cost more than a young one? */
export const longLog: Measurement = {
  name: 'long-log',
  async run(bench) {
    const events = bench.quick ? 5000 : 1_000_000;
    bench.say(`a log of ${events} events and a young one, both with ${KILLS} active kills, in a folder and in Redis`);
    const { url } = await bench.redis();
    const folder = { young: join(bench.folder, 'young'), old: join(bench.folder, 'old') };
    for (const age of ['young', 'old'] as const) {
      await fillFile(folder[age], age, age === 'old' ? events : 0);
      await fillRedis(url, folder[age], age);
    }
    const results: Result[] = [];
    for (const from of ['file', 'redis'] as const) {
      const task = (what: LogTask['what'], organizationId: 'young' | 'old'): LogTask => {
        return { from, what, organizationId, location: from === 'redis' ? url : folder[organizationId] };
      };
      for (const what of ['start', 'status'] as const) results.push(await beside(bench, task, what));
      results.push(...(await verifying(bench, task)));
    }
    return results;
  },
};

type Tasks = (what: LogTask['what'], organizationId: 'young' | 'old') => LogTask;

const NAMES = { file: 'the file store', redis: 'Redis' } as const;

/** Each time in a process of its own. */
async function measured(task: LogTask): Promise<Measured> {
  const worker = new Worker('long-log-worker.js');
  try {
    return await worker.ask<Measured>(task);
  } finally {
    worker.end();
  }
}

async function beside(bench: Bench, task: Tasks, what: 'start' | 'status'): Promise<Result> {
  const { from } = task(what, 'old');
  bench.say(`${what} on ${NAMES[from]}`);
  const ms = (age: 'young' | 'old') => async (): Promise<number> => (await measured(task(what, age))).ms;
  const size = bench.quick ? { rounds: 1 } : { rounds: 7, warmUp: 1 };
  const both = await interleave({ young: ms('young'), old: ms('old') }, size);
  const name = what === 'start' ? 'start of an executor' : 'status';
  return result({
    name: `${name} on ${NAMES[from]} beside a log of 1,000,000 events ÷ beside 1,000`,
    unit: 'ms',
    value: median(both.old),
    floor: median(both.young),
    ratio: ratioOf(both.old, both.young),
    goal: 1.5,
    how: `a new process each time, without its own start: connect, read, ${what === 'start' ? 'confirm, until it holds a state that may be trusted' : 'answer'}; ${KILLS} active kills in both`,
  });
}

async function verifying(bench: Bench, task: Tasks): Promise<Result[]> {
  const { from } = task('verify', 'old');
  bench.say(`verify on ${NAMES[from]}`);
  const memory: { readonly young: number[]; readonly old: number[] } = { young: [], old: [] };
  const verify = async (age: 'young' | 'old'): Promise<number> => {
    const { ms, mb } = await measured(task('verify', age));
    memory[age].push(mb);
    return ms / 1000;
  };
  const least = async (): Promise<number> => (await measured(task('hash', 'old'))).ms / 1000;
  const arms = { verify: () => verify('old'), least, young: () => verify('young') };
  const seconds = await interleave(arms, { rounds: bench.quick ? 1 : 2 });
  const how = 'a new process each time, without its own start';
  return [
    result({
      name: `log verify of 1,000,000 events on ${NAMES[from]}: time ÷ reading, parsing and hashing the same events`,
      unit: 's',
      value: median(seconds.verify),
      floor: median(seconds.least),
      ratio: ratioOf(seconds.verify, seconds.least),
      goal: 3,
      how: `${how}; floor: each event read, JSON.parse, SHA-256, one after the other`,
    }),
    result({
      name: `log verify of 1,000,000 events on ${NAMES[from]}: memory ÷ of 1,000 events`,
      unit: 'MB',
      value: median(memory.old),
      floor: median(memory.young),
      goal: 2,
      how: `${how}: the most that the process has had (maxRSS)`,
    }),
  ];
}

/** A folder as a file store would have left it, after years of kills and revives, with its snapshot. */
async function fillFile(directory: string, organizationId: string, history: number): Promise<void> {
  const { control, log } = filePaths(directory, organizationId);
  mkdirSync(control, { recursive: true });
  appendFileSync(log, [...logOf(KILLS)].map(({ event }) => `${serializeEvent(event)}\n`).join(''));
  if (history === 0) return;
  appendHistory(log, lastEvent(log), history);
  const store = fileControlStore({ directory });
  await using plane = await openControlPlane({ store, organizationId, operator: { id: 'bench' } });
  await plane.kill({ target: 'run:last' });
  await plane.settled();
}

const AT_ONCE = 5000;

/** The same log and state in Redis. */
async function fillRedis(url: string, directory: string, organizationId: string): Promise<void> {
  const client = new Redis(url);
  const keys = redisKeys(organizationId);
  const connection = fileControlStore({ directory }).open({ organizationId, requestTimeoutMs: 60_000 });
  const { head, entries } = await loadWhole(connection);
  await connection.close();
  if (!head) throw new Error('There is no log.');
  await client.config('SET', 'appendfsync', 'no');
  const bytes = readFileSync(filePaths(directory, organizationId).log);
  let pipeline = client.pipeline();
  let seq = 0;
  for (let start = 0, end = bytes.indexOf(10); end >= 0; start = end + 1, end = bytes.indexOf(10, start)) {
    seq += 1; // a log without a recovery skips none
    pipeline.xadd(keys.log, logId(seq), 'event', bytes.toString('utf8', start, end));
    if (seq % AT_ONCE !== 0) continue;
    await pipeline.exec();
    pipeline = client.pipeline();
  }
  for (const [key, entry] of entries) pipeline.hset(keys.state, key, JSON.stringify(entry));
  await pipeline.set(keys.head, headText(head)).exec();
  await client.config('SET', 'appendfsync', 'always');
  client.disconnect();
}
