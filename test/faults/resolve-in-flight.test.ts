import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';
import { closeAfterwards, openSwitch, type Sides } from '../guard/open-switch.ts';

const PLACES: ReadonlyArray<readonly [name: string, sides: () => Promise<Sides>]> = [
  [
    'a memory store',
    async () => {
      const store = memoryStore();
      return { store, controlStore: memoryControlStore(store) };
    },
  ],
  [
    'a file store',
    async () => {
      const directory = join(temporaryFolder('in-flight').path, 'switch');
      return { store: fileStore({ directory }), controlStore: fileControlStore({ directory }) };
    },
  ],
  ...(hasRedis
    ? ([
        [
          'Redis',
          async () => {
            const { url } = await startRedis();
            return { store: redisStore({ url }), controlStore: redisControlStore({ url }) };
          },
        ],
      ] as const)
    : []),
];

describe.each(PLACES)('what is in flight, on %s', (_name, sides) => {
  test('is shown so, and nobody can say of it that it has not landed, nor that it has', async () => {
    const both = await sides();
    const { control, killSwitch } = await openSwitch(both, { agentId: 'x', leaseMs: 1000 });
    const connection = both.controlStore.open({ organizationId: 'default', requestTimeoutMs: 1000 });
    closeAfterwards(connection);
    let ran = 0;
    let end = (): void => {};
    const pay = killSwitch.action({
      name: 'pay',
      journal: true,
      execute: () =>
        new Promise<number>((resolve) => {
          ran += 1;
          end = () => resolve(ran);
        }),
    });
    const call = () => killSwitch.run({ runId: 'r' }, () => pay.attempt(undefined, { idempotencyKey: 'k' }));
    const running = call();
    await vi.waitUntil(() => ran === 1, { timeout: 5000 });
    const stands = async () => (await control.run('r')).entries.map(({ state }) => state);
    const refused = async (): Promise<void> => {
      expect(await stands()).toEqual(['in_flight']);
      for (const landed of [true, false])
        await expect(control.resolve({ run: 'r', key: 'k', landed, reason: 'looked' })).rejects.toMatchObject({
          code: 'INVALID_STATE',
          message: expect.stringContaining('kill-switch kill run:r'),
        });
    };
    await refused(); // before its executor has said anything since
    const from = Date.now();
    const isSaid = async (): Promise<boolean> => {
      const [beat] = await connection.executors();
      return beat?.in_flight === 1 && Date.parse(beat.heard_at ?? beat.at) > from + 1000;
    };
    await vi.waitUntil(isSaid, { timeout: 10_000 });
    await refused(); // by what it says
    expect(await call()).toMatchObject({ status: 'aborted', landed: 'unknown' });
    end();
    expect(await running).toMatchObject({ status: 'executed', result: 1 });
    expect(await stands()).toEqual(['landed']);
    expect(ran).toBe(1);
  });
});
