// @ts-check
// An agent that sends mail, and an operator who stops it. The switch is a folder, .kill-switch.
const { exec } = require('node:child_process');
const { setTimeout: sleep } = require('node:timers/promises');
const { promisify } = require('node:util');
const { createKillSwitch } = require('openfeature-kill-switch');
const { fileStore } = require('openfeature-kill-switch/store/file');

/** What an operator would type in another terminal.
 * @param {string} words */
async function operator(words) {
  const { stdout, stderr } = await promisify(exec)(`npx kill-switch ${words}`).catch((error) => error);
  console.log(`$ npx kill-switch ${words}\n${stdout || stderr}`);
}

async function main() {
  await operator('init');
  await operator('mode live --reason "an example"');

  const killSwitch = await createKillSwitch({ store: fileStore(), executor: { name: 'mailer' }, agentId: 'mailer' });
  const sendMail = killSwitch.action({
    name: 'email.send',
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
}

main();
