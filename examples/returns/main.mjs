// @ts-check
// A returns bot: a person approves each refund, and no refund is over 200.00, whoever would approve it.
import { exec } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createKillSwitch } from 'openfeature-kill-switch';
import { fileStore } from 'openfeature-kill-switch/store/file';

const place = mkdtempSync(join(tmpdir(), 'returns-'));
process.on('exit', () => rmSync(place, { recursive: true }));
process.env.KILL_SWITCH_STORE = `file:${place}/switch`; // for the command

const killSwitch = await createKillSwitch({
  store: fileStore({ directory: `${place}/switch`, anchor: `${place}/anchor.json` }),
  executor: { name: 'returns-service' },
  agentId: 'returns-bot',
});
const refund = killSwitch.action({
  name: 'payments.refund',
  limits: { 'refund.max': { max: '200.00', of: ({ usd }) => usd } },
  describe: ({ order, usd }) => `Refund ${usd} USD for order ${order}`,
  execute: async (/** @type {{ order: number, usd: string }} */ { order, usd }) =>
    console.log(`paid back ${usd} USD for order ${order}`),
});

/** What somebody would type in another terminal. The bot hears of it within milliseconds.
 * @param {string} name
 * @param {string} words */
async function person(name, words) {
  const command = `npx kill-switch --operator ${name} ${words}`;
  const { stdout, stderr } = await promisify(exec)(command).catch((error) => error);
  console.log(`\n$ ${command}\n${(stdout || stderr).trim().split('\n\n')[0]}`);
  const epoch = Number(/at epoch (\d+)/.exec(stdout)?.[1] ?? 0);
  while (killSwitch.check().epoch < epoch) await sleep(10);
}

/** What the bot does.
 * @param {{ order: number, usd: string }} input
 * @param {string} [approvalId] what it was told when it asked before */
async function bot(input, approvalId) {
  console.log(`\nThe bot wants to pay back ${input.usd} USD for order ${input.order}.`);
  const outcome = await refund.attempt(input, { approvalId });
  console.log(outcome.status === 'executed' ? 'executed' : outcome.decision.message);
  return outcome.status === 'held' ? outcome.approvalId : undefined;
}

await person('dana', 'init');
await person('dana', 'mode approval_gated --reason "a person looks at every refund"');

const asked = await bot({ order: 1007, usd: '200.00' });
await person('returns-bot', `approve ${asked}`); // the bot itself: refused
await person('ben', `approve ${asked}`);
await bot({ order: 1007, usd: '150.00' }, asked); // other arguments than those that were approved
await bot({ order: 1007, usd: '200.00' }, asked);
await bot({ order: 1007, usd: '200.00' }, asked); // once, not twice

await person('ben', 'approval allow payments.refund --agent returns-bot --times 20 --until 8h');
await bot({ order: 1008, usd: '200.01' }); // approved in advance, and still over the cap
await bot({ order: 1008, usd: '20.00' });

await person('dana', 'log');
await killSwitch.close();
