// An executor's process for the tests that run one as another user: confirms once, reports a fork, keeps one of each report, and ends with 1 where the store refuses that.
// node reporter.mjs DIRECTORY NAME HELD
import { fileStore } from 'openfeature-kill-switch/store/file';

const [directory = '', name = '', text = ''] = process.argv.slice(2);
process.umask(0o022);
const held = JSON.parse(text);
const scope = { organizationId: 'default', executorId: name, executorName: name, requestTimeoutMs: 10_000 };
const executor = fileStore({ directory }).open(scope);
const now = new Date().toISOString();
await executor.confirm({
  ...{ id: name, name, host: 'here', pid: process.pid, version: '0.0.0', started_at: now, at: now, lease_ms: 5000 },
  ...{ applied: held, in_flight: 0, draining: 0, agents: [], runs: [] },
  fork: { against: held.generation, held: { ...held, hash: 'f'.repeat(64) } },
});
await executor.shelf.put('surfaces', name, '[]');
await executor.shelf.put('checkpoints', `run-of-${name}`, '{}');
await executor.shelf.appendInterventions([JSON.stringify({ at: now })]);
await executor.shelf.appendProposals([JSON.stringify({ at: now })]);
await executor.close();
