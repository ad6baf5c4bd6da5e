// An operator's process that kills many targets at once, or makes changes that loosen and tighten, without a pause,
// until it is stopped.
import { openControlPlane } from 'openfeature-kill-switch/operator';
import { fileControlStore } from 'openfeature-kill-switch/store/file/control';
import { redisControlStore } from 'openfeature-kill-switch/store/redis/control';

const { name, url, directory, kills } = JSON.parse(process.argv[2] ?? '{}');
const store = url ? redisControlStore({ url }) : fileControlStore({ directory });
const control = await openControlPlane({ store, operator: { id: name } });

async function killAll() {
  const started = performance.now();
  const targets = Array.from({ length: kills }, (_, index) => `agent:${name}-${index}`);
  const outcomes = await Promise.allSettled(targets.map((target) => control.kill({ target })));
  const failed = outcomes.filter(({ status }) => status === 'rejected');
  const reasons = failed.map((outcome) => ('reason' in outcome ? String(outcome.reason) : ''));
  process.send?.({
    type: 'killed',
    failed: reasons.slice(0, 3),
    count: failed.length,
    ms: performance.now() - started,
  });
}

let storming = true;
async function storm() {
  let changes = 0;
  for (let n = 0; storming; n += 1) {
    const change = control.setFeature({ name: `f-${name}`, stage: n % 2 === 0 ? 'live' : 'dark', reason: 'storm' });
    await change.then(
      () => (changes += 1),
      () => {},
    );
  }
  process.send?.({ type: 'stormed', changes });
}

process.on('message', (message) => {
  if (message === 'kill') void killAll();
  if (message === 'storm') void storm();
  if (message === 'calm') storming = false;
  if (message === 'end') void control.close().then(() => process.disconnect());
});
process.send?.({ type: 'ready' });
