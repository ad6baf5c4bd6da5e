import { runInNewContext } from 'node:vm';
import { OpenFeature } from '@openfeature/server-sdk';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { normaliseAction } from '../../guard/normalise-action.ts';
import { createKillSwitch, type KillSwitch } from '../../index.ts';
import { memoryStore } from '../../store/memory/index.ts';
import { openMemorySwitch } from './open-switch.ts';

let killSwitch: KillSwitch;
beforeAll(async () => {
  killSwitch = await createKillSwitch({ store: memoryStore(), agentId: 'x' });
});
afterAll(async () => {
  await killSwitch.close();
  await OpenFeature.clearProviders();
  OpenFeature.clearHooks();
});

const store = memoryStore();
const execute = (): number => 1;
const create = (options: object) => () => createKillSwitch({ store, domain: 'options', ...options });
const run = (options: object) => () => killSwitch.run(options, () => 1);
const call = (options: object) => () => killSwitch.action({ name: 'a.b', execute })(undefined, options);
const attempt = (options: object) => () => killSwitch.action({ name: 'a.b', execute }).attempt(undefined, options);
const define = (options: object) => async () => killSwitch.action({ name: 'a.c', execute, ...options });
const job = (options: object) => async () => killSwitch.job(options, () => 1);
const checkpoint = (options: object) => () => killSwitch.run({}, (opened) => opened.checkpoint('one', null, options));

describe('an option that does not exist is refused, with the one that was probably meant', () => {
  test.each([
    [create({ agentID: 'x' }), 'createKillSwitch', 'agentID', 'agentId'],
    [create({ requireRuns: true }), 'createKillSwitch', 'requireRuns', 'requireRun'],
    [create({ executor: { nmae: 'x' } }), 'executor', 'nmae', 'name'],
    [run({ mission: 'm' }), 'run', 'mission', 'missionId'],
    [job({ agentid: 'x' }), 'run', 'agentid', 'agentId'],
    [call({ timeout: 1 }), 'a call', 'timeout', undefined],
    [attempt({ waitms: 1 }), 'a call', 'waitms', 'waitMs'],
    [define({ irreversable: true }), 'an action', 'irreversable', 'irreversible'],
    [checkpoint({ verbatm: true }), 'checkpoint', 'verbatm', 'verbatim'],
  ])('%o %s: %s', async (make, where, key, meant) => {
    await expect(make()).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(
        `^There is no option "${key}" of ${where} in this version\\. ${meant ? `Did you mean "${meant}"\\?` : 'There are: '}`,
      ),
    });
  });

  test.each([
    [define({ approvals: 0 }), /^approvals of a\.c must be a whole number from 1 to 10, not 0\.$/],
    [define({ approvals: 1.5 }), /not 1\.5\.$/],
    [define({ approvals: '2' }), /not "2"\.$/],
    [
      define({ approvalExpiresMs: 31 * 86_400_000 }),
      /approvalExpiresMs of a\.c must be a whole number from 1 to 2592000000/,
    ],
    [define({ escalateAfterMs: 3_600_000 }), /escalateAfterMs of a\.c, before it expires, must be .* 1 to 3599999/],
    [define({ approvalExpiresMs: 500, escalateAfterMs: 500 }), /1 to 499, not 500\.$/],
  ])('how people are asked is bounded: %o %s', async (make, message) => {
    await expect(make()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) });
  });

  test.each(['reverse:1', 'rollback:1'])('a key as rollbacks have them is refused: %s', async (idempotencyKey) => {
    for (const make of [call({ idempotencyKey }), attempt({ idempotencyKey })])
      await expect(make()).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: `The idempotencyKey of a call must not begin with reverse: or rollback:, as "${idempotencyKey}" does: those are the keys of rollbacks. Name your piece of work otherwise.`,
      });
  });

  test('what is no object is refused too, and what Object has is no option', async () => {
    await expect(createKillSwitch(undefined as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(killSwitch.run('x' as never, () => 1)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(run({ toString: 1 })()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(create({ requireRun: 'yes' })()).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('"yes"'),
    });
  });

  test.each([null, 5, 'x'])('check() blocks where it is given %s, and says so', (options) => {
    expect(killSwitch.check(options as never)).toMatchObject({
      verdict: 'block',
      cause: { kind: 'identity', message: `The options of check are an object, not ${JSON.stringify(options)}.` },
    });
  });

  test('check() blocks instead', () => {
    expect(killSwitch.check({ agentID: 'another' } as never)).toMatchObject({
      verdict: 'block',
      cause: { kind: 'identity', message: expect.stringContaining('"agentId"') },
    });
  });
});

