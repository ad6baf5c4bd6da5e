import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ExecutorStore } from '../../index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import type { ControlStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { run } from '../operator/cli/command.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';
import { openSwitch } from './open-switch.ts';

interface Place {
  readonly url: string;
  readonly store: ExecutorStore;
  readonly controlStore: ControlStore;
}

const inFiles = async (): Promise<Place> => {
  const directory = join(temporaryFolder('limits').path, 'switch');
  return { url: `file:${directory}`, store: fileStore({ directory }), controlStore: fileControlStore({ directory }) };
};
const inRedis = async (): Promise<Place> => {
  const { url } = await startRedis();
  return { url, store: redisStore({ url }), controlStore: redisControlStore({ url }) };
};

const PLACES: ReadonlyArray<readonly [string, boolean, () => Promise<Place>]> = [
  ['the file store', true, inFiles],
  ['Redis', hasRedis, inRedis],
];

interface Refund {
  readonly cents: number;
  readonly to?: string;
}

async function setUp(open: () => Promise<Place>, irreversible = false) {
  const place = await open();
  const { control, killSwitch } = await openSwitch(place, { agentId: 'returns-bot', executor: { name: 'returns' } });
  /** An operator, in a process of their own. */
  const ks = (...args: readonly string[]) => run([...args, '--store', place.url, '--operator', 'dana']);
  const landed: Refund[] = [];
  /** What a redirect waits for. */
  let meanwhile = async (): Promise<unknown> => undefined;
  const refund = killSwitch.action({
    name: 'payments.refund',
    irreversible,
    limits: { 'refund.max': { max: 200, of: ({ cents }: Refund) => cents } },
    execute: (input: Refund) => void landed.push(input),
    async redirect(input) {
      await meanwhile();
      return { ...input, to: 'owner@example.test' };
    },
  });
  const during = (work: () => Promise<unknown>): void => {
    meanwhile = work;
  };
  return { control, ks, refund, landed, during };
}

const brokenBy = (value: number, max: number) => ({
  status: 'blocked',
  decision: { cause: { kind: 'limit', limit: 'refund.max', value, max } },
});

describe.each(PLACES.filter(([, has]) => has))('on %s', { timeout: 60_000 }, (_name, _has, open) => {
  test.each([false, true])(
    'a limit that an operator lowers in another process blocks the next call, confirmed or not (%s)',
    async (irreversible) => {
      const { ks, refund, landed } = await setUp(open, irreversible);
      expect(await refund.attempt({ cents: 200 })).toMatchObject({ status: 'executed' });
      expect(await refund.attempt({ cents: 201 })).toMatchObject(brokenBy(201, 200));

      const lowered = await ks('limit', 'refund.max', '50', '--json');
      expect(lowered).toMatchObject({ code: 0, json: { matched: { actions: ['payments.refund'], seen: true } } });
      expect(await refund.attempt({ cents: 51 })).toMatchObject(brokenBy(51, 50));
      expect(await refund.attempt({ cents: 50 })).toMatchObject({ status: 'executed' });

      expect(await ks('limit', 'refund.max', '1000000', '--reason', 'a big day')).toMatchObject({ code: 0 });
      await expect.poll(async () => (await refund.attempt({ cents: 200 })).status).toBe('executed');
      expect(await refund.attempt({ cents: 201 })).toMatchObject(brokenBy(201, 200));
      expect(landed).toEqual([{ cents: 200 }, { cents: 50 }, { cents: 200 }]);
    },
  );

  test('one that is lowered while the call is on its way blocks it right before it starts', async () => {
    const { control, ks, refund, landed, during } = await setUp(open);
    await control.setMode({ mode: 'test_mode', waitMs: 5000 });
    expect(await refund.attempt({ cents: 51 })).toMatchObject({ status: 'redirected' });
    during(() => ks('limit', 'refund.max', '50'));
    expect(await refund.attempt({ cents: 51 })).toMatchObject(brokenBy(51, 50));
    expect(landed).toEqual([{ cents: 51, to: 'owner@example.test' }]);
  });

  test('what a limit has blocked is an intervention that the command shows, with the amount and the limit', async () => {
    const { ks, refund } = await setUp(open);
    await refund.attempt({ cents: 201 });
    await refund.attempt({ cents: '1 for card 4111 1111 1111 1111' as never });
    await expect.poll(async () => (await ks('interventions', '--json')).json.count).toBe(2);
    const { data } = (await ks('interventions', '--json')).json;
    const held = { kind: 'limit', limit: 'refund.max', max: 200 };
    expect(data).toHaveLength(2);
    expect(data).toMatchObject(
      expect.arrayContaining([
        expect.objectContaining({ type: 'HARD_BLOCK', cause: { ...held, value: 201 } }),
        expect.objectContaining({
          type: 'HARD_BLOCK',
          cause: { ...held, value: 'the text "1 for card [redacted]"' },
        }),
      ]),
    );
    const { stdout } = await ks('interventions');
    expect(stdout).toContain('the limit refund.max of 200, which 201 does not keep');
    expect(stdout).not.toContain('4111');
    expect((await ks('surfaces', '--json')).json.data).toMatchObject([{ limits: ['refund.max'] }]);
  });
});
