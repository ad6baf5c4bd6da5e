import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Mode } from '../../flags/index.ts';
import type { CreateKillSwitchOptions, HandlerContext } from '../../index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import { temporaryFolder } from '../servers/lifetime.ts';
import { openMemorySwitch, openSwitch } from './open-switch.ts';

async function setUp(mode: Mode, options: Partial<CreateKillSwitchOptions> = {}) {
  const directory = join(temporaryFolder('handlers').path, 'switch');
  const { control, killSwitch } = await openSwitch(
    { store: fileStore({ directory }), controlStore: fileControlStore({ directory }) },
    { mode, agentId: 'x', executor: { name: 'e' }, ...options },
  );
  const shown = async () =>
    (await control.status()).executors.map(({ state, in_flight, draining }) => ({ state, in_flight, draining }));
  return { control, killSwitch, shown };
}

/** A handler that ends when it is let go, whatever it is told. */
function heldHandler() {
  let letGo = (): void => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  onTestFinished(() => letGo());
  const signals: AbortSignal[] = [];
  const handler = async <T>(input: T, context?: HandlerContext): Promise<T> => {
    if (context) signals.push(context.signal);
    begun();
    await held;
    return input;
  };
  let begun = (): void => {};
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve;
  });
  return { handler, hasBegun, letGo: () => letGo(), signals };
}

describe('a handler of the user’s that is under way', () => {
  test.each(['draft', 'redirect', 'inputSchema'])(
    '%s is in flight, aborted by a kill, and waited for',
    async (kind) => {
      const { control, killSwitch, shown } = await setUp(kind === 'redirect' ? 'test_mode' : 'draft_only');
      const { handler, hasBegun, letGo, signals } = heldHandler();
      const schema = {
        '~standard': {
          version: 1 as const,
          vendor: 'test',
          validate: async (value: unknown) => ({ value: await handler(value) }),
        },
      };
      const execute = vi.fn();
      const action = killSwitch.action({ name: 'mail', execute, [kind]: kind === 'inputSchema' ? schema : handler });
      const outcome = action.attempt('letter' as never);
      await hasBegun;
      await control.kill({ target: 'agent:x', reason: 'wrong', waitMs: 100 });
      expect(await shown()).toEqual([{ state: 'draining', in_flight: 1, draining: 1 }]);
      for (const signal of signals)
        expect(signal.reason).toMatchObject({ verdict: 'block', cause: { reason: 'wrong' } });
      expect(signals).toHaveLength(kind === 'inputSchema' ? 0 : 1);
      letGo();
      expect(await outcome).toMatchObject({ status: 'blocked', decision: { cause: { kind: 'kill' } } });
      await vi.waitFor(async () => expect(await shown()).toEqual([{ state: 'stopped', in_flight: 0, draining: 0 }]));
      expect(execute).not.toHaveBeenCalled();
    },
  );

  test('that takes too long is given up and aborted, and stays in flight until it ends', async () => {
    const { control, killSwitch, shown } = await setUp('draft_only', { handlerTimeoutMs: 50 });
    const { handler, hasBegun, letGo, signals } = heldHandler();
    const action = killSwitch.action({ name: 'mail', execute: () => 1, draft: handler });
    const outcome = action.attempt('letter' as never);
    await hasBegun;
    expect(await outcome).toMatchObject({ status: 'blocked', decision: { cause: { code: 'HANDLER_FAILED' } } });
    expect(signals[0]?.reason).toMatchObject({ cause: { code: 'HANDLER_FAILED' } });
    await control.kill({ target: 'all', reason: 'wrong', waitMs: 100 });
    expect(await shown()).toEqual([{ state: 'draining', in_flight: 1, draining: 1 }]);
    letGo();
    await vi.waitFor(async () => expect(await shown()).toEqual([{ state: 'stopped', in_flight: 0, draining: 0 }]));
  });

  test('gets the caller’s signal when the caller gives up', async () => {
    const { killSwitch } = await setUp('draft_only');
    const { handler, hasBegun, letGo, signals } = heldHandler();
    const action = killSwitch.action({ name: 'mail', execute: () => 1, draft: handler });
    const controller = new AbortController();
    const outcome = action.attempt('letter' as never, { signal: controller.signal });
    await hasBegun;
    controller.abort();
    expect(signals[0]?.aborted).toBe(true);
    letGo();
    await outcome;
  });
});

