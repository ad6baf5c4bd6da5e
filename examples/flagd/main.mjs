// @ts-check
// An agent that asks flagd, and an operator who stops it. The switch is a folder, which an export turns into a
// definition for flagd, and keeps current.
import { exec, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createKillSwitch } from 'openfeature-kill-switch';
import { FlagdKillSwitchProvider } from 'openfeature-kill-switch/provider/flagd';

/** What an operator would type in another terminal.
 * @param {string} words */
async function operator(words) {
  const { stdout, stderr } = await promisify(exec)(`npx kill-switch ${words}`).catch((error) => error);
  console.log(`$ npx kill-switch ${words}\n${stdout || stderr}`);
}

// `npx kill-switch flagd export --watch …`, as a process that can be ended.
const command = 'node_modules/openfeature-kill-switch/dist/operator/cli/main.js';
const exporter = spawn(process.execPath, [command, 'flagd', 'export', '--watch', 'kill-switch.flagd.json']);
const ended = once(exporter, 'close'); // from the start: it may end before it is told to

try {
  const port = Number(process.env.FLAGD_SYNC_PORT ?? 8015);
  const provider = new FlagdKillSwitchProvider({ port, resolverType: 'in-process' });
  const killSwitch = await createKillSwitch({ provider, executor: { name: 'mailer' }, agentId: 'mailer' });
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
} finally {
  exporter.kill('SIGTERM');
  await ended;
}
