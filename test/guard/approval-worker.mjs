// An executor's process for the tests that need several: does what the lines on stdin say, one after the other, and
// answers each with a line. node approval-worker.mjs STORE NAME; a line is ["ask", INPUT], ["decided", ID, INPUT],
// ["use", ID, INPUT, TOKEN] ["standing", INPUT, TOKEN], or ["hear"].
import { createInterface } from 'node:readline';
import { fileStore } from 'openfeature-kill-switch/store/file';
import { redisStore } from 'openfeature-kill-switch/store/redis';

/** What is built, and not one of the package's entry points. @param {string} file @returns {Promise<any>} */
const built = (file) => import(new URL(`../../dist/${file}`, import.meta.url).href);
const { Approving } = await built('guard/approvals.js');
const { readPlain } = await built('guard/plain-data.js');
const { connectExecutor } = await built('store/connect-executor.js');

const [url = '', executorName = ''] = process.argv.slice(2);
const store = url.startsWith('file:') ? fileStore({ directory: url.slice(5) }) : redisStore({ url });
const connected = connectExecutor({ store, organizationId: 'default', leaseMs: 2000, executorName });
const { replica, approvals } = connected;
await replica.start();
if (!approvals) throw new Error('this store has no approvals');
const approving = new Approving({ replica, approvals, executorName, confirmMs: 1000 });

/** @param {unknown} input */
const held = (input) => {
  const plain = readPlain('payments.refund', input);
  const subject = { action: 'payments.refund', agentId: 'returns-bot', runId: 'run-7', surface: 'tool' };
  return { input: plain, inputHash: plain.hash, limits: [], subject };
};
const asking = {
  description: 'Refund',
  approvals: 1,
  expiresMs: 60_000,
  escalateMs: null,
  costUsd: null,
  reversible: false,
};
/**
 * Waits until people have decided.
 * @param {string} id
 * @param {ReturnType<typeof held>} call
 * @returns {Promise<unknown>}
 */
const decided = async (id, call) => {
  const looked = await approving.look(id, call);
  if (looked.is !== 'pending') return looked;
  await new Promise((resolve) => {
    const stop = replica.on(() => {
      stop();
      resolve(undefined);
    });
  });
  return decided(id, call);
};
/** @type {Record<string, (...given: any[]) => Promise<unknown>>} */
const does = {
  hear: () => replica.confirmNow(2000),
  ask: (input) => approving.open(held(input), asking),
  decided: (id, input) => decided(id, held(input)),
  use: (id, input, token) => approving.use(id, held(input), token),
  standing: (input, token) => approving.useStanding(held(input), token),
};

process.stdout.write('"ready"\n');
for await (const line of createInterface({ input: process.stdin })) {
  const [what, ...given] = JSON.parse(line);
  process.stdout.write(`${JSON.stringify((await does[what]?.(...given)) ?? null)}\n`);
}
await replica.close();
