// A process with one action that people have to approve, for the tests that need several: does what the lines on stdin
// say, all at once, and answers each with a line [ID, OUTCOME]. A line is [ID, INPUT, OPTIONS].
// node held-worker.mjs STORE NAME FILE DIES LEASE_MS ORGANIZATION; OPTIONS may name the run as runId
// What is executed is a line in FILE. DIES: when it kills itself, 'afterClaim' or 'afterIntent'.
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { createKillSwitch } from 'openfeature-kill-switch';
import { fileStore } from 'openfeature-kill-switch/store/file';
import { redisStore } from 'openfeature-kill-switch/store/redis';

const [url = '', name = '', file = '', dies = '', leaseMs = '', organizationId = 'default'] = process.argv.slice(2);
const store = url.startsWith('file:') ? fileStore({ directory: url.slice(5) }) : redisStore({ url });
const die = () => process.kill(process.pid, 'SIGKILL');

/** The same store, in which this process dies at one place. @type {typeof store} */
const mortal = {
  ...store,
  open(scope) {
    const connection = store.open(scope);
    const { approvals, journal } = connection;
    if (!approvals || !journal) throw new Error('this store has neither approvals nor a journal');
    const { claim } = approvals;
    const { intend } = journal;
    if (dies === 'afterClaim') approvals.claim = (...given) => claim.apply(approvals, given).finally(die);
    if (dies === 'afterIntent') journal.intend = (...given) => intend.apply(journal, given).finally(die);
    return connection;
  },
};

const killSwitch = await createKillSwitch({
  ...{ store: mortal, agentId: 'returns-bot', executor: { name }, leaseMs: Number(leaseMs), organizationId },
});
const refund = killSwitch.action({
  name: 'payments.refund',
  reverse: { action: 'payments.cancel', input: () => null },
  describe: (/** @type {{ cents: number }} */ { cents }) => `Refund ${cents}`,
  execute(/** @type {{ cents: number }} */ input) {
    appendFileSync(file, `${JSON.stringify(input)}\n`);
    return `refunded ${input.cents}`;
  },
});

process.stdout.write('"ready"\n');
const open = new Set();
for await (const line of createInterface({ input: process.stdin })) {
  const [id, input, { runId = 'run-7', ...options }] = JSON.parse(line);
  const ending = killSwitch
    .run({ runId }, () => refund.attempt(input, options))
    .then((outcome) => process.stdout.write(`${JSON.stringify([id, outcome])}\n`))
    .finally(() => open.delete(ending));
  open.add(ending);
}
await Promise.all(open);
await killSwitch.close();
