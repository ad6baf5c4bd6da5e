import { describe, expect, test, vi } from 'vitest';
import type { Mode } from '../../flags/index.ts';
import type { ConfirmOutcome } from '../../store/replica.ts';
import { attemptOnce, type BareCall, bareGuard, type BareParts, FRESH, HandSwitch } from './bare-guard.ts';

const IRREVERSIBLE = { name: 'a.b', irreversible: true } as const;

/** A guard whose store is asked for a permit between the decision and the start: then `meanwhile` happens, once. */
function open(mode: Mode, meanwhile: (hand: HandSwitch) => void, parts: Partial<BareParts> = {}) {
  const hand = new HandSwitch();
  hand.mode = mode;
  const confirmNow = vi.fn(async () => {
    if (confirmNow.mock.calls.length === 1) meanwhile(hand);
    return FRESH;
  });
  const execute = vi.fn((input: string) => `did ${input}`);
  return { hand, guard: bareGuard({ hand, confirmNow, ...parts }), confirmNow, execute };
}

const call = (more: Partial<BareCall<string>> = {}): BareCall<string> => ({ input: 'it', ...more });

describe('between the decision and the start', () => {
  const redirect = (input: string): string => `safe ${input}`;
  const draft = (input: string): string => `draft of ${input}`;

  test.each<[Mode, Mode, object, string[]]>([
    ['live', 'test_mode', { status: 'redirected', result: 'did safe it' }, ['safe it']],
    ['live', 'draft_only', { status: 'drafted', draft: 'draft of it' }, []],
    ['live', 'paused', { status: 'paused' }, []],
    ['live', 'approval_gated', { status: 'blocked' }, []],
    ['live', 'read_only', { status: 'blocked' }, []],
    ['live', 'full_stop', { status: 'blocked' }, []],
    ['test_mode', 'live', { status: 'redirected', result: 'did safe it' }, ['safe it']], // the evaluation was stricter
    ['test_mode', 'full_stop', { status: 'blocked' }, []],
  ])('the mode becomes another: %s, then %s', async (mode, then, outcome, inputs) => {
    const { guard, execute } = open(mode, (hand) => {
      hand.mode = then;
    });
    expect(await attemptOnce(guard, { ...IRREVERSIBLE, execute, redirect, draft }, call())).toMatchObject(outcome);
    expect(execute.mock.calls.map(([input]) => input)).toEqual(inputs);
  });

  test('the switch is closed', async () => {
    const { guard, execute } = open('live', (hand) => {
      hand.closed = true;
    });
    expect(await attemptOnce(guard, { ...IRREVERSIBLE, execute }, call())).toMatchObject({
      status: 'blocked',
      decision: { cause: { code: 'CLOSED' } },
    });
    expect(execute).not.toHaveBeenCalled();
  });

  test('the caller aborts: nothing is started, and nothing can have landed', async () => {
    const caller = new AbortController();
    const { guard, execute } = open('live', () => caller.abort());
    const outcome = await attemptOnce(guard, { ...IRREVERSIBLE, execute }, call({ signal: caller.signal }));
    expect(outcome).toEqual({ status: 'aborted', decision: outcome.decision, landed: 'no' });
    expect(outcome.decision.verdict).toBe('allow');
    expect(execute).not.toHaveBeenCalled();
  });
});

