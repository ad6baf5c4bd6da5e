// Archives the log of a store, and dies (SIGKILL) at a step of it. node archive-worker.mjs
// '{"directory":"…","file":"…","death":"recorded"}', or with {"url":"redis://…"}
import { openControlPlane } from 'openfeature-kill-switch/operator';
import { fileControlStore } from 'openfeature-kill-switch/store/file/control';
import { redisControlStore } from 'openfeature-kill-switch/store/redis/control';
import { Redis } from 'ioredis';

const { directory, url, file, death } = JSON.parse(process.argv[2] ?? '');

/** @param {string} step */
const at = (step) => {
  if (step === death) process.kill(process.pid, 'SIGKILL');
};

/** @type {ReturnType<typeof fileControlStore>} */
const store = url ? redisControlStore({ url }) : fileControlStore({ directory });

// A state is kept in Redis in several portions.
const { call } = Redis.prototype;
Object.assign(Redis.prototype, {
  /** @this {Redis} @param {unknown[]} args */
  async call(...args) {
    const answer = await Reflect.apply(call, this, args);
    if (args[0] === 'EVAL' && String(args[1]).includes("return redis.call('HSET'")) at('half kept');
    return answer;
  },
});

/** @param {Parameters<typeof store.open>[0]} scope */
function open(scope) {
  const connection = store.open(scope);
  const { dropper } = connection;
  if (!dropper) throw new Error('It keeps its log whole.');
  return {
    ...connection,
    dropper: {
      ...dropper,
      async check() {
        await dropper.check();
        at('tried');
      },
      /** @param {Parameters<typeof dropper.keep>[0]} head */
      async keep(head) {
        at('written');
        await dropper.keep(head);
        at('kept');
      },
      /** @param {Parameters<typeof dropper.drop>} given */
      async drop(...given) {
        at('recorded');
        const freed = await dropper.drop(...given);
        at('dropped');
        return freed;
      },
    },
    /** @param {number} after */
    async *log(after) {
      let count = 0;
      for await (const event of connection.log(after)) {
        yield event;
        count += 1;
        if (after === 0 && count === 500) at('half written');
      }
    },
  };
}

const control = await openControlPlane({ store: { ...store, open }, operator: { id: 'worker' } });
console.log(JSON.stringify(await control.archiveLog({ file, reason: 'the disk is filling up' })));
await control.close();
