import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import type { Intervention, Mode } from '../../flags/index.ts';
import type { ActionDefinition, LimitDefinition } from '../../index.ts';
import { ActionInputError } from '../../guard/errors.ts';
import type { Step } from '../../guard/steps/index.ts';
import { attemptOnce, type BareParts, bareGuard, FRESH, HandSwitch } from './bare-guard.ts';

interface Refund {
  cents: number;
  to?: string;
}

const MAX = { 'refund.max': { max: 20_000, of: (input: Refund) => input.cents } };

function open({ mode = 'live', ...parts }: Partial<BareParts> & { readonly mode?: Mode } = {}) {
  const hand = new HandSwitch();
  hand.mode = mode;
  const records: Intervention[] = [];
  const guard = bareGuard({ hand, record: async (more) => void records.push(...more), ...parts });
  const ran: unknown[] = [];
  const execute = vi.fn((input: Refund): unknown => ran.push({ ...input }));
  const attempt = <Input>(
    input: Input,
    more: Partial<ActionDefinition<Input, unknown>> = {},
    steps?: (all: readonly Step[]) => readonly Step[],
  ) =>
    attemptOnce<Input, unknown>(
      guard,
      { name: 'payments.refund', limits: MAX as never, execute: execute as never, ...more },
      { input, ...(steps && { steps }) },
    );
  return { hand, guard, records, execute, ran, attempt };
}

const brokenBy = (value: unknown, max: unknown = 20_000, limit = 'refund.max') => ({
  status: 'blocked',
  decision: { verdict: 'block', mode: 'live', cause: { kind: 'limit', limit, value, max } },
});