describe('the definition of an action may be an object of a class', () => {
  const schema = {
    '~standard': { version: 1 as const, vendor: 'test', validate: () => ({ issues: [{ message: 'never fits' }] }) },
  };

  class Mail {
    get name(): string {
      return 'mail.inherited';
    }
    get feature(): string {
      return 'newsletter';
    }
    get surface(): string {
      return 'queue';
    }
    text(): string {
      return 'sent';
    }
    async execute(): Promise<string> {
      return this.text();
    }
  }

  test('what else the class has is its own matter, but for what is nearly an option', async () => {
    const { killSwitch } = await openMemorySwitch({ agentId: 'x' });
    class Client extends Mail {
      readonly client = 'smtp';
      override get name(): string {
        return 'mail.client';
      }
      override text(): string {
        return this.client;
      }
    }
    const action = killSwitch.action(new Client());
    expect(action.definition).toBeInstanceOf(Client);
    class Inherits extends Mail {
      get irreversable(): boolean {
        return true;
      }
    }
    class Owns extends Mail {
      readonly redirects = (input: unknown): unknown => input;
    }
    const ofAnotherRealm = runInNewContext(`({ name: 'mail.realm', execute() {}, irreversable: true })`) as Mail;
    for (const [definition, meant] of [
      [ofAnotherRealm, 'irreversible'],
      [new Inherits(), 'irreversible'],
      [new Owns(), 'redirect'],
    ] as const)
      expect(() => killSwitch.action(definition)).toThrow(`Did you mean "${meant}"?`);
  });

  test('what it inherits counts as its own, and its methods keep their this', async () => {
    const { control, killSwitch: opened } = await openMemorySwitch({ agentId: 'x' });
    await control.setFeature({ name: 'newsletter', stage: 'live', reason: 'test' });
    const action = opened.action(new Mail());
    const changed = async ({ epoch }: { readonly epoch: number }): Promise<void> =>
      vi.waitFor(() => expect(opened.check().epoch).toBeGreaterThanOrEqual(epoch));
    await vi.waitFor(async () =>
      expect(await action.attempt({})).toMatchObject({ status: 'executed', result: 'sent' }),
    );
    for (const target of ['feature:newsletter', 'action:mail.inherited', 'surface:queue']) {
      await changed(await control.kill({ target, reason: 'wrong' }));
      expect(await action.attempt({})).toMatchObject({ status: 'blocked', decision: { cause: { target } } });
      await changed(await control.revive({ target, reason: 'right' }));
    }
  });

  test('the members of its limits and of what it spends are read once, and keep their this', () => {
    let reads = 0;
    const once = <T>(first: T, later: T): T => {
      reads += 1;
      return reads <= 2 ? first : later;
    };
    class Amount {
      readonly #amount = 5;
      get max(): number {
        return once(1, 9);
      }
      of(): number {
        return this.#amount;
      }
    }
    class Cost {
      readonly #amount = 7;
      get reserve(): (input: unknown) => number {
        const own = (cost: Cost): number => cost.#amount;
        return once(
          function (this: Cost) {
            return own(this);
          },
          () => 0,
        );
      }
    }
    const limits = { amount: new Amount() };
    const action = normaliseAction({ name: 'mail.send', execute, limits, spend: { usd: new Cost() } });
    expect(reads).toBe(2);
    expect(action.limits?.['amount']?.max).toBe(1);
    expect(action.limits?.['amount']?.of(undefined)).toBe(5);
    const usd = action.spend?.usd;
    expect(typeof usd === 'object' && usd.reserve(undefined)).toBe(7);
    expect(reads).toBe(2);
  });

  test.each([
    ['an inputSchema', { inputSchema: schema }, { name: 'ActionInputError' }],
    ['limits', { limits: { amount: { max: 1, of: () => 5 } } }, { status: 'blocked' }],
    ['spend', { spend: { usd: () => Number.NaN } }, { status: 'blocked' }],
    ['irreversible', { irreversible: 'yes' }, { code: 'INVALID_ARGUMENT' }],
    [
      'limits of a class',
      {
        limits: new (class {
          get amount() {
            return { max: 1, of: () => 5 };
          }
        })(),
      },
      { code: 'INVALID_ARGUMENT' },
    ],
    ['inherited limits', { limits: Object.create({ amount: { max: 1, of: () => 5 } }) }, { code: 'INVALID_ARGUMENT' }],
    ['a redirect that is no function', { redirect: 'safe' }, { code: 'INVALID_ARGUMENT' }],
  ])('%s', async (_name, inherited, expected) => {
    const { killSwitch: opened } = await openMemorySwitch({ agentId: 'x' });
    const executed = vi.fn();
    const definition = Object.assign(Object.create(inherited), { name: 'mail.send', execute: executed });
    const came = await (async () => opened.action(definition).attempt({}))().catch((error: unknown) => error);
    expect(came).toMatchObject(expected);
    expect(executed).not.toHaveBeenCalled();
  });

  test('a job whose agent is inherited works as that agent', async () => {
    const { control, killSwitch: opened } = await openMemorySwitch({ agentId: 'x' });
    const tick = opened.job(Object.create({ agentId: 'nightly' }), ({ agentId }) => agentId);
    expect(await tick()).toEqual({ status: 'ran', result: 'nightly' });
    await control.kill({ target: 'agent:nightly', reason: 'wrong' });
    expect(await tick()).toMatchObject({ status: 'skipped' });
  });
});
