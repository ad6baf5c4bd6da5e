// @ts-check
// A notifier that writes "Hi null" to whoever has given no name. In test mode its owner reads that, and no customer.
import { exec } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createKillSwitch } from 'openfeature-kill-switch';
import { fileStore } from 'openfeature-kill-switch/store/file';

const place = mkdtempSync(join(tmpdir(), 'notifier-'));
process.on('exit', () => rmSync(place, { recursive: true }));
process.env.KILL_SWITCH_STORE = `file:${place}/switch`; // for the command

/** What the owner would type in another terminal.
 * @param {string} words */
async function owner(words) {
  const { stdout, stderr } = await promisify(exec)(`npx kill-switch ${words}`).catch((error) => error);
  console.log(`\n$ npx kill-switch ${words}\n${(stdout || stderr).trim().split('\n\n')[0]}`);
}

/** @typedef {{ name: string | null, address: string }} Customer */
/** @type {Customer[]} */
const CUSTOMERS = [
  { name: 'Ann', address: 'ann@customers.example' },
  { name: null, address: 'bob@customers.example' },
];

/** One release of the notifier: a process that writes to every customer.
 * @param {(customer: Customer) => string} greeting */
async function release(greeting) {
  const store = fileStore({ directory: `${place}/switch`, anchor: `${place}/anchor.json` });
  const killSwitch = await createKillSwitch({ store, executor: { name: 'notifier' }, agentId: 'notifier' });
  const send = killSwitch.action({
    name: 'email.send',
    execute: async (/** @type {{ to: string, text: string }} */ mail) =>
      console.log(`mail to ${mail.to}: ${mail.text}`),
    redirect: (mail) => ({ to: 'owner@shop.example', text: `(for ${mail.to}) ${mail.text}` }),
  });
  for (const customer of CUSTOMERS) {
    const outcome = await send.attempt({ to: customer.address, text: `${greeting(customer)}, your parcel has left.` });
    console.log(`  ${outcome.status}`);
  }
  await killSwitch.close();
}

await owner('init');
await owner('mode test_mode --reason "a rehearsal with the real customers"');
await release(({ name }) => `Hi ${name}`);
console.log('\nThe owner reads "Hi null", and has it mended. No customer has seen it.');

await owner('mode live --reason "I have read every mail"');
await release(({ name }) => `Hi ${name ?? 'there'}`);
await owner('log');
