// `npm run picture`: runs the tour in a pseudo-terminal, and draws docs/tour.svg of what it prints.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hurried, readRecording, record } from './picture/recording.mjs';
import { picture } from './picture/svg.mjs';
import { build, ensureInstalled, root, showFailuresPlainly, StepFailed } from './prepare.mjs';

/** What README.md has room for. */
const COLUMNS = 100;
const ROWS = 22;
/** Where the tour waits longer, there is nothing to see. */
const LONGEST_PAUSE_MS = 900;

showFailuresPlainly();
ensureInstalled();
build();
const { code, pieces } = await record(`${process.execPath} dist/examples/tour/main.js`, COLUMNS);
if (code !== 0) throw new StepFailed(`The tour ended with code ${code}; the picture is as it was.`);
const title = 'The tour: two agents work, and are paused, stopped and let go on by one switch';
const svg = picture(hurried(readRecording(pieces), LONGEST_PAUSE_MS), { columns: COLUMNS, rows: ROWS, title });
writeFileSync(join(root, 'docs/tour.svg'), svg);
console.log(`docs/tour.svg: ${Math.round(svg.length / 1000)} kB`);
