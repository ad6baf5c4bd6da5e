// A thread in which actions give its standard streams; it says with which code each is refused, and writes on after a
// kill.
import { once } from 'node:events';
import { parentPort } from 'node:worker_threads';
import { createKillSwitch } from 'openfeature-kill-switch';
import { openControlPlane } from 'openfeature-kill-switch/operator';
import { memoryStore } from 'openfeature-kill-switch/store/memory';
import { memoryControlStore } from 'openfeature-kill-switch/store/memory/control';

const store = memoryStore();
const control = await openControlPlane({ store: memoryControlStore(store), operator: { id: 'dana' } });
await control.init();
await control.setMode({ mode: 'live', reason: 'test' });
const killSwitch = await createKillSwitch({ store, agentId: 'bot' });
const give = killSwitch.action({ name: 'output.give', execute: (/** @type {object} */ it) => it });
const said = [];
for (const it of [process.stdin, process.stdout, process.stderr]) {
  said.push(
    await give(it).then(
      () => 'given',
      (/** @type {{ code: string }} */ { code }) => code,
    ),
  );
}
const { epoch } = await control.kill({ target: 'all' });
while (killSwitch.check({ agentId: 'bot' }).epoch < epoch) await new Promise((resolve) => setTimeout(resolve, 5));
process.stdout.write('said after the kill');
parentPort?.postMessage(said);
await killSwitch.close();
await control.close();
if (parentPort) await once(parentPort, 'message');
process.exit();
