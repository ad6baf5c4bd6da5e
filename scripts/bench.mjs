// `npm run bench`: compiles bench/ with the code it measures and runs it with the given arguments, on real servers.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ensureFlagd } from '../test/servers/ensure-flagd.mjs';
import { ensureRedis } from '../test/servers/ensure-redis.mjs';
import { ensureInstalled, root, showFailuresPlainly } from './prepare.mjs';

console.log = console.error; // the result alone goes to stdout
showFailuresPlainly();
ensureInstalled();
const env = {
  ...process.env,
  REDIS_SERVER_BIN: ensureRedis() ?? '',
  FLAGD_BIN: (await ensureFlagd()) ?? '',
  XDG_STATE_HOME: join(root, '.bench/state'), // executors keep nothing of it in the home
};

/** @param {readonly string[]} args */
const node = (...args) => spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit', env }).status ?? 1;

process.exitCode =
  node('node_modules/typescript/bin/tsc', '--build', 'tsconfig.bench.json') ||
  node('--expose-gc', join(root, '.bench/bench/main.js'), ...process.argv.slice(2));
