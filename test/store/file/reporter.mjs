// An executor's process for the tests that run one as another user: does the given steps, one after the other, and
// prints what came of each as JSON. node reporter.mjs DIRECTORY NAME UMASK STEPS; a step is ["confirm", HELD, FORK] or
// ["put" | "appendInterventions" | "appendProposals" | "appendSeen" | "get", …]
import { fileStore } from 'openfeature-kill-switch/store/file';

const [directory = '', name = '', umask = '022', steps = ''] = process.argv.slice(2);
process.umask(Number.parseInt(umask, 8));
const scope = { organizationId: 'default', executorId: name, executorName: name, requestTimeoutMs: 10_000 };
const executor = fileStore({ directory, anchor: '/nowhere' }).open(scope);
const now = new Date().toISOString();
const beat = {
  ...{ id: name, name, host: 'here', pid: process.pid, version: '0.0.0', started_at: now, at: now, lease_ms: 5000 },
  ...{ in_flight: 0, draining: 0, agents: [], runs: [] },
};

/** @type {unknown[]} */
const answers = [];
for (const [what, ...given] of JSON.parse(steps)) {
  try {
    if (what === 'confirm')
      answers.push(await executor.confirm({ ...beat, applied: given[0], fork: given[1] ?? null }, 'n'));
    else answers.push((await /** @type {any} */ (executor.shelf)[what](...given)) ?? null);
  } catch (error) {
    const { code, message } = /** @type {Error & { code?: string }} */ (error);
    answers.push({ code, message });
  }
}
await executor.close();
process.stdout.write(JSON.stringify(answers));
