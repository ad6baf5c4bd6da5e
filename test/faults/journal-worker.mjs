// An executor in a process of its own, which has one effect, and kills itself (SIGKILL) at one step of it.
import { appendFileSync } from 'node:fs';
import { createKillSwitch } from 'openfeature-kill-switch';
import { fileStore } from 'openfeature-kill-switch/store/file';
import { redisStore } from 'openfeature-kill-switch/store/redis';

const { url, key, runId, effects, name, dies, afterMs = 0 } = JSON.parse(process.argv[2] ?? '{}');

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
    const { journal } = connection;
    if (!journal) throw new Error('this store keeps no journal');
    return {
      ...connection,
      journal: {
        ...journal,
        async intend(intent) {
          await at('not intended');
          dieSoon('intending');
          const answer = await journal.intend(intent);
          await at('intended');
          return answer;
        },
        async end(mark, end) {
          await at('not ended');
          dieSoon('ending');
          const stored = await journal.end(mark, end);
          await at('ended');
          return stored;
        },
      },
    };
  },
};

const killSwitch = await createKillSwitch({ store, executor: { name }, agentId: 'x' });
const effect = killSwitch.action({
  name: 'world.change',
  reverse: { action: 'world.restore', input: (result) => result },
  async execute(input) {
    await at('executing');
    appendFileSync(effects, `${key}\n`);
    await at('executed');
    return { changed: input.of };
  },
});
for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
  if (killSwitch.check({ agentId: 'x' }).verdict === 'allow') break;
  await new Promise((resolve) => setTimeout(resolve, 5));
}
process.send?.({ ready: true });
const outcome = await killSwitch.run({ runId }, () => effect.attempt({ of: key }, { idempotencyKey: key }));
process.send?.({ status: outcome.status });
await killSwitch.close();
process.disconnect?.();