describe('a limit', () => {
  test('lets through what keeps it, up to its max', async () => {
    const { attempt, ran } = open();
    for (const cents of [0, 1, 19_999.5, 20_000])
      expect(await attempt({ cents })).toMatchObject({ status: 'executed' });
    expect(ran).toEqual([{ cents: 0 }, { cents: 1 }, { cents: 19_999.5 }, { cents: 20_000 }]);
  });

  test('blocks what does not, says so to a person and to a model, and leaves a record', async () => {
    const { attempt, execute, guard, records } = open();
    const outcome = await attempt({ cents: 20_001 });
    expect(outcome).toMatchObject(brokenBy(20_001));
    expect(outcome.decision.message).toBe(
      'payments.refund is blocked (mode live): the limit refund.max of 20000, which 20001 does not keep.',
    );
    expect(outcome.decision.modelMessage).toBe(
      'payments.refund is not executed, because it does not keep the limit of 20000: do not split it into parts, and ask a person or stay within the limit.',
    );
    expect(execute).not.toHaveBeenCalled();
    await guard.interventions.close();
    expect(records).toMatchObject([
      {
        type: 'HARD_BLOCK',
        status: 'blocked',
        state: 'refused',
        action: 'payments.refund',
        cause: { kind: 'limit', limit: 'refund.max', value: 20_001, max: 20_000 },
        input: { cents: 20_001 },
      },
    ]);
  });

  test.each<[string, unknown, unknown]>([
    ['a number that is none', { cents: Number.NaN }, 'NaN'],
    ['Infinity', { cents: Number.POSITIVE_INFINITY }, 'Infinity'],
    ['a negative number', { cents: -1 }, -1],
    ['-0', { cents: -0 }, '-0'],
    ['a text', { cents: '5' }, 'the text "5"'],
    ['a BigInt', { cents: 5n }, 'the BigInt 5'],
    ['nothing', {}, 'undefined'],
    ['null', { cents: null }, 'null'],
    ['an object that gives a number', { cents: { valueOf: () => 5 } }, 'an object'],
    ['a list', { cents: [5] }, 'a list'],
    ['true', { cents: true }, 'true'],
    ['a Date', { cents: new Date(5) }, 'an object'],
  ])('blocks %s in place of its amount, and coerces nothing', async (_what, input, value) => {
    const { attempt, execute } = open();
    expect(await attempt(input)).toMatchObject(brokenBy(value));
    expect(execute).not.toHaveBeenCalled();
  });

  test.each<[string, () => unknown, string]>([
    [
      'throws an error',
      () => {
        throw new Error('no such account at postgres://app:s3cret@db.');
      },
      'an error (no such account at postgres://[redacted]@db)',
    ],
    [
      'throws no error at all',
      () => {
        throw Object.create(null);
      },
      'an error (an error that cannot be read)',
    ],
    ['returns a promise', async () => 5, 'a promise'],
    ['returns a promise that rejects', () => Promise.reject(new Error('late')), 'a promise'],
    // oxlint-disable-next-line unicorn/no-thenable -- a thenable is what is tested
    ['returns a thenable', () => ({ then: (done: (value: number) => void) => done(5) }), 'a promise'],
    [
      'returns an object whose then cannot be read',
      () =>
        // oxlint-disable-next-line unicorn/no-thenable -- the same
        Object.defineProperty({}, 'then', {
          get() {
            throw new Error('then');
          },
        }),
      'a promise',
    ],
  ])('whose of %s blocks', async (_what, of, value) => {
    const { attempt, execute } = open();
    expect(await attempt({ cents: 1 }, { limits: { odd: { max: 5, of: of as never } } })).toMatchObject(
      brokenBy(value, 5, 'odd'),
    );
    await new Promise((resolve) => setImmediate(resolve)); // an unhandled rejection would fail the run
    expect(execute).not.toHaveBeenCalled();
  });

  test('with a decimal text is exact, and takes no number', async () => {
    const { attempt } = open();
    const limits = { usd: { max: '200.00', of: (input: { usd: string }) => input.usd } };
    expect(await attempt({ usd: '200.000' }, { limits })).toMatchObject({ status: 'executed' });
    expect(await attempt({ usd: '200.000000000000000001' }, { limits })).toMatchObject(
      brokenBy('200.000000000000000001', '200.00', 'usd'),
    );
    expect(await attempt({ usd: 5 as never }, { limits })).toMatchObject(brokenBy('the number 5', '200.00', 'usd'));
  });

  test('may count: the recipients of a mail, the rows of a statement', async () => {
    const { attempt } = open();
    const limits = { recipients: { max: 2, of: (input: { to: string[] }) => input.to.length } };
    expect(await attempt({ to: ['a', 'b'] }, { limits })).toMatchObject({ status: 'executed' });
    expect(await attempt({ to: ['a', 'b', 'c'] }, { limits })).toMatchObject(brokenBy(3, 2, 'recipients'));
  });

  test('stands beside others: each of them has to be kept, and the one that is not is named', async () => {
    const { attempt } = open();
    const limits: Record<string, LimitDefinition<{ a: number; b: number }>> = {
      a: { max: 5, of: ({ a }) => a },
      b: { max: 5, of: ({ b }) => b },
    };
    expect(await attempt({ a: 5, b: 5 }, { limits })).toMatchObject({ status: 'executed' });
    expect(await attempt({ a: 6, b: 5 }, { limits })).toMatchObject(brokenBy(6, 5, 'a'));
    expect(await attempt({ a: 5, b: 6 }, { limits })).toMatchObject(brokenBy(6, 5, 'b'));
  });

  test('holds reads and drafts too', async () => {
    const { attempt } = open();
    for (const effect of ['read', 'draft'] as const)
      expect(await attempt({ cents: 20_001 }, { effect })).toMatchObject(brokenBy(20_001));
  });

  test('is a wall for what is only drafted too: no draft is made of what does not keep it', async () => {
    const { attempt } = open({ mode: 'draft_only' });
    const draft = vi.fn((input: Refund) => `refund of ${input.cents}`);
    expect(await attempt({ cents: 20_000 }, { draft })).toMatchObject({ status: 'drafted' });
    expect(await attempt({ cents: 20_001 }, { draft })).toMatchObject({
      status: 'blocked',
      decision: { mode: 'draft_only', cause: { kind: 'limit' } },
    });
    expect(await attempt({ cents: 20_001 })).toMatchObject({ status: 'blocked' });
    expect(draft).toHaveBeenCalledTimes(1);
  });

  test('is asked before anybody is: nobody is asked to approve what does not keep it', async () => {
    const { attempt } = open({ mode: 'approval_gated' });
    expect((await attempt({ cents: 20_001 })).decision.cause.kind).toBe('limit');
  });

  test('is kept by what a redirect makes of the input, or that is blocked', async () => {
    const { attempt, ran } = open({ mode: 'test_mode' });
    const redirect = (input: Refund): Refund => ({ ...input, to: 'owner', cents: input.cents * 2 });
    expect(await attempt<Refund>({ cents: 10_000 }, { redirect })).toMatchObject({ status: 'redirected' });
    expect(await attempt<Refund>({ cents: 10_001 }, { redirect })).toMatchObject({
      status: 'blocked',
      decision: { mode: 'test_mode', cause: { kind: 'limit', value: 20_002 } },
    });
    expect(await attempt<Refund>({ cents: 20_001 }, { redirect: () => ({ cents: 1 }) })).toMatchObject({
      status: 'blocked',
      decision: { cause: { value: 20_001 } },
    });
    expect(ran).toEqual([{ cents: 20_000, to: 'owner' }]);
  });

  test('does not hide a kill: what is stopped says by whom', async () => {
    const { hand, attempt } = open();
    hand.mode = 'full_stop';
    expect(await attempt({ cents: 20_001 })).toMatchObject({
      decision: { mode: 'full_stop', cause: { kind: 'mode' } },
    });
    hand.mode = 'live';
    const confirmNow = async () => {
      hand.mode = 'full_stop';
      return FRESH;
    };
    const late = open({ confirmNow });
    Object.defineProperty(late.hand, 'mode', { get: () => hand.mode });
    expect(await late.attempt({ cents: 1 }, { irreversible: true })).toMatchObject({
      status: 'blocked',
      decision: { mode: 'full_stop', cause: { kind: 'mode' } },
    });
  });
});

