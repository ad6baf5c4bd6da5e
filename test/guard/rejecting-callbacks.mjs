// A process whose callbacks, all of which are to be synchronous, return promises that reject: prints what became of it,
// or dies of the first. node rejecting-callbacks.mjs DIRECTORY
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKillSwitch } from 'openfeature-kill-switch';
import { IdentityHook } from 'openfeature-kill-switch/hooks';
import { openControlPlane } from 'openfeature-kill-switch/operator';
import { fileStore } from 'openfeature-kill-switch/store/file';
import { fileControlStore } from 'openfeature-kill-switch/store/file/control';

const [directory = ''] = process.argv.slice(2);
const called = new Set();
/** @type {(name: string) => () => any} */
const rejecting = (name) => () => {
  called.add(name);
  return Promise.reject(new Error(name));
};
/** @type {(name: string) => () => any} */
const thenable = (name) => () => {
  called.add(name);
  // oxlint-disable-next-line unicorn/no-thenable -- that is what is tested
  return { then: (/** @type {unknown} */ _, /** @type {(error: Error) => void} */ reject) => reject(new Error(name)) };
};

const control = await openControlPlane({
  store: fileControlStore({ directory }),
  operator: { id: 'dana' },
  operate: true,
  onTrouble: rejecting('onTrouble'),
  onReading: rejecting('onReading'),
});
await control.init();
const records = [];
for (const redact of [rejecting('redact'), thenable('thenable redact')]) {
  const options = { store: fileStore({ directory }), agentId: 'bot', domain: `d${records.length}`, redact };
  const killSwitch = await createKillSwitch(options);
  await killSwitch.action({ name: 'send', execute: () => 1, draft: () => 1 }).attempt({ card: 'secret' });
  await killSwitch.close();
  const { data } = await control.interventions({ limit: 1 });
  records.push(data[0]?.input);
}
const identify = new IdentityHook(rejecting('identify'));
const context = identify.before(/** @type {any} */ ({ flagKey: 'kill-switch.mode' }));
await control.kill({ target: 'all', onProgress: rejecting('onProgress') });
appendFileSync(join(directory, 'control', 'default', 'log.jsonl'), 'no event\n');
while (!called.has('onTrouble')) await sleep(50);
await sleep(50); // for what would be unhandled
await control.close();
process.stdout.write(JSON.stringify({ called: [...called], records, context }));
