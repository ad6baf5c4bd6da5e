// An executor in a process of its own: a loop of steps that touch no I/O, so that only the guard can let the event loop
// turn.
import { createKillSwitch, isActionStoppedError } from 'openfeature-kill-switch';
import { fileStore } from 'openfeature-kill-switch/store/file';
import { redisStore } from 'openfeature-kill-switch/store/redis';

const { url } = JSON.parse(process.argv[2] ?? '{}');
const store = url.startsWith('file:') ? fileStore({ directory: url.slice('file:'.length) }) : redisStore({ url });
const killSwitch = await createKillSwitch({ store, agentId: 'x', leaseMs: 30_000 });
let taken = 0;
const action = killSwitch.action({
  name: 'mail.all',
  execute: async function* () {
    for (;;) yield (taken += 1);
  },
});
const steps = await action(null);
process.send?.({ ready: true });
try {
  while (!(await steps.next()).done);
} catch (error) {
  if (!isActionStoppedError(error)) throw error;
  process.send?.({ taken, code: error.code, cause: error.decision.cause.kind });
}
