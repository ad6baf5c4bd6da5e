import { OpenFeature } from '@openfeature/server-sdk';
import { describe, expect, test } from 'vitest';
import type { Mode } from '../../flags/index.ts';
import { leap } from '../leap.ts';
import { openMemorySwitch } from './open-switch.ts';

const LEASE_MS = 500;
/** As what keeps the event loop busy until the lease is over. */
const outliveTheLease = (): void => leap(LEASE_MS + 50);

async function setUp(mode: Mode, options: Parameters<typeof openMemorySwitch>[0] = {}) {
  const { killSwitch } = await openMemorySwitch({ mode, leaseMs: LEASE_MS, agentId: 'x', ...options });
  const started: unknown[] = [];
  const action = killSwitch.action({
    name: 'mail.send',
    execute: (input: { to: string }) => {
      started.push(input);
    },
    redirect: (input) => input,
  });
  return { action, started };
}

test('an evaluation that a hook keeps busy past its deadline is late, though no timer could say so', async () => {
  const { killSwitch } = await openMemorySwitch({ agentId: 'x' });
  OpenFeature.addHooks({
    finally() {
      leap(1100);
    },
  });
  const action = killSwitch.action({ name: 'mail.send', execute: () => 'sent' });
  expect(await action.attempt(undefined)).toMatchObject({
    status: 'blocked',
    decision: { cause: { code: 'DEADLINE_EXCEEDED' } },
  });
});

describe('nothing of the user’s runs between the last look and execute', () => {
  test('a slow redact of a redirected call ends before the look that finds the lease over', async () => {
    const { action, started } = await setUp('test_mode', {
      redact: (input) => {
        outliveTheLease();
        return input;
      },
    });
    expect(await action.attempt({ to: 'a' })).toMatchObject({ status: 'blocked', decision: { mode: 'full_stop' } });
    expect(started).toEqual([]);
  });

  test('a getter of the input is not run by the record', async () => {
    const { action, started } = await setUp('test_mode');
    let reads = 0;
    const input = Object.defineProperty({ to: 'a' }, 'slow', {
      enumerable: true,
      get: () => {
        reads += 1;
        outliveTheLease();
        return 1;
      },
    });
    expect(await action.attempt(input)).toMatchObject({ status: 'redirected' });
    expect([started.length, reads]).toEqual([1, 0]);
  });

  test.each(['signal', 'waitMs', 'idempotencyKey', 'approvalId'])(
    'the option %s is read once, before anything is decided',
    async (name) => {
      const { action, started } = await setUp('live');
      let reads = 0;
      const options = Object.defineProperty({}, name, {
        enumerable: true,
        get: () => {
          reads += 1;
          outliveTheLease();
          return undefined;
        },
      });
      for (const call of [() => action.attempt({ to: 'a' }, options), () => action({ to: 'a' }, options)]) {
        reads = 0;
        await call().catch(() => {});
        expect(reads).toBe(1);
      }
      expect(started.length).toBeLessThanOrEqual(2);
    },
  );

  test.each([
    ['signal', 5, 'AbortSignal'],
    ['signal', null, 'AbortSignal'],
    ['waitMs', -1, 'waitMs'],
    ['waitMs', Number.NaN, 'waitMs'],
    ['waitMs', '5s', 'waitMs'],
    ['idempotencyKey', '', 'idempotencyKey'],
    ['approvalId', 7, 'approvalId'],
  ])('an option %s of %j is refused at the border', async (name, value, said) => {
    const { action, started } = await setUp('live');
    for (const call of [
      () => action.attempt({ to: 'a' }, { [name]: value }),
      () => action({ to: 'a' }, { [name]: value }),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(said) });
    expect(started).toEqual([]);
  });
});
