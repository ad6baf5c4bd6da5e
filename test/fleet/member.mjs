// A worker thread, a worker of a cluster or a forked child with a switch of its own: one action in flight until its
// signal fires, then one more attempt. It sends { is: 'working' }, then the outcomes of both. On any message it closes
// its switch and ends.
import { parentPort, workerData } from 'node:worker_threads';
import { createKillSwitch } from 'openfeature-kill-switch';
import { fileStore } from 'openfeature-kill-switch/store/file';
import { redisStore } from 'openfeature-kill-switch/store/redis';

const { url, lineage, leaseMs } = workerData ?? JSON.parse(process.env['MEMBER'] ?? '{}');
/** @param {unknown} message */
const tell = (message) => (parentPort ? parentPort.postMessage(message) : process.send?.(message));
(parentPort ?? process).once('message', () => void killSwitch.close().then(() => process.exit(0)));

const killSwitch = await createKillSwitch({
  store: url.startsWith('file:') ? fileStore({ directory: url.slice('file:'.length) }) : redisStore({ url }),
  executor: { name: 'fleet' },
  leaseMs,
});
const work = killSwitch.action({
  name: 'fleet.work',
  execute: (_input, { signal }) =>
    new Promise((resolve) => {
      signal.addEventListener('abort', resolve);
      tell({ is: 'working' });
    }),
});
await killSwitch.run({ agentId: 'member', lineage }, async () => {
  for (const is of ['ended', 'tried again']) {
    const { status, decision } = await work.attempt(undefined);
    tell({ is, status, target: decision.cause.kind === 'kill' ? decision.cause.target : decision.cause });
  }
});
