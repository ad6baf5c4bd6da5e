// An executor in a process of its own, which has done something, and kills itself (SIGKILL) at one step of undoing it.
import { appendFileSync } from 'node:fs';
import { createKillSwitch } from 'openfeature-kill-switch';
import { fileStore } from 'openfeature-kill-switch/store/file';
import { redisStore } from 'openfeature-kill-switch/store/redis';

const {
  url,
  runId,
  round,
  keys,
  effects,
  idempotent,
  dies,
  at: dyingAt,
  afterMs,
} = JSON.parse(process.argv[2] ?? '{}');

let reversals = 0;
let isUndoing = false;
const die = async () => {
  process.kill(process.pid, 'SIGKILL');
  await new Promise(() => {});
};
/** @param {string} step */
const isNow = (step) => isUndoing && step === dies && (reversals === dyingAt || !step.includes('it'));
/** @param {string} step */
const at = async (step) => (isNow(step) ? die() : undefined);
/** @param {string} step */
const dieSoon = (step) => isNow(step) && setTimeout(() => void die(), afterMs);

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
          const isReversal = intent.rollback?.undoes != null;
          isUndoing = intent.rollback !== undefined;
          if (isReversal) reversals += 1;
          if (isReversal) dieSoon('intending it');
          else await at('not begun');
          const answer = await journal.intend(intent);
          await at(isReversal ? 'it is intended' : 'begun');
          return answer;
        },
        async entriesOf(run, page) {
          await at('listing');
          return journal.entriesOf(run, page);
        },
        async end(mark, end) {
          const isReversal = mark.idempotency_key.startsWith('reverse:');
          await at(isReversal ? 'it has not ended' : 'all are undone');
          if (isReversal) dieSoon('ending it');
          const stored = await journal.end(mark, end);
          await at(isReversal ? 'it has ended' : 'over');
          return stored;
        },
      },
    };
  },
};

const killSwitch = await createKillSwitch({ store, executor: { name: `first-${runId}` }, agentId: 'x', leaseMs: 3000 });
const effect = killSwitch.action({
  name: `world.change.${round}`,
  reverse: { action: `world.restore.${round}`, input: (result) => result },
  execute: async ({ of }) => ({ of }),
});
killSwitch.action({
  name: `world.restore.${round}`,
  idempotent,
  async execute({ of }) {
    await at('it is executing');
    appendFileSync(effects, `${of}\n`);
    await at('it is executed');
  },
});
for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
  if (killSwitch.check({ agentId: 'x' }).verdict === 'allow') break;
  await new Promise((resolve) => setTimeout(resolve, 5));
}
await killSwitch.run({ runId }, async () => {
  for (const of of keys) while ((await effect.attempt({ of }, { idempotencyKey: of })).status !== 'executed');
});
process.send?.({ ready: true });
await new Promise((resolve) => process.once('disconnect', resolve));
await killSwitch.close();
