// @ts-check
// A SQL agent has changed what it should not have. A code freeze leaves it read-only, then its night is rolled back.
import { exec } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createKillSwitch } from 'openfeature-kill-switch';
import { fileStore } from 'openfeature-kill-switch/store/file';

const place = mkdtempSync(join(tmpdir(), 'sql-agent-'));
process.on('exit', () => rmSync(place, { recursive: true }));
process.env.KILL_SWITCH_STORE = `file:${place}/switch`; // for the command

/** What an operator would type in another terminal. Prints how the answer begins.
 * @param {string} words */
async function operator(words) {
  const { stdout, stderr } = await promisify(exec)(`npx kill-switch ${words}`).catch((error) => error);
  console.log(`\n$ npx kill-switch ${words}\n${(stdout || stderr).trim().split('\n\n')[0]}`);
}

await operator('init');
await operator('mode live --reason "launch"');
const killSwitch = await createKillSwitch({
  store: fileStore({ directory: `${place}/switch`, anchor: `${place}/anchor.json` }),
  executor: { name: 'sql-agent' },
  agentId: 'sql-agent',
});

/** The database: what each product costs. */
const prices = new Map([
  ['lamp', 40],
  ['chair', 120],
]);
const select = killSwitch.action({
  name: 'db.select',
  effect: 'read',
  execute: async () => JSON.stringify(Object.fromEntries(prices)),
});
const update = killSwitch.action({
  name: 'db.update',
  execute: async (/** @type {{ product: string, price: number }} */ { product, price }) => {
    const before = prices.get(product) ?? null;
    prices.set(product, price);
    return { product, before };
  },
  reverse: { action: 'db.restore', input: (done) => done },
});
killSwitch.action({
  name: 'db.restore',
  idempotent: true,
  execute: async (/** @type {{ product: string, before: number | null }} */ { product, before }) => {
    if (before === null) prices.delete(product);
    else prices.set(product, before);
  },
});
const mail = killSwitch.action({
  name: 'mail.newsletter',
  irreversible: true,
  execute: async (/** @type {string} */ text) => console.log(`mail to everybody: ${text}`),
});

console.log(`\nbefore: ${await select()}`);
await killSwitch.run({ runId: 'night-42' }, async () => {
  await update({ product: 'lamp', price: 4 });
  await update({ product: 'sofa', price: 1 });
  await mail('Lamps for 4 dollars!');
  await update({ product: 'lamp', price: 2 });
});
console.log(`after:  ${await select()}`);

await operator('restrict agent:sql-agent read_only --reason "code freeze" --wait 5s');
console.log(`\nreads go on:   ${await select()}`);
const { decision } = await update.attempt({ product: 'chair', price: 1 });
console.log(`writes do not: ${decision.message}\nthe model hears: ${decision.modelMessage}`);

await operator('rollback night-42 --dry-run');
await operator('rollback night-42 --reason "prices were for the test shop"');
console.log(`\nnow:    ${JSON.stringify(Object.fromEntries(prices))}`);
await operator('runs night-42');
await operator('log');
await killSwitch.close();
