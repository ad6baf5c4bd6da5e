// An executor's process for the tests that start one as another user: starts, prints what it then decides, and ends.
// node starter.mjs DIRECTORY NAME; prints { code, message } of the fault, or { code: "ready" }
import { createKillSwitch } from 'openfeature-kill-switch';
import { fileStore } from 'openfeature-kill-switch/store/file';

const [directory = '', name = ''] = process.argv.slice(2);
const killSwitch = await createKillSwitch({ store: fileStore({ directory }), agentId: 'bot', executor: { name } });
const { cause } = killSwitch.check();
const { code = 'ready', message = '' } = cause?.kind === 'fault' ? cause : {};
await killSwitch.close();
process.stdout.write(JSON.stringify({ code, message }));
