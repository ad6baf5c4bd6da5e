// A process that prints how much memory, in MB, is left of what is over: of signals that were read late, and of calls
// that no longer wait. node --expose-gc leaks.mjs
import { setTimeout as sleep } from 'node:timers/promises';
import { createKillSwitch } from 'openfeature-kill-switch';
import { openControlPlane } from 'openfeature-kill-switch/operator';
import { memoryStore } from 'openfeature-kill-switch/store/memory';
import { memoryControlStore } from 'openfeature-kill-switch/store/memory/control';

const store = memoryStore();
const control = await openControlPlane({ store: memoryControlStore(store), operator: { id: 'dana' } });
await control.init();
await control.setMode({ mode: 'live', reason: 'test' });
const killSwitch = await createKillSwitch({ store, agentId: 'bot' });
/** What is used when no more is freed: records of what was paused may still be on their way to the store. */
const used = async () => {
  for (let before = Number.POSITIVE_INFINITY; ; ) {
    await sleep(1000);
    for (let count = 0; count < 3; count += 1) globalThis.gc?.();
    const now = process.memoryUsage().heapUsed / 1e6;
    if (now > before - 0.1) return now;
    before = now;
  }
};
/** @type {(work: () => Promise<unknown>, times: number) => Promise<number>} */
const grown = async (work, times) => {
  for (let count = 0; count < times / 4; count += 1) await work(); // what is bounded is full then
  const before = await used();
  for (let count = 0; count < times; count += 1) await work();
  return (await used()) - before;
};

const late = await grown(async () => {
  const run = await killSwitch.run({ agentId: 'bot' }, (run) => run);
  void run.signal;
}, 8000);
const action = killSwitch.action({ name: 'read', effect: 'read', execute: () => 1 });
const { epoch } = await control.kill({ target: 'all', mode: 'paused' });
while (killSwitch.check({ agentId: 'bot' }).epoch < epoch) await sleep(5);
const waiting = await grown(
  () =>
    Promise.all(
      Array.from({ length: 100 }, () => action.attempt(undefined, { waitMs: 1, signal: new AbortController().signal })),
    ),
  300,
);
await killSwitch.close();
await control.close();
process.stdout.write(JSON.stringify({ late, waiting }));
process.exit();
