// An executor in a process of its own: saves a checkpoint and reports, reads one, or works until it is stopped.
import { createKillSwitch } from 'openfeature-kill-switch';
import { fileStore } from 'openfeature-kill-switch/store/file';
import { redisStore } from 'openfeature-kill-switch/store/redis';

const { url, runId, mode, lineage, leaseMs } = JSON.parse(process.argv[2] ?? '{}');
const store = url.startsWith('file:') ? fileStore({ directory: url.slice('file:'.length) }) : redisStore({ url });
const killSwitch = await createKillSwitch({ store, executor: { name: 'worker' }, leaseMs });

if (mode === 'work') {
  const action = killSwitch.action({ name: 'queue.work', surface: 'queue', execute: () => 'done' });
  for (;;) {
    const { status, decision } = await killSwitch.run({ agentId: 'worker', lineage }, () => action.attempt(undefined));
    const target = decision.cause.kind === 'kill' ? decision.cause.target : null;
    process.send?.({ status, agentId: decision.agentId, target });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

await killSwitch.run({ agentId: 'x', runId }, async (run) => {
  if (mode === 'read') {
    const last = await run.lastCheckpoint();
    process.send?.({ last: last && { name: last.name, state: last.state } });
  } else {
    await run.checkpoint('half', { position: 12 });
    process.send?.({ saved: true });
  }
  await new Promise((resolve) => setTimeout(resolve, 60_000)); // until it is killed
});
