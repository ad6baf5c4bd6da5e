// An executor in a process of its own: acts all the time, and prints what came of each attempt as a JSON line. SIGUSR2
// holds up its event loop, for longer than its lease and until there is a file `go-on` in its working directory. SIGHUP
// steps its wall clock, by as many milliseconds as the file `clock` there says. node executor-process.mjs
// '{"store":{"file":{"directory":"…"}},"leaseMs":1000,"name":"…"}'
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKillSwitch } from 'openfeature-kill-switch';
import { fileStore } from 'openfeature-kill-switch/store/file';
import { redisStore } from 'openfeature-kill-switch/store/redis';

const { store, leaseMs, name } = JSON.parse(process.argv[2] ?? '');
const killSwitch = await createKillSwitch({
  store: store.redis ? redisStore(store.redis) : fileStore(store.file),
  leaseMs,
  agentId: 'worker',
  executor: { name },
});
process.on('SIGUSR2', () => {
  console.log(JSON.stringify({ status: 'held up', cause: '' }));
  const since = performance.now();
  while (performance.now() - since < leaseMs * 1.2 || !existsSync('go-on')) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
});

const systemTime = Date.now;
let isToStep = false;
process.on('SIGHUP', () => {
  isToStep = true;
});
/** Called right before an attempt, so that no answer of the store comes between the two. */
function stepClock() {
  isToStep = false;
  const step = Number(readFileSync('clock', 'utf8'));
  Date.now = () => systemTime() + step;
  console.log(JSON.stringify({ status: 'stepped', cause: '' }));
}

const act = killSwitch.action({ name: 'work.do', execute: () => {} });
for (;;) {
  if (isToStep) stepClock();
  const { status, decision } = await act.attempt(undefined);
  const { cause } = decision;
  console.log(JSON.stringify({ status, cause: cause.kind === 'fault' ? cause.code : cause.kind }));
  await sleep(10);
}
