// An executor in a process of its own, whose every effect costs 0.02 dollars at most and 0.01 in the end.
// It kills itself (SIGKILL) at one step of its one call; with `race` it goes on until it is stopped.
import { appendFileSync } from 'node:fs';
import { createKillSwitch } from 'openfeature-kill-switch';
import { fileStore } from 'openfeature-kill-switch/store/file';
import { redisStore } from 'openfeature-kill-switch/store/redis';

const { url, runId, effects, name, dies, race = false, afterMs = 0 } = JSON.parse(process.argv[2] ?? '{}');

const die = async () => {
  process.kill(process.pid, 'SIGKILL');
  await new Promise(() => {});
};
/** @param {string} step */
const at = async (step) => (step === dies ? die() : undefined);
/**
 * Dies some time after it was asked, whether it is answered by then or not.
 * @param {string} step
 */
const dieSoon = (step) => step === dies && setTimeout(() => void die(), afterMs);

const real = url.startsWith('file:') ? fileStore({ directory: url.slice('file:'.length) }) : redisStore({ url });
/** @type {import('openfeature-kill-switch').ExecutorStore} */
const store = {
  ...real,
  open(scope) {
    const connection = real.open(scope);
    const { ledger, journal } = connection;
    if (!ledger || !journal) throw new Error('this store counts nothing');
    return {
      ...connection,
      ledger: {
        release: (id) => ledger.release(id),
        async reserve(reservation) {
          dieSoon('reserving');
          const answer = await ledger.reserve(reservation);
          await at('reserved');
          return answer;
        },
        async settle(id, costs) {
          await at('not settled');
          dieSoon('settling');
          await ledger.settle(id, costs);
          await at('settled');
        },
      },
      journal: {
        ...journal,
        async intend(intent) {
          const answer = await journal.intend(intent);
          await at('intended');
          return answer;
        },
      },
    };
  },
};

const killSwitch = await createKillSwitch({ store, executor: { name }, agentId: 'spender' });
const effect = killSwitch.action({
  name: 'world.change',
  journal: !race,
  spend: { usd: { reserve: () => 0.02, settle: () => 0.01 } },
  async execute() {
    await at('executing');
    appendFileSync(effects, `${runId}\n`);
    await at('executed');
  },
});
for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
  if (killSwitch.check({ agentId: 'spender' }).verdict === 'allow') break;
  await new Promise((resolve) => setTimeout(resolve, 5));
}
process.send?.({ ready: true });
const attempt = () => killSwitch.run({ runId }, () => effect.attempt(undefined));
if (race) {
  await new Promise((resolve) => process.once('message', resolve));
  for (let passed = 0; ; passed += 1) {
    const { status, decision } = await attempt();
    if (status === 'executed') continue;
    process.send?.({ passed, status, cause: decision.cause });
    break;
  }
} else {
  const { status } = await attempt();
  process.send?.({ status });
}
await killSwitch.close();
process.disconnect?.();
