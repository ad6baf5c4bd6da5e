// An executor in a process of its own that can undo refunds. node undoer.mjs '{"url", "name", "does", "hangs",
// "idempotent"}'. It refunds what `does` names in the run r-1, says so, and says when it begins to undo something; with
// `hangs` that never ends, whatever its signal says.
import { createKillSwitch } from 'openfeature-kill-switch';
import { fileStore } from 'openfeature-kill-switch/store/file';
import { redisStore } from 'openfeature-kill-switch/store/redis';

const { url, name, does = [], hangs = false, idempotent = false } = JSON.parse(process.argv[2] ?? '{}');
const store = url.startsWith('file:') ? fileStore({ directory: url.slice('file:'.length) }) : redisStore({ url });
const killSwitch = await createKillSwitch({ store, executor: { name }, agentId: 'bot', leaseMs: 2000 });
/** @param {object} what */
const say = (what) => process.send?.(what);

const refund = killSwitch.action({
  name: 'payments.refund',
  reverse: { action: 'payments.cancel', input: (result) => result },
  execute: async (/** @type {{ of: string }} */ { of }) => ({ of }),
});
killSwitch.action({
  name: 'payments.cancel',
  idempotent,
  async execute(/** @type {{ of: string }} */ { of }) {
    say({ undoing: of });
    if (hangs) await new Promise(() => {});
    say({ undone: of });
  },
});
for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
  if (killSwitch.check({ agentId: 'bot' }).verdict === 'allow') break;
  await new Promise((resolve) => setTimeout(resolve, 5));
}
await killSwitch.run({ runId: 'r-1' }, async () => {
  for (const of of does) await refund({ of }, { idempotencyKey: of });
});
say({ ready: true });
await new Promise((resolve) => process.once('disconnect', resolve));
await killSwitch.close();
