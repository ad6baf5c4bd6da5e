// @ts-check
// A research loop, in which no single call is wrong and nobody looks. Its budget stops it at 50 dollars, not at 47,000.
import { exec } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createKillSwitch } from 'openfeature-kill-switch';
import { fileStore } from 'openfeature-kill-switch/store/file';

const place = mkdtempSync(join(tmpdir(), 'research-loop-'));
process.on('exit', () => rmSync(place, { recursive: true }));
process.env.KILL_SWITCH_STORE = `file:${place}/switch`; // for the command

const killSwitch = await createKillSwitch({
  store: fileStore({ directory: `${place}/switch`, anchor: `${place}/anchor.json` }),
  executor: { name: 'research' },
  agentId: 'researcher',
});
const ask = killSwitch.action({
  name: 'model.ask',
  effect: 'read',
  spend: { usd: { reserve: () => 0.5, settle: ({ usd }) => usd } },
  execute: async (/** @type {string} */ question) => ({ answer: `It depends on more than ${question}.`, usd: 0.37 }),
});

/** What an operator would type in another terminal. The loop hears of it within milliseconds.
 * @param {string} words */
async function operator(words) {
  const { stdout, stderr } = await promisify(exec)(`npx kill-switch ${words}`).catch((error) => error);
  console.log(`\n$ npx kill-switch ${words}\n${(stdout || stderr).trim().split('\n\n')[0]}`);
  const epoch = Number(/at epoch (\d+)/.exec(stdout)?.[1] ?? 0);
  while (killSwitch.check().epoch < epoch) await sleep(10);
}

/** Asks as long as there is something left to ask: for 47,000 dollars.
 * @param {string} runId
 * @param {(count: number) => string} question
 * @param {number} [most] */
async function research(runId, question, most = 127_000) {
  let [calls, usd] = [0, 0];
  await killSwitch.run({ runId }, async () => {
    while (calls < most) {
      const outcome = await ask.attempt(question(calls));
      if (outcome.status !== 'executed') {
        console.log(
          `${outcome.status}: ${outcome.decision.message}\nThe model hears: ${outcome.decision.modelMessage}`,
        );
        break;
      }
      calls += 1;
      usd += outcome.result.usd;
    }
  });
  console.log(`${runId} has asked ${calls} times, for ${usd.toFixed(2)} dollars.`);
}

await operator('init');
await operator('mode live --reason "launch"');
await operator('budget run --usd 50');

console.log('\nThe loop runs over the weekend.');
await research('research-7', (count) => `source ${count}`);
await operator('budgets');
await operator('revive run:research-7 --reason "the last answers are worth it"'); // only a person lifts it
await research('research-7', (count) => `the last source, ${count}`, 2);

console.log('\nAnother one asks the same again and again, which a tripwire ends that is there by default.');
await research('research-8', () => 'the same source');
await operator('log');
await killSwitch.close();
