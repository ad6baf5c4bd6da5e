// A process that performs one action until it is told to end. "lines" are those by which it closes its switch then:
// text, because a test takes them from the page that shows them.
import { setTimeout as sleep } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';
import { createKillSwitch } from 'openfeature-kill-switch';
import { fileStore } from 'openfeature-kill-switch/store/file';
import { redisStore } from 'openfeature-kill-switch/store/redis';

const { url, lines, heedsSignal } = JSON.parse(process.argv[2] ?? '{}');
const store = url.startsWith('file:') ? fileStore({ directory: url.slice('file:'.length) }) : redisStore({ url });
const killSwitch = await createKillSwitch({ store, agentId: 'x', executor: { name: 'told' } });
runInNewContext(lines, { process, killSwitch });

const work = killSwitch.action({
  name: 'work.long',
  execute: async (_input, { signal }) => {
    console.log('in flight');
    while (!(heedsSignal && signal.aborted)) await sleep(10);
    console.log('heeded');
  },
});
const { status } = await work.attempt();
console.log(status);
await sleep(60_000); // nothing else of this program ends it
