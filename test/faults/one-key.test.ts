import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';
import { createKillSwitch, type KillSwitch } from '../../index.ts';
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

describe.each(PLACES)('one idempotency key, on %s', (_name, sides) => {
  test('that is in flight is shown so, and nobody can say of it that it has not landed, nor that it has', async () => {
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

  test('of many deliveries at once, here and elsewhere, is paid for once, and trips no budget that one call fits', async () => {
    const both = await sides();
    const { control, killSwitch } = await openSwitch(both, { agentId: 'x', executor: { name: 'first' } });
    const { epoch } = await control.setBudget({ scope: 'mission', usd: 10 });
    const options = { store: both.store, domain: 'elsewhere', agentId: 'x', executor: { name: 'second' } };
    const elsewhere = await createKillSwitch(options);
    closeAfterwards(elsewhere);
    let ran = 0;
    let end = (): void => {};
    const deliver = async (by: KillSwitch, many: number) => {
      const pay = by.action({
        name: 'pay',
        journal: true,
        spend: { usd: () => 6 },
        execute: () =>
          new Promise<number>((resolve) => {
            ran += 1;
            end = () => resolve(ran);
          }),
      });
      await vi.waitUntil(() => by.check({ agentId: 'x' }).epoch >= epoch, { timeout: 5000 });
      return Array.from({ length: many }, (_, nth) =>
        by.run({ runId: `r-${nth}`, missionId: 'm' }, () => pay.attempt(undefined, { idempotencyKey: 'k' })),
      );
    };
    const calls = [...(await deliver(killSwitch, 20)), ...(await deliver(elsewhere, 20))];
    const others = calls.map(async (call) => (await call).status);
    await vi.waitUntil(() => ran === 1, { timeout: 5000 });
    let [ended, aborted] = [0, 0];
    for (const other of others) void other.then((status) => ((ended += 1), (aborted += Number(status === 'aborted'))));
    await vi.waitUntil(() => ended === 39, { timeout: 20_000 });
    expect(aborted).toBe(39);
    end();
    expect((await Promise.all(others)).filter((status) => status === 'executed')).toHaveLength(1);
    expect(ran).toBe(1);
    expect((await control.status()).stops).toEqual([]);
    await vi.waitUntil(async () => (await control.budgets()).data[0]?.spent === 6, { timeout: 5000 });
    expect((await control.budgets()).data).toMatchObject([{ spent: 6, reserved: 0 }]);
  });
});
