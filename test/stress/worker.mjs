// One executor under load: 50 actions at a time, for one agent of its own and one that all share; every tenth is
// confirmed. It reports each confirmed start by the machine's monotonic clock, which all processes share, and every
// start that its own copy did not allow.
import { createKillSwitch } from 'openfeature-kill-switch';
import { fileStore } from 'openfeature-kill-switch/store/file';
import { redisStore } from 'openfeature-kill-switch/store/redis';

const { name, url, directory, concurrency } = JSON.parse(process.argv[2] ?? '{}');
const store = url ? redisStore({ url }) : fileStore({ directory });
const killSwitch = await createKillSwitch({ store, leaseMs: 5000, executor: { name } });
const now = () => Number(process.hrtime.bigint() / 1000n) / 1000;
const agents = [`agent-${name}`, 'shared'];

let started = 0;
let stopped = 0;
/** @type {string[]} */
const violations = [];
/** @type {Array<{ agent: string, at: number }>} */
let confirmed = [];
/**
 * Starts at which the lease was over already: the system may suspend the process between the last look and the start.
 */
let lapsed = 0;
let running = true;

const sleep = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @param {string} action @param {boolean} irreversible */
const make = (action, irreversible) =>
  killSwitch.action({
    name: action,
    irreversible,
    execute: async (/** @type {{ agent: string, ms: number }} */ { agent, ms }) => {
      if (irreversible) confirmed.push({ agent, at: now() });
      const decision = killSwitch.check({ action });
      if (decision.cause.kind === 'fault') lapsed += 1;
      else if (decision.verdict !== 'allow') violations.push(JSON.stringify(decision));
      started += 1;
      await sleep(ms);
    },
  });
const plain = make('work.do', false);
const final = make('work.final', true);

const loop = async (/** @type {number} */ index) => {
  const agent = agents[index % agents.length] ?? 'shared';
  while (running) {
    const action = index % 10 === 0 ? final : plain;
    const { status } = await killSwitch.run({ agentId: agent }, () => action.attempt({ agent, ms: 10 + (index % 40) }));
    if (status !== 'executed') {
      stopped += 1;
      await sleep(20);
    }
  }
};

process.on('message', (message) => {
  if (message === 'stop') running = false;
});
const ticker = setInterval(flush, 200);
function flush() {
  process.send?.({ type: 'starts', confirmed });
  confirmed = [];
}

process.send?.({ type: 'ready' });
await Promise.all(Array.from({ length: concurrency }, (_, index) => loop(index)));
clearInterval(ticker);
flush();
await killSwitch.close();
process.send?.({ type: 'end', started, stopped, violations, lapsed }, () => process.disconnect());
