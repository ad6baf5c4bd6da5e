// An executor in a process of its own, over the built package: many calls that are begun together, or one that waits
// and is all that the process has.
import { createKillSwitch } from 'openfeature-kill-switch';
import { fileStore } from 'openfeature-kill-switch/store/file';
import { redisStore } from 'openfeature-kill-switch/store/redis';

const { url, does, calls, eachMs } = JSON.parse(process.argv[2] ?? '{}');
const store = url.startsWith('file:') ? fileStore({ directory: url.slice('file:'.length) }) : redisStore({ url });
const killSwitch = await createKillSwitch({ store, agentId: 'x', executor: { name: 'alone' } });

if (does === 'wait') {
  console.log('waiting');
  await killSwitch.run({ agentId: 'x' }, (run) => run.checkpoint('half'));
  console.log('went on');
  await killSwitch.close();
} else {
  const busy = () => {
    const until = performance.now() + eachMs;
    while (performance.now() < until);
  };
  const work = killSwitch.action({ name: 'crowd.work', execute: busy });
  const batch = killSwitch.job({ agentId: 'x' }, busy);
  const all =
    does === 'crowd'
      ? Array.from({ length: calls }, () => work.attempt(undefined))
      : Array.from({ length: calls }, () => batch());
  process.send?.('begun'); // is sent when the event loop turns
  const outcomes = await Promise.all(all);
  process.send?.(outcomes.filter(({ status }) => status === 'executed' || status === 'ran').length);
  await killSwitch.close();
  process.disconnect?.();
}
