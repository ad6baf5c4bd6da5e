// An executor in a process of its own: makes a shadow run and tells of an outcome, and is killed when it has said so.
import { createKillSwitch } from 'openfeature-kill-switch';
import { fileStore } from 'openfeature-kill-switch/store/file';
import { redisStore } from 'openfeature-kill-switch/store/redis';

const { url, runId, name } = JSON.parse(process.argv[2] ?? '{}');
const store = url.startsWith('file:') ? fileStore({ directory: url.slice('file:'.length) }) : redisStore({ url });
const killSwitch = await createKillSwitch({ store, executor: { name }, agentId: 'returns-bot' });
const refund = killSwitch.action({
  name: 'payments.refund',
  feature: 'returns.auto',
  execute: () => 'refunded',
  draft: (/** @type {{ cents: number }} */ { cents }) => ({ cents }),
});
const { status } = await killSwitch.run({ runId }, () => refund.attempt({ cents: 1200 }));
await killSwitch.recordOutcome({ feature: 'returns.auto', runId, action: 'payments.refund', agreed: true });
process.send?.({ status });
await new Promise((resolve) => setTimeout(resolve, 60_000)); // until it is killed
