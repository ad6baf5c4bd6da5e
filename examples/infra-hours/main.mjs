// @ts-check
// No infrastructure after 18:00. Whenever this runs, it is noon in one of its two regions and 22:00 in the other.
import { exec } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createKillSwitch } from 'openfeature-kill-switch';
import { fileStore } from 'openfeature-kill-switch/store/file';

const place = mkdtempSync(join(tmpdir(), 'infra-hours-'));
process.on('exit', () => rmSync(place, { recursive: true }));
process.env.KILL_SWITCH_STORE = `file:${place}/switch`; // for the command

const killSwitch = await createKillSwitch({
  store: fileStore({ directory: `${place}/switch`, anchor: `${place}/anchor.json` }),
  executor: { name: 'deployer' },
  agentId: 'deployer',
});
const apply = killSwitch.action({
  name: 'infra.apply',
  execute: async (/** @type {{ region: string }} */ { region }) => console.log(`  three servers more in ${region}`),
});
const report = killSwitch.action({
  name: 'report.send',
  execute: async (/** @type {{ region: string }} */ { region }) => console.log(`  a report on ${region}`),
});

/** What an operator would type in another terminal. The deployer hears of it within milliseconds.
 * @param {string} words */
async function operator(words) {
  const { stdout, stderr } = await promisify(exec)(`npx kill-switch ${words}`).catch((error) => error);
  console.log(`\n$ npx kill-switch ${words}\n${(stdout || stderr).trim().split('\n\n')[0]}`);
  const epoch = Number(/at epoch (\d+)/.exec(stdout)?.[1] ?? 0);
  while (killSwitch.check().epoch < epoch) await sleep(10);
}

/** A time zone in which it is this hour now: `+05:00`. You would write `Europe/Berlin`.
 * @param {number} hour */
function zoneAt(hour) {
  const ahead = ((hour - new Date().getUTCHours() + 35) % 24) - 11; // -11 to +12
  return `${ahead < 0 ? '-' : '+'}${String(Math.abs(ahead)).padStart(2, '0')}:00`;
}

await operator('init');
await operator('mode live --reason "launch"');
for (const [region, hour] of /** @type {const} */ ([
  ['west', 12],
  ['east', 22],
])) {
  const when = `'{"===":[{"var":"region"},"${region}"]}'`;
  const window = `"Mon-Sun 18:00-08:00 ${zoneAt(hour)}"`;
  await operator(`rule add no-infra-${region} "action:infra.*" full_stop --window ${window} --when ${when}`);
}

for (const region of ['west', 'east']) {
  console.log(`\nThe deployer works in ${region}.`);
  await killSwitch.run({ context: { region } }, async () => {
    const { decision } = await apply.attempt({ region });
    console.log(`  ${decision.message}`);
    await report({ region }); // other work goes on at all hours
  });
}

// A pipeline asks the same, and goes by the exit code.
await operator(`check --agent deployer --action infra.apply --context '{"region":"east"}'`);
await operator('rules');
await operator('log');
await killSwitch.close();
