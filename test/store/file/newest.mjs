// An operator's process for the tests that measure how much memory reading takes: prints the texts that it got, and the
// most memory that it used. node newest.mjs DIRECTORY interventions|proposals
import { fileControlStore } from 'openfeature-kill-switch/store/file/control';

const [directory = '', kind = ''] = process.argv.slice(2);
const control = fileControlStore({ directory }).open({ organizationId: 'default', requestTimeoutMs: 10_000 });
const { texts, problems } = await (kind === 'proposals'
  ? control.shelf.proposals(1000)
  : control.shelf.interventions(1000));
await control.close();
process.stdout.write(
  JSON.stringify({
    texts: [...problems, ...texts.map(({ text }) => text)],
    peakMb: process.resourceUsage().maxRSS / 1024,
  }),
);