describe('the flag of a limit in the store', () => {
  test('lowers the limit in code and never raises it', async () => {
    const { hand, attempt } = open();
    hand.limits['refund.max'] = 5000;
    expect(await attempt({ cents: 5000 })).toMatchObject({ status: 'executed' });
    expect(await attempt({ cents: 5001 })).toMatchObject(brokenBy(5001, 5000));
    hand.limits['refund.max'] = 1_000_000;
    expect(await attempt({ cents: 20_001 })).toMatchObject(brokenBy(20_001));
    hand.limits['refund.max'] = 0;
    expect(await attempt({ cents: 1 })).toMatchObject(brokenBy(1, 0));
    expect(await attempt({ cents: 0 })).toMatchObject({ status: 'executed' });
  });

  test.each([Number.NaN, -1, Number.POSITIVE_INFINITY, '5' as never])(
    'that means nothing, %o, leaves it',
    async (flag) => {
      const { hand, attempt } = open();
      hand.limits['refund.max'] = flag;
      expect(await attempt({ cents: 20_000 })).toMatchObject({ status: 'executed' });
      expect(await attempt({ cents: 20_001 })).toMatchObject(brokenBy(20_001));
    },
  );

  test('that is lowered between the first check and the start blocks', async () => {
    const { hand, attempt, execute, guard, records } = open({
      confirmNow: async () => {
        hand.limits['refund.max'] = 5;
        return FRESH;
      },
    });
    expect(await attempt({ cents: 6 }, { irreversible: true })).toMatchObject(brokenBy(6, 5));
    expect(execute).not.toHaveBeenCalled();
    await guard.interventions.close();
    expect(records).toMatchObject([{ state: 'not_started', cause: { kind: 'limit' } }]);
  });

  test('that is lowered while a redirect is made blocks', async () => {
    const { hand, attempt, execute } = open({ mode: 'test_mode' });
    const redirect = async (input: Refund): Promise<Refund> => {
      hand.limits['refund.max'] = 5;
      return input;
    };
    expect(await attempt<Refund>({ cents: 6 }, { redirect })).toMatchObject({
      decision: { cause: { value: 6, max: 5 } },
    });
    expect(execute).not.toHaveBeenCalled();
  });

  test('that is lowered while the call waits in a pause blocks', async () => {
    const { hand, guard, execute } = open({ mode: 'paused' });
    const calling = attemptOnce(
      guard,
      { name: 'payments.refund', limits: MAX, execute: execute as never },
      { input: { cents: 6 }, waitMs: Number.POSITIVE_INFINITY },
    );
    await vi.waitFor(() => expect(hand.changes.isEmpty).toBe(false));
    hand.limits['refund.max'] = 5;
    hand.mode = 'live';
    hand.changed();
    expect(await calling).toMatchObject(brokenBy(6, 5));
  });

  test('that is lowered by the very code that is asked for the amount counts', async () => {
    const { hand, attempt, execute } = open();
    let asked = 0;
    const of = (input: Refund): number => {
      asked += 1;
      if (asked === 2) hand.limits['a'] = 5;
      return input.cents;
    };
    const outcome = await attempt({ cents: 6 }, { limits: { a: { max: 10, of }, b: { max: 10, of } } });
    expect(outcome).toMatchObject(brokenBy(6, 5, 'a'));
    expect(execute).not.toHaveBeenCalled();
  });

  test('lowers a limit in decimals, by exact comparison', async () => {
    const { hand, attempt } = open();
    const limits = { usd: { max: '0.30000000000000004', of: (input: { usd: string }) => input.usd } };
    hand.limits['usd'] = 0.3;
    expect(await attempt({ usd: '0.3' }, { limits })).toMatchObject({ status: 'executed' });
    expect(await attempt({ usd: '0.30000000000000001' }, { limits })).toMatchObject(
      brokenBy('0.30000000000000001', '0.3', 'usd'),
    );
  });
});

