// An executor's process for the tests of the ledger. It prints `ready`, waits for a line, and spends as it is told.
// node spender.mjs STORE NAME race AMOUNT LIMIT: reserves until there is no room, and prints how often there was.
// node spender.mjs STORE NAME hold AMOUNT LIMIT: reserves once, prints `held`, and waits to be killed.
// node spender.mjs STORE NAME churn AMOUNT LIMIT: reserves, settles and releases by turns; prints each id that it has
// settled, after it has.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileStore } from 'openfeature-kill-switch/store/file';
import { redisStore } from 'openfeature-kill-switch/store/redis';

const [url = '', name = '', how = '', amount = '', limit = ''] = process.argv.slice(2);
const store = url.startsWith('file:') ? fileStore({ directory: url.slice(5) }) : redisStore({ url });
const connection = store.open({
  organizationId: 'default',
  executorName: name,
  executorId: randomUUID(),
  requestTimeoutMs: 30_000,
});
const { ledger } = connection;
if (!ledger) throw new Error('This driver has no ledger.');

/**
 * @param {string} account
 * @returns {import('#flags').Charge}
 */
const charge = (account) => ({
  ...{ account, type: 'usd', amount: Number(amount), limit: Number(limit), warnAt: null },
  window: { is: 'total', idleMs: null },
});
/** @param {string} id */
const reserve = (id) => ledger.reserve({ id, charges: [charge('shared'), charge('beside'), charge(name)] });

await ledger.reserve({ id: randomUUID(), charges: [] }); // connected
process.stdout.write('ready\n');
await once(process.stdin, 'data');
if (how === 'race') {
  let passed = 0;
  const one = async () => {
    while ((await reserve(randomUUID())).is === 'reserved') passed += 1;
  };
  await Promise.all([one(), one(), one()]);
  process.stdout.write(`${passed}\n`);
} else if (how === 'hold') {
  const { is } = await reserve('held');
  process.stdout.write(`${is === 'reserved' ? 'held' : is}\n`);
  await new Promise((resolve) => {
    setInterval(resolve, 2 ** 30);
  });
} else {
  for (let number = 0; number < 1_000_000; number += 1) {
    const id = `${name}.${number}`;
    if ((await reserve(id)).is !== 'reserved') break;
    if (number % 3 === 2) await ledger.release(id);
    else {
      await ledger.settle(id, { usd: 1 });
      process.stdout.write(`${id}\n`);
    }
  }
}
process.stdin.destroy();
await connection.close();
