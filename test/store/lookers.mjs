// Executors of one name that share an anchor, each in a worker thread of this process: they look at the switch every
// millisecond until standard input ends. Prints "ready" once all of them act, then one JSON line each: how often it
// looked, and which causes blocked it how often. node lookers.mjs '{"directory":"…","anchor":"…","threads":6}'
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { createKillSwitch } from 'openfeature-kill-switch';
import { fileStore } from 'openfeature-kill-switch/store/file';

if (isMainThread) {
  const { threads, ...options } = JSON.parse(process.argv[2] ?? '');
  const workers = Array.from({ length: threads }, () => new Worker(new URL(import.meta.url), { workerData: options }));
  /** @param {Worker} worker @returns {Promise<unknown>} */
  const heard = (worker) => new Promise((resolve) => worker.once('message', resolve));
  await Promise.all(workers.map(heard));
  console.log('ready');
  await once(process.stdin.resume(), 'end');
  const counts = workers.map((worker) => {
    const count = heard(worker);
    worker.postMessage('end');
    return count;
  });
  for (const count of await Promise.all(counts)) console.log(JSON.stringify(count));
  process.exit();
} else {
  const { directory, anchor } = workerData;
  const killSwitch = await createKillSwitch({
    store: fileStore({ directory, anchor }),
    agentId: 'worker',
    executor: { name: 'shared' },
    leaseMs: 60_000, // a confirmation may take long on a slow machine
  });
  let ended = false;
  parentPort?.once('message', () => {
    ended = true;
  });
  /** @type {Record<string, number>} */
  const blocked = {};
  let looks = 0;
  parentPort?.postMessage('ready');
  for (; !ended; await sleep(1)) {
    looks += 1;
    const { cause, mode } = killSwitch.check({ agentId: 'worker' });
    if (mode === 'live') continue;
    const why = cause.kind === 'fault' ? `${cause.code}: ${cause.message}` : cause.kind;
    blocked[why] = (blocked[why] ?? 0) + 1;
  }
  parentPort?.postMessage({ looks, blocked });
}
