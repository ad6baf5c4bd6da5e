import { setImmediate as turn } from 'node:timers/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { isKillSwitchError } from '../../flags/index.ts';
import type { ControlPlane } from '../../operator/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { Memory } from '../../store/memory/memory.ts';
import type { ControlStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { openQuickControl } from './open-quick-control.ts';
import { aroundAppend } from '../store/around-append.ts';
import { hasRedis, type RedisServer, startFaultProxy, startRedis, temporaryFolder } from '../servers/index.ts';

const TIMEOUT = 700;

async function open(store: ControlStore): Promise<ControlPlane> {
  const control = await openQuickControl({ store, operator: { id: 'ann' }, requestTimeoutMs: TIMEOUT });
  onTestFinished(() => control.close());
  return control;
}

/** What the caller of a change is answered, in a word. */
const answerTo = (change: Promise<unknown>): Promise<string> =>
  change.then(
    () => 'recorded',
    (error: unknown) => {
      if (!isKillSwitchError(error)) throw error;
      return error.code === 'CLOSED' ? 'not recorded' : `${error.code}: ${error.message}`;
    },
  );

const AT_ONCE = { signal: AbortSignal.abort() };
const kills = async (control: ControlPlane): Promise<string[]> =>
  (await control.kills()).data.map(({ target_id }) => String(target_id));

let redis: RedisServer;
beforeAll(async () => {
  if (hasRedis) redis = await startRedis();
});

const stores: ReadonlyArray<readonly [string, () => (() => ControlStore) | Promise<() => ControlStore>]> = [
  [
    'memory',
    () => {
      const memory = new Memory();
      return () => memoryControlStore({ memory });
    },
  ],
  [
    'files',
    () => {
      const directory = join(temporaryFolder('close-beside').path, 'switch');
      return () => fileControlStore({ directory });
    },
  ],
  ...(hasRedis
    ? [
        [
          'Redis',
          async () => {
            await redis.cli('FLUSHALL');
            return () => redisControlStore({ url: redis.url });
          },
        ] as const,
      ]
    : []),
];

describe.each(stores)('a control plane in %s that is closed beside a change', (_name, storeOf) => {
  test('answers each change as the log has it, at whatever moment it is closed', async () => {
    const store = await storeOf();
    const main = await open(store());
    await main.init();
    const seen = new Set<string>();
    for (let turns = 0; turns < 60; turns += 1) {
      const target = `agent:${turns}`;
      await main.kill({ target: 'agent:given-back', ...AT_ONCE });
      const control = await open(store());
      if (turns % 2 === 0) await control.kills();
      const answers = Promise.all([
        answerTo(control.kill({ target, ...AT_ONCE })),
        answerTo(control.revive({ target: 'agent:given-back', reason: 'r' })),
      ]);
      for (let left = turns >> 1; left > 0; left -= 1) await turn();
      await control.close();
      const found = await kills(main);
      const recorded = [found.includes(String(turns)), !found.includes('given-back')];
      expect(await answers).toEqual(recorded.map((is) => (is ? 'recorded' : 'not recorded')));
      for (const answer of await answers) seen.add(answer);
    }
    expect([...seen]).toContain('recorded');
  }, 60_000);

  test('refuses a change that is asked for after that, and those that wait to be sent, as not recorded', async () => {
    const store = await storeOf();
    const main = await open(store());
    await main.init();
    let hold = (): void => {};
    const held = new Promise<void>((resolve) => {
      hold = resolve;
    });
    const begun: string[] = [];
    const watched = aroundAppend(store(), async (changes, append) => {
      begun.push(...changes.map(({ event }) => event.type));
      await held;
      return append();
    });
    const control = await open(watched);
    const sent = answerTo(control.kill({ target: 'agent:sent', ...AT_ONCE }));
    await expect.poll(() => begun).toEqual(['kill']);
    const waiting = answerTo(control.kill({ target: 'agent:waiting', ...AT_ONCE }));
    await turn();
    const closing = control.close();
    const late = answerTo(control.kill({ target: 'agent:late', ...AT_ONCE }));
    expect([await waiting, await late]).toEqual(['not recorded', 'not recorded']);
    hold();
    await closing;
    expect(await sent).toBe('recorded');
    expect(begun).toEqual(['kill']);
    expect(await kills(main)).toEqual(['sent']);
  });
});

test.skipIf(!hasRedis)(
  'a change whose answer does not come while its control plane closes may have been recorded',
  async () => {
    await redis.cli('FLUSHALL');
    const main = await open(redisControlStore({ url: redis.url }));
    await main.init();
    const proxy = await startFaultProxy({ port: redis.port });
    const control = await open(redisControlStore({ url: `redis://127.0.0.1:${proxy.port}` }));
    await control.kills();
    await control.settled();
    proxy.stallWhere('"target":"agent:x"', 'to-client');
    const answer = answerTo(control.kill({ target: 'agent:x', ...AT_ONCE }));
    await expect.poll(() => kills(main)).toEqual(['x']);
    const began = performance.now();
    await control.close();
    expect(performance.now() - began).toBeLessThan(TIMEOUT + 500);
    expect(await answer).toMatch(
      /^STORE_UNREACHABLE: The kill was not acknowledged .* may or may not have been recorded/,
    );
  },
);