describe('closing', () => {
  test('reports work that goes on as draining until it has ended, and only then signs off', async () => {
    const { control, killSwitch, shown } = await setUp('live');
    const { handler, hasBegun, letGo } = heldHandler();
    const action = killSwitch.action({ name: 'mail', execute: () => handler('sent') });
    const outcome = action.attempt(undefined);
    await hasBegun;
    const closing = killSwitch.close();
    expect(killSwitch.close()).toBe(closing);
    await control.kill({ target: 'all', reason: 'wrong', waitMs: 700 });
    expect(await shown()).toEqual([{ state: 'draining', in_flight: 1, draining: 1 }]);
    letGo();
    expect(await outcome).toMatchObject({ status: 'aborted' });
    await closing;
    expect(await shown()).toEqual([]);
  });

  test('does not sign off while work ignores its signal: operators see it as silent, never as stopped', async () => {
    const { control, killSwitch, shown } = await setUp('live', { leaseMs: 500 });
    const { handler, hasBegun } = heldHandler();
    const action = killSwitch.action({ name: 'mail', execute: () => handler('sent') });
    void action.attempt(undefined);
    await hasBegun;
    await killSwitch.close();
    await vi.waitFor(async () => expect(await shown()).toEqual([{ state: 'silent', in_flight: 1, draining: 1 }]));
    await control.kill({ target: 'all', reason: 'wrong', waitMs: 100 });
    expect(await shown()).toEqual([{ state: 'silent', in_flight: 1, draining: 1 }]);
  });
});

describe('an inputSchema', () => {
  const schemaOf = (validate: () => unknown) =>
    ({ '~standard': { version: 1 as const, vendor: 'test', validate } }) as never;

  /** Ends what hangs once it has been given up: closing would wait for it. */
  const letGo = (): void => {
    for (const end of hung.splice(0)) end();
  };
  const hung: Array<() => void> = [];

  const NONSENSE: ReadonlyArray<readonly [string, () => unknown]> = [
    ['hangs', () => new Promise((resolve) => hung.push(() => resolve(undefined)))],
    ['gives nothing', () => undefined],
    ['gives null', () => null],
    ['gives a number', () => 1],
    ['gives a text', () => 'x'],
    ['gives an empty object', () => ({})],
    ['gives issues that are no list', () => ({ issues: true, value: 1 })],
    ['gives an issue that is none', () => ({ issues: [null] })],
    [
      'has a getter that throws',
      () => ({
        get issues() {
          throw new Error('password=hunter2hunter2');
        },
      }),
    ],
    ['gives a promise of nothing', async () => undefined],
  ];

  test.each(NONSENSE)('that %s refuses the input, as one that throws does', async (_name, validate) => {
    const { killSwitch } = await openMemorySwitch({ agentId: 'x', handlerTimeoutMs: 50 });
    const execute = vi.fn();
    const action = killSwitch.action({ name: 'mail', execute, inputSchema: schemaOf(validate) });
    const error = await action.attempt(undefined).catch((caught: unknown) => caught);
    letGo();
    expect(error).toMatchObject({ name: 'ActionInputError', code: 'INVALID_INPUT' });
    expect(String(error)).not.toContain('hunter2');
    expect(execute).not.toHaveBeenCalled();
  });

  test.each(NONSENSE)('that %s for a redirected input blocks the call', async (_name, validate) => {
    const { killSwitch } = await openMemorySwitch({ agentId: 'x', mode: 'test_mode', handlerTimeoutMs: 50 });
    const execute = vi.fn();
    let parsed = 0;
    const inputSchema = schemaOf(() => {
      parsed += 1;
      return parsed === 1 ? { value: 'given' } : validate();
    });
    const action = killSwitch.action({ name: 'mail', execute, inputSchema, redirect: (input) => input });
    const outcome = await action.attempt('given' as never);
    letGo();
    expect(outcome).toMatchObject({ status: 'blocked', decision: { cause: { code: 'HANDLER_FAILED' } } });
    expect(execute).not.toHaveBeenCalled();
  });

  test('that is no Standard Schema is refused when the action is defined', async () => {
    const { killSwitch } = await openMemorySwitch({ agentId: 'x' });
    expect(() => killSwitch.action({ name: 'mail', execute: () => 1, inputSchema: {} as never })).toThrow(
      'must be a Standard Schema',
    );
  });
});
