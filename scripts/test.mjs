// `npm test`: every gate, then every test, also when a gate fails. `npm run test:quick`: what needs no server and no
// build. The closing line counts gates, tests, and whether something was left in the temporary folder.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ownTmpdir } from './own-tmpdir.mjs';
import { ensureInstalled, root, showFailuresPlainly } from './prepare.mjs';

const QUICK = '--quick';
const QUICK_GATES = ['format', 'lint', 'types', 'imports'];
/** Those that share a process; `npm run unit` has the others too, which takes twice as long. */
const QUICK_SUITES = ['--project', 'pure'];

const args = process.argv.slice(2);
const isQuick = args.includes(QUICK);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
showFailuresPlainly();
ensureInstalled();
const folder = ownTmpdir();
const { checkAll } = await import('./check.mjs'); // it needs what is installed
const { passed, failed } = await checkAll(isQuick ? QUICK_GATES : []);
const { status } = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    ...(isQuick ? QUICK_SUITES : []),
    ...args.filter((arg) => arg !== QUICK),
  ],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, GATES_PASSED: String(passed), GATES_FAILED: String(failed), OWN_TMPDIR: folder },
  },
);
process.exitCode = failed > 0 ? 1 : (status ?? 1);
