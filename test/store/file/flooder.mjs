// Fills a folder with that many files, and prints a line when it has; with a pace, in milliseconds, it goes on making
// and removing one until it is ended. node flooder.mjs FOLDER BEGINNING COUNT PACE
import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const [folder = '', beginning = '', count = '0', pace = '0'] = process.argv.slice(2);
const run = process.pid.toString(36);
/** @param {string | number} n */
const path = (n) => join(folder, `${beginning}${run}-${n}.json`);
for (let n = 0; n < Number(count); n += 1) closeSync(openSync(path(n), 'w'));
process.stdout.write('filled\n');
if (Number(pace) > 0)
  setInterval(() => {
    closeSync(openSync(path('x'), 'w'));
    rmSync(path('x'));
  }, Number(pace));
