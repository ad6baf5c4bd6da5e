import { randomUUID } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openControlPlane } from '../../operator/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { ask, ASKING, heldCall, openAsker } from '../guard/asking.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';

const STORES = {
  memory: async () => {
    const store = memoryStore();
    return { store, controlStore: memoryControlStore(store) };
  },
  async file() {
    const folder = temporaryFolder('many-approvals');
    onTestFinished(() => folder.remove());
    return {
      store: fileStore({ directory: folder.path }),
      controlStore: fileControlStore({ directory: folder.path }),
    };
  },
  async redis() {
    const { url } = await startRedis();
    return { store: redisStore({ url }), controlStore: redisControlStore({ url }) };
  },
};

const MANY = 10_000;
/** Far above what was measured on two busy cores: a list that grew with the square of its rows takes minutes. */
const PATIENCE_MS = 15_000;

describe.each(['memory', 'file', 'redis'] as const)('ten thousand open requests in the store %s', (which) => {
  test.skipIf(which === 'redis' && !hasRedis)(
    'are listed, the urgent first, approved and used; a further one is refused, and another executor’s is not',
    async () => {
      const { store, controlStore } = await STORES[which]();
      const dana = await openControlPlane({ store: controlStore, operator: { id: 'dana' }, requestTimeoutMs: 10_000 });
      onTestFinished(() => dana.close());
      await dana.init();
      await dana.setMode({ mode: 'approval_gated', reason: 'test' });
      const asker = await openAsker(store, 'returns', 30_000);
      const took: Record<string, number> = {};
      const timed = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
        const since = performance.now();
        const result = await work();
        took[what] = Math.round(performance.now() - since);
        expect(took[what], what).toBeLessThan(PATIENCE_MS);
        return result;
      };

      const before = process.memoryUsage().heapUsed;
      const ids: string[] = [];
      const since = performance.now();
      for (let from = 0; from < MANY - 1; from += 333) {
        const some = Array.from({ length: Math.min(333, MANY - 1 - from) }, (_, index) =>
          ask(asker, heldCall({ cents: from + index, note: 'x'.repeat(200) })),
        );
        ids.push(...(await Promise.all(some)));
      }
      took['open each'] = Math.round(((performance.now() - since) / MANY) * 1000) / 1000;
      const urgent = await ask(asker, heldCall({ cents: 1 }), { costUsd: 99 });
      took['bytes in the executor'] = Math.round((process.memoryUsage().heapUsed - before) / MANY);
      expect(await timed('refuse', () => asker.approving.open(heldCall(), ASKING))).toMatchObject({
        status: 'too_many',
      });
      const other = await openAsker(store, 'another', 30_000);
      const theirs = await ask(other);

      const list = await timed('list', () => dana.approvals({ limit: 2 }));
      expect(list).toMatchObject({ count: MANY + 1, data: [{ id: urgent }, { id: theirs }], problems: [] });
      expect((await timed('status', () => dana.status())).held_approvals).toBe(MANY + 1);
      await timed('show', () => dana.approval(urgent));
      await timed('approve one', () => dana.approve({ id: urgent }));
      const used = await timed('use one', () => asker.approving.use(urgent, heldCall({ cents: 1 }), randomUUID()));
      expect(used).toMatchObject({ is: 'claimed' });
      await timed('approve 100', () => Promise.all(ids.slice(0, 100).map((id) => dana.approve({ id }))));
      expect(await timed('open one more', () => asker.approving.open(heldCall(), ASKING))).toMatchObject({
        is: expect.stringMatching(/open|not approved/), // it is not counted again for two seconds
      });
      process.stdout.write(`10,000 requests, ${which}, in ms: ${JSON.stringify(took)}\n`);
    },
    240_000,
  );
});