describe('an action that cannot be undone', () => {
  test('is blocked at once by the store’s own fault where the store confirms nothing', async () => {
    const fault = { code: 'STORE_UNREACHABLE', message: 'it is gone' } as const;
    const confirmNow = vi.fn(async (): Promise<ConfirmOutcome> => ({ is: 'failed', fault }));
    const { guard, execute } = open('live', () => {}, { confirmNow });
    expect(await attemptOnce(guard, { ...IRREVERSIBLE, execute }, call())).toMatchObject({
      status: 'blocked',
      decision: { mode: 'full_stop', cause: { kind: 'fault', ...fault } },
    });
    expect([confirmNow.mock.calls.length, execute.mock.calls]).toEqual([1, []]);
  });

  test('asks for no confirmation where its caller has aborted before', async () => {
    const { guard, confirmNow } = open('live', () => {});
    const execute = vi.fn();
    const outcome = await attemptOnce(guard, { ...IRREVERSIBLE, execute }, call({ signal: AbortSignal.abort() }));
    expect([outcome.status, confirmNow.mock.calls, execute.mock.calls]).toEqual(['aborted', [], []]);
  });

  test('asks again where no answer was read because this process was busy', async () => {
    const loop = vi.spyOn(performance, 'eventLoopUtilization').mockReturnValue({ idle: 0, active: 1, utilization: 1 });
    const confirmNow = vi.fn(
      async (): Promise<ConfirmOutcome> => (confirmNow.mock.calls.length > 2 ? FRESH : { is: 'late' }),
    );
    const { guard, execute } = open('live', () => {}, { confirmNow });
    expect(await attemptOnce(guard, { ...IRREVERSIBLE, execute }, call())).toMatchObject({ status: 'executed' });
    loop.mockRestore();
    expect([confirmNow.mock.calls.length, execute.mock.calls.length]).toEqual([3, 1]);
  });

  test('never starts without a permit, also where a step were forgotten that asks for it', async () => {
    const { guard, execute } = open('live', () => {});
    const steps: BareCall<string>['steps'] = (all) => all.filter(({ name }) => name !== 'confirm');
    expect(await attemptOnce(guard, { ...IRREVERSIBLE, execute }, call({ steps }))).toMatchObject({
      status: 'blocked',
      decision: { cause: { code: 'STALE' } },
    });
    expect(execute).not.toHaveBeenCalled();
  });
});

describe('an action that has started', () => {
  test('is in flight while it runs, and gets a signal and a key', async () => {
    const { hand, guard } = open('live', () => {});
    const given: unknown[] = [];
    const execute = async (_input: string, context: { signal: AbortSignal; idempotencyKey: string }) => {
      given.push([hand.inFlight.count, context.signal.aborted, context.idempotencyKey]);
      await new Promise((resolve) => setImmediate(resolve));
      given.push(hand.inFlight.count);
      return 'done';
    };
    expect(await attemptOnce(guard, { name: 'a.b', execute }, call({ idempotencyKey: 'mine' }))).toMatchObject({
      status: 'executed',
      result: 'done',
    });
    expect([...given, hand.inFlight.count]).toEqual([[1, false, 'mine'], 1, 0]);
  });

  test.each([
    [
      'throws',
      () => {
        throw new TypeError('mine');
      },
    ],
    ['rejects', () => Promise.reject(new TypeError('mine'))],
    [
      'returns what cannot be awaited',
      () =>
        // oxlint-disable-next-line unicorn/no-thenable -- that is what is tested
        Object.defineProperty({}, 'then', {
          get() {
            throw new TypeError('mine');
          },
        }),
    ],
  ])('fails with its own error where it %s, and is in flight no longer', async (_how, execute: () => unknown) => {
    const { hand, guard } = open('live', () => {});
    await expect(attemptOnce<string, unknown>(guard, { name: 'a.b', execute }, call())).rejects.toEqual(
      new TypeError('mine'),
    );
    expect(hand.inFlight.count).toBe(0);
  });

  test('is stopped by the switch, not by its caller, where its caller is an action that finds the stop first', async () => {
    const { hand, guard } = open('live', () => {});
    let callers: AbortSignal | undefined;
    const outer = await attemptOnce<string, AsyncGenerator<number>>(
      guard,
      {
        name: 'a.outer',
        async execute(_input, { signal }) {
          callers = signal;
          return (async function* () {
            yield 1;
          })();
        },
      },
      call(),
    );
    const execute = (_input: string, { signal }: { readonly signal: AbortSignal }): Promise<never> =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('cut'))));
    const inner = attemptOnce(guard, { name: 'a.inner', execute }, call({ ...(callers && { signal: callers }) }));
    await new Promise((resolve) => setImmediate(resolve));
    hand.mode = 'full_stop'; // nobody has told what runs: the next step of the result finds it
    const steps = outer.status === 'executed' ? outer.result : undefined;
    await expect(steps?.next()).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await inner).toMatchObject({ status: 'aborted', decision: { mode: 'full_stop', action: 'a.inner' } });
  });

  test('gives what its own kind of promise gives', async () => {
    const { guard } = open('live', () => {});
    // oxlint-disable-next-line unicorn/no-thenable -- that is what is tested
    const thenable = { then: (resolve: (value: string) => void) => void resolve('later') };
    const execute = (): Promise<string> => thenable as unknown as Promise<string>;
    expect(await attemptOnce(guard, { name: 'a.b', execute }, call())).toMatchObject({ result: 'later' });
  });
});
