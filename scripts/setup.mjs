// `npm run pretest`: everything that the tests need, with one line for each thing that takes time.
import { ensureBindfs } from '../test/servers/ensure-bindfs.mjs';
import { ensureFlagd } from '../test/servers/ensure-flagd.mjs';
import { ensureRedis } from '../test/servers/ensure-redis.mjs';
import { ensureShells } from '../test/servers/ensure-shells.mjs';
import { build, ensureInstalled, showFailuresPlainly } from './prepare.mjs';

showFailuresPlainly();
ensureInstalled();
build();
console.log(`redis-server: ${ensureRedis() ?? 'none'}`);
console.log(`bindfs: ${ensureBindfs() ?? 'none'}`);
console.log(
  `shells: ${Object.values(ensureShells())
    .filter((path) => path !== '')
    .join(' ')}`,
);
console.log(`flagd: ${(await ensureFlagd()) ?? 'none'}`);
