// An operator's process for the tests that measure how much memory reading takes: prints the texts that it got, and the
// most memory that it used. node newest.mjs DIRECTORY interventions|proposals|seen
import { fileControlStore } from 'openfeature-kill-switch/store/file/control';

const [directory = '', kind = ''] = process.argv.slice(2);
const control = fileControlStore({ directory }).open({ organizationId: 'default', requestTimeoutMs: 10_000 });
const { texts, problems } = await /** @type {any} */ (control.shelf)[kind](1000);
await control.close();
process.stdout.write(
  JSON.stringify({
    texts: [...problems, ...texts.map((/** @type {{ text: string }} */ { text }) => text)],
    peakMb: process.resourceUsage().maxRSS / 1024,
  }),
);
