// @ts-check
// An ad autopilot that recommends, until it has shown that it does what the marketer does. Then it is handed the keys.
import { exec } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createKillSwitch } from 'openfeature-kill-switch';
import { fileStore } from 'openfeature-kill-switch/store/file';

const place = mkdtempSync(join(tmpdir(), 'ad-autopilot-'));
process.on('exit', () => rmSync(place, { recursive: true }));
process.env.KILL_SWITCH_STORE = `file:${place}/switch`; // for the command

const killSwitch = await createKillSwitch({
  store: fileStore({ directory: `${place}/switch`, anchor: `${place}/anchor.json` }),
  executor: { name: 'ads' },
  agentId: 'ad-autopilot',
});

let budget = 100; // dollars a day, at the ad network
const setBudget = killSwitch.action({
  name: 'ads.set_budget',
  feature: 'ads.autopilot',
  execute: async (/** @type {number} */ usd) => (budget = usd),
  draft: (usd) => `${budget} → ${usd} dollars a day`,
});

/** What the marketer would type in another terminal. The autopilot hears of it within milliseconds.
 * @param {string} words */
async function marketer(words) {
  const { stdout, stderr } = await promisify(exec)(`npx kill-switch ${words}`).catch((error) => error);
  console.log(`\n$ npx kill-switch ${words}\n${(stdout || stderr).trim().split('\n\n')[0]}`);
  const epoch = Number(/at epoch (\d+)/.exec(stdout)?.[1] ?? 0);
  while (killSwitch.check().epoch < epoch) await sleep(10);
}

/** A night's work of the autopilot, and what the marketer sets in the morning.
 * @param {string} runId
 * @param {number} wanted
 * @param {number} [marketers] */
async function night(runId, wanted, marketers) {
  const outcome = await killSwitch.run({ runId }, () => setBudget.attempt(wanted));
  const did = outcome.status === 'drafted' ? `recommends ${outcome.draft}` : outcome.status;
  console.log(`${runId}: ${did}; the budget is ${budget}`);
  if (marketers === undefined) return;
  budget = marketers;
  const told = { feature: 'ads.autopilot', action: 'ads.set_budget', runId };
  await killSwitch.recordOutcome({ ...told, agreed: marketers === wanted });
}

await marketer('init');
await marketer('mode live --reason "launch"');
await marketer('feature ads.autopilot --require-runs 4 --require-agreement 75%');
await marketer('feature ads.autopilot shadow --reason "let it recommend"');
await night('monday', 120, 120);
await night('tuesday', 900, 125); // it is wrong
await night('wednesday', 130, 130);

await marketer('feature ads.autopilot live --reason "it looks good"'); // refused
await night('thursday', 140, 140);
await marketer('feature ads.autopilot --evidence');
await marketer('feature ads.autopilot live --reason "three nights of four"');
await night('friday', 150);

await marketer('feature ads.autopilot shadow'); // the keys back: one step, no reason
await night('saturday', 5000);
await marketer('log');
await killSwitch.close();
