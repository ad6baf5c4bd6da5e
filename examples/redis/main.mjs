// @ts-check
// An agent that sends mail, and an operator who stops it. The switch is in Redis.
import { exec } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createKillSwitch } from 'openfeature-kill-switch';
import { redisStore } from 'openfeature-kill-switch/store/redis';

const url = process.env.REDIS_URL ?? 'redis://localhost:6379';
process.env.KILL_SWITCH_STORE = url; // for the command

/** What an operator would type in another terminal.
 * @param {string} words */
async function operator(words) {
  const { stdout, stderr } = await promisify(exec)(`npx kill-switch ${words}`).catch((error) => error);
  console.log(`$ npx kill-switch ${words}\n${stdout || stderr}`);
}

await operator('init');
await operator('mode live --reason "an example"');

const killSwitch = await createKillSwitch({
  store: redisStore({ url }), // in production with an `anchor`, see docs/redis.md
  executor: { name: 'mailer' },
  agentId: 'mailer',
});
const sendMail = killSwitch.action({
  name: 'email.send',
  irreversible: true, // confirmed with Redis right before it starts
  execute: async (/** @type {string} */ to) => console.log(`mail to ${to}`),
});

const killed = sleep(1000).then(() => operator('kill agent:mailer --reason "it sends too much"'));
for (let customer = 1; ; customer += 1) {
  const outcome = await sendMail.attempt(`customer-${customer}@shop.example`);
  if (outcome.status !== 'executed') {
    console.log(outcome.decision.message);
    break;
  }
  await sleep(200);
}

await killed;
await operator('revive agent:mailer --reason "the example is over"');
await killSwitch.close();
