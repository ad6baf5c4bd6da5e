// An operator's process for the tests that kill one: appends kills as fast as it can and prints each target once it is acknowledged.
// node appender.mjs DIRECTORY NAME [COUNT]
import { fileControlStore } from '../../../dist/store/file/control.js';
import { plan } from '../../../dist/testing/store/session.js';

const [directory, name, count = '1000000'] = process.argv.slice(2);
const control = fileControlStore({ directory }).open({ organizationId: 'default', requestTimeoutMs: 10_000 });
for (let number = 0; number < Number(count); number += 1) {
  const target = `run:${name}.${number}`;
  for (;;) {
    const planned = await plan(control, 'kill', { id: target, target, mode: 'full_stop', expires_at: null });
    if (await control.append(planned)) break;
  }
  process.stdout.write(`${target}\n`);
}
await control.close();
