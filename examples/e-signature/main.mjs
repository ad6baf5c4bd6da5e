// @ts-check
// E-signatures, into which each account opts: an agent signs for those that have, and for nobody else.
import { exec } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { OpenFeature } from '@openfeature/server-sdk';
import { createKillSwitch } from 'openfeature-kill-switch';
import { fileStore } from 'openfeature-kill-switch/store/file';

const place = mkdtempSync(join(tmpdir(), 'e-signature-'));
process.on('exit', () => rmSync(place, { recursive: true }));
process.env.KILL_SWITCH_STORE = `file:${place}/switch`; // for the command

const killSwitch = await createKillSwitch({
  store: fileStore({ directory: `${place}/switch`, anchor: `${place}/anchor.json` }),
  executor: { name: 'contracts' },
  agentId: 'contracts-bot',
});
const flags = OpenFeature.getClient('kill-switch');
const sign = killSwitch.action({
  name: 'contracts.sign',
  feature: 'e-signature',
  irreversible: true,
  execute: async (/** @type {string} */ contract) => console.log(`  signed ${contract}`),
});

/** What an operator would type in another terminal. The service hears of it within milliseconds.
 * @param {string} words */
async function operator(words) {
  const { stdout, stderr } = await promisify(exec)(`npx kill-switch ${words}`).catch((error) => error);
  console.log(`\n$ npx kill-switch ${words}\n${(stdout || stderr).trim().split('\n\n')[0]}`);
  const epoch = Number(/at epoch (\d+)/.exec(stdout)?.[1] ?? 0);
  while (killSwitch.check().epoch < epoch) await sleep(10);
}

/** There is a contract of each account to be signed. */
async function contracts() {
  for (const account_id of ['acme', 'globex', 'initech']) {
    const stage = await flags.getStringValue('kill-switch.feature.e-signature', 'dark', { account_id }); // for its page
    const context = { account_id };
    const outcome = await killSwitch.run({ context }, () => sign.attempt(`the contract of ${account_id}`));
    console.log(`${account_id} (${stage}): ${outcome.status}`);
  }
}

await operator('init');
await operator('mode live --reason "launch"');
await contracts(); // nobody has opted in

await operator('feature e-signature live --accounts acme,globex --reason "both have signed the addendum"');
await contracts();

await operator('feature e-signature live --accounts acme'); // globex opts out, which takes no reason
await contracts();

await operator('log');
await killSwitch.close();
