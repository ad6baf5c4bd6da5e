// `npm start` and `npm run demo`: installs and builds what is missing, then runs the tour with the given arguments.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { build, ensureInstalled, root, showFailuresPlainly } from './prepare.mjs';

showFailuresPlainly();
ensureInstalled();
build();
const tour = spawn(process.execPath, [join(root, 'dist/examples/tour/main.js'), ...process.argv.slice(2)], {
  stdio: 'inherit',
});
// The terminal sends Ctrl+C to the whole group: the tour cleans up and its end decides ours.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => tour.kill('SIGTERM'));
tour.on('exit', (code, signal) => {
  process.exitCode = signal ? 1 : (code ?? 1);
});