describe('what runs is what was checked', () => {
  test('what the caller does to its object right after the call changes nothing', async () => {
    const { attempt, ran } = open();
    const input = { cents: 5, to: 'a', items: [{ cents: 5 }] };
    const calling = attempt(input);
    input.cents = 1e9;
    const [item] = input.items;
    if (item) item.cents = 1e9;
    input.items.push({ cents: 1 });
    expect(await calling).toMatchObject({ status: 'executed' });
    expect(ran).toEqual([{ cents: 5, to: 'a', items: [{ cents: 5 }] }]);
  });

  test('nor does what it does while the event loop is given a turn, while a schema waits, or while the action runs', async () => {
    let turned = (): void => {};
    const { attempt } = open({
      turns: { beforeCall: () => new Promise<void>((resolve) => (turned = resolve)), beforeStart: () => null },
    });
    let parsed = (): void => {};
    const waits = z
      .object({ cents: z.number() })
      .refine(() => new Promise<boolean>((resolve) => (parsed = () => resolve(true))));
    let seen: (() => number) | undefined;
    let goOn = (): void => {};
    const execute = async (input: Refund): Promise<number> => {
      seen = () => input.cents;
      await new Promise<void>((resolve) => (goOn = resolve));
      return input.cents;
    };
    const input = { cents: 5 };
    const calling = attempt(input, { inputSchema: waits, execute });
    input.cents = 6;
    turned();
    await vi.waitFor(() => expect(parsed.name).toBe('parsed'));
    input.cents = 1e9;
    parsed();
    await vi.waitFor(() => expect(seen?.()).toBe(5));
    input.cents = 1e9;
    goOn();
    expect(await calling).toMatchObject({ status: 'executed', result: 5 });
  });

  test('two calls with one object have a copy each', async () => {
    const { attempt, ran } = open();
    const input = { cents: 5 };
    const execute = (mine: Refund): void => {
      mine.cents += 1;
      ran.push(mine);
    };
    await Promise.all([attempt(input, { execute }), attempt(input, { execute })]);
    expect(ran).toEqual([{ cents: 6 }, { cents: 6 }]);
    expect(input).toEqual({ cents: 5 });
  });

  test('an of that changes its input changes neither what the next one is asked about nor what runs', async () => {
    const { attempt, ran } = open();
    const meddles = (input: Refund): number => {
      input.cents = 0;
      return 0;
    };
    const limits = { meddles: { max: 5, of: meddles }, ...MAX };
    expect(await attempt({ cents: 20_001 }, { limits })).toMatchObject(brokenBy(20_001));
    expect(await attempt({ cents: 7 }, { limits })).toMatchObject({ status: 'executed' });
    expect(ran).toEqual([{ cents: 7 }]);
  });

  test('what a handler keeps of its input and changes later is checked as it is then, and runs as it was checked', async () => {
    const { attempt, ran } = open({ mode: 'test_mode' });
    let kept: Refund | undefined;
    const redirect = (input: Refund): Refund => {
      kept = input;
      return input;
    };
    const limits = {
      'refund.max': {
        max: 20_000,
        of(input: Refund) {
          if (kept) kept.cents = 1e9;
          return input.cents;
        },
      },
    };
    expect(await attempt<Refund>({ cents: 5 }, { redirect, limits })).toMatchObject({ status: 'redirected' });
    expect(ran).toEqual([{ cents: 5 }]);
  });

  test('a handler that keeps its input has no hand in what runs, where the call goes on without a redirect', async () => {
    const { hand, attempt } = open({ mode: 'test_mode' });
    let kept: Refund | undefined;
    const redirect = async (input: Refund): Promise<Refund> => {
      kept = input;
      hand.mode = 'live';
      return input;
    };
    const execute = async (input: Refund): Promise<number> => {
      if (kept) kept.cents = 1e9;
      return input.cents;
    };
    expect(await attempt<Refund>({ cents: 5 }, { redirect, execute })).toMatchObject({ status: 'executed', result: 5 });
    expect(kept).toEqual({ cents: 1e9 });
  });

  test('an input with a getter, or that is a proxy, is refused before anything is decided', async () => {
    const { hand, attempt, execute } = open();
    hand.mode = 'full_stop';
    let reads = 0;
    const getter = Object.defineProperty({}, 'cents', { enumerable: true, get: () => (reads++ < 4 ? 5 : 1e9) });
    const proxy = new Proxy({ cents: 5 }, { get: () => (reads++ < 4 ? 5 : 1e9) });
    for (const input of [getter, proxy, { at: new Date(), ...{ order: proxy } }]) {
      const thrown = await attempt(input).catch((error: unknown) => error);
      expect(thrown).toBeInstanceOf(ActionInputError);
      expect(thrown).toMatchObject({ code: 'NOT_PLAIN_DATA' });
    }
    expect(reads).toBe(0);
    expect(execute).not.toHaveBeenCalled();
  });

  test('a schema may read a getter, and what it makes of it is the input; it may return none', async () => {
    const { attempt, ran } = open();
    const inputSchema = z.object({ cents: z.number() });
    const input = Object.defineProperty({ cents: 0 }, 'cents', { enumerable: true, get: () => 7 });
    expect(await attempt(input, { inputSchema })).toMatchObject({ status: 'executed' });
    expect(ran).toEqual([{ cents: 7 }]);
    const gives = inputSchema.transform((read) => Object.defineProperty(read, 'cents', { get: () => 1e9 }));
    await expect(attempt({ cents: 1 }, { inputSchema: gives })).rejects.toMatchObject({ code: 'NOT_PLAIN_DATA' });
  });

  test('a redirect that gives a getter blocks', async () => {
    const { attempt, execute } = open({ mode: 'test_mode' });
    const redirect = (input: Refund): Refund => Object.defineProperty(input, 'cents', { get: () => 1e9 });
    expect(await attempt<Refund>({ cents: 1 }, { redirect })).toMatchObject({
      status: 'blocked',
      decision: { cause: { code: 'HANDLER_FAILED', message: expect.stringContaining('cents: is a getter') } },
    });
    expect(execute).not.toHaveBeenCalled();
  });

  test('an instance stays the caller’s own, and is checked again right before the start', async () => {
    class Order {
      cents = 5;
    }
    const order = new Order();
    const { attempt, execute } = open({ mode: 'test_mode' });
    const redirect = (asked: Order): Order => {
      queueMicrotask(() => {
        asked.cents = 1e9;
      });
      return asked;
    };
    expect(await attempt(order, { redirect })).toMatchObject({
      status: 'blocked',
      decision: { cause: { kind: 'limit', value: 1e9 } },
    });
    expect(execute).not.toHaveBeenCalled();
    order.cents = 5;
    expect(await attempt(order, { redirect: (asked) => asked })).toMatchObject({ status: 'redirected' });
    expect(execute.mock.calls[0]?.[0]).toBe(order);
  });

  test('an instance that would have to be hashed is refused', async () => {
    class Order {
      cents = 5;
    }
    const { attempt } = open();
    await expect(attempt(new Order(), { irreversible: true })).rejects.toMatchObject({ code: 'NOT_PLAIN_DATA' });
  });

  test('an amount beside what is no plain data is as safe', async () => {
    const { attempt, ran } = open();
    const input = { cents: 5, at: new Date(5), big: 5n, none: Number.NaN };
    const calling = attempt(input);
    input.cents = 1e9;
    input.at.setTime(9);
    expect(await calling).toMatchObject({ status: 'executed' });
    expect(ran).toEqual([{ cents: 5, at: new Date(5), big: 5n, none: Number.NaN }]);
  });

  test('an action without limits is given the caller’s own object, as before', async () => {
    const { attempt, execute } = open();
    const input = new Proxy({ cents: 1e9 }, {});
    expect(await attempt(input, { limits: {} })).toMatchObject({ status: 'executed' });
    expect(execute.mock.calls[0]?.[0]).toBe(input);
  });
});

