// `npm test`: every gate, then every test, also when a gate fails. The closing line counts both.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { checkAll } from './check.mjs';
import { root } from './prepare.mjs';

const { passed, failed } = await checkAll([]);
const { status } = spawnSync(
  process.execPath,
  [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...process.argv.slice(2)],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, GATES_PASSED: String(passed), GATES_FAILED: String(failed) },
  },
);
process.exitCode = failed > 0 ? 1 : (status ?? 1);
