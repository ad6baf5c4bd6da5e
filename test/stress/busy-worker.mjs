// One executor whose actions keep the event loop busy, as better-sqlite3 or execFileSync do: all calls of a round are
// made at once, and it reports each start by the machine's monotonic clock, which all processes share.
import { createKillSwitch } from 'openfeature-kill-switch';
import { fileStore } from 'openfeature-kill-switch/store/file';
import { redisStore } from 'openfeature-kill-switch/store/redis';

const { url, replicas, directory, busyMs, calls, leaseMs, irreversible, redactMs } = JSON.parse(
  process.argv[2] ?? '{}',
);
const now = () => Number(process.hrtime.bigint() / 1000n) / 1000;
const busy = (/** @type {number} */ ms) => {
  for (const until = now() + ms; now() < until; );
};
const killSwitch = await createKillSwitch({
  store: url ? redisStore({ url, replicas }) : fileStore({ directory }),
  leaseMs,
  agentId: 'busy',
  executor: { name: 'busy' },
  redact: (input) => {
    if (redactMs > 0) busy(redactMs);
    return input;
  },
});

/** @type {number[]} */
let starts = [];
const action = killSwitch.action({
  name: 'busy.work',
  irreversible,
  execute: () => {
    starts.push(now());
    busy(busyMs);
  },
  redirect: (/** @type {unknown} */ input) => input,
});

async function round() {
  starts = [];
  process.send?.({ type: 'going' });
  const input = { order: 7 };
  const outcomes = await Promise.all(Array.from({ length: calls }, () => action.attempt(input, options())));
  const statuses = outcomes.map(({ status }) => status);
  process.send?.({ type: 'round', starts, statuses });
}
process.on('message', () => void round());

function options() {
  return {
    get idempotencyKey() {
      if (redactMs > 0) busy(redactMs / 4);
      return undefined;
    },
  };
}
process.send?.({ type: 'ready' });