/** What somebody does meanwhile: writes into the object that was given, or sets the flag. */
type Act = { readonly is: 'write'; readonly cents: unknown } | { readonly is: 'flag'; readonly value: number };
const cents = fc.oneof(fc.integer({ min: -5, max: 25_000 }), fc.double(), fc.anything());
const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ is: fc.constant('write' as const), cents }),
  fc.record({ is: fc.constant('flag' as const), value: fc.oneof(fc.nat(25_000), fc.double()) }),
);

test('whatever is given, and whatever is done meanwhile, nothing runs that does not keep the limit as it is then', async () => {
  const ends = new Set<string>();
  const scene = fc.record({
    given: cents,
    acts: fc.array(act, { maxLength: 8 }),
    mode: fc.constantFrom<Mode>('live', 'live', 'test_mode', 'draft_only'),
    irreversible: fc.boolean(),
    hasSchema: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(scene, async ({ given, acts, mode, irreversible, hasSchema }) => {
      const input: { cents: unknown; items: unknown[] } = { cents: given, items: [given] };
      const left = [...acts];
      const next = (): void => {
        const now = left.shift();
        if (now?.is === 'flag') hand.limits['refund.max'] = now.value;
        if (now?.is !== 'write') return;
        input.cents = now.cents;
        input.items.push(now.cents);
      };
      const { hand, attempt } = open({
        mode,
        turns: { beforeCall: async () => next(), beforeStart: () => null },
        confirmNow: async () => {
          next();
          return FRESH;
        },
      });
      const allowed = (): number => {
        const flag = hand.limits['refund.max'];
        return flag !== undefined && Number.isFinite(flag) && flag >= 0 ? Math.min(flag, 20_000) : 20_000;
      };
      const calling = attempt<typeof input>(input, {
        irreversible,
        limits: {
          'refund.max': {
            max: 20_000,
            of(mine) {
              next();
              mine.items.length = 0;
              return mine.cents as number;
            },
          },
        },
        ...(hasSchema && {
          inputSchema: {
            '~standard': {
              version: 1,
              vendor: 'test',
              async validate(value) {
                next();
                return { value: value as typeof input };
              },
            },
          },
        }),
        redirect(mine) {
          next();
          return mine;
        },
        draft() {
          next();
          return 'a draft';
        },
        async execute(mine) {
          const started = { cents: mine.cents, items: [...mine.items] };
          expect(typeof started.cents === 'number' && started.cents >= 0 && started.cents <= allowed()).toBe(true);
          const asked = { cents: given, items: [given] };
          expect(started).toEqual(irreversible ? JSON.parse(JSON.stringify(asked)) : asked); // JSON has no -0
          next();
          await Promise.resolve();
          expect(mine).toEqual(started);
        },
      });
      next();
      const refused = (error: unknown): { readonly status: string } => {
        if (error instanceof ActionInputError) return { status: error.code };
        throw error;
      };
      ends.add((await calling.catch(refused)).status);
    }),
    { numRuns: 1000 },
  );
  expect([...ends].sort()).toEqual(expect.arrayContaining(['blocked', 'drafted', 'executed', 'redirected']));
});

describe('without one of its steps', () => {
  const without = (name: string) => (steps: readonly Step[]) => steps.filter((step) => step.name !== name);

  test('the other one still stops what does not keep a limit', async () => {
    const { attempt, execute } = open();
    expect(await attempt({ cents: 20_001 }, {}, without('limits'))).toMatchObject(brokenBy(20_001));
    expect(execute).not.toHaveBeenCalled();
  });

  test('right before the start, nothing starts', async () => {
    const { attempt, execute } = open();
    expect(await attempt({ cents: 1 }, {}, without('last checks'))).toMatchObject({
      status: 'blocked',
      decision: { cause: { code: 'INTERNAL', message: 'nothing has checked what this action would execute' } },
    });
    expect(execute).not.toHaveBeenCalled();
  });
});
