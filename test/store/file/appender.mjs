// An operator's process for the tests that kill one: appends kills as fast as it can and prints each target once it is
// acknowledged. node appender.mjs DIRECTORY|URL NAME [COUNT]
import { nextChange } from '#flags';
import { fileControlStore } from 'openfeature-kill-switch/store/file/control';
import { redisControlStore } from 'openfeature-kill-switch/store/redis/control';

const [where = '', name, count = '1000000'] = process.argv.slice(2);
const store = where.startsWith('redis:') ? redisControlStore({ url: where }) : fileControlStore({ directory: where });
const control = store.open({ organizationId: 'default', requestTimeoutMs: 10_000 });

/** @param {string} target */
async function append(target) {
  const view = await control.read(['control', `kill:${target}`]);
  const { head: expected, time } = view;
  if (!expected) throw new Error('There is no control plane.');
  const data = { id: target, target, mode: 'full_stop', expires_at: null };
  const change = nextChange(view, { type: 'kill', data, at: time, actor: 'unverified:appender' });
  return control.append({ ...change, expected });
}

for (let number = 0; number < Number(count); number += 1) {
  const target = `run:${name}.${number}`;
  while (!(await append(target)));
  process.stdout.write(`${target}\n`);
}
await control.close();
