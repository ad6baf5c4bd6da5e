import { metrics } from '@opentelemetry/api';
import { afterEach, describe, expect, test } from 'vitest';
import { causeWord, type Decision, type Mode } from '../../flags/index.ts';
import { openMemorySwitch } from './open-switch.ts';
import { attemptOnce, type BareCall, bareGuard, type BareParts, FRESH, HandSwitch, TOO_OLD } from './bare-guard.ts';
import { leap } from '../leap.ts';

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A guard whose decisions are listed as they are counted. */
function counting(parts: Partial<BareParts> = {}) {
  const hand = new HandSwitch();
  const counted: string[] = [];
  const decided = ({ verdict, cause }: Decision): void => void counted.push(`${verdict} ${causeWord(cause)}`);
  return { hand, counted, guard: bareGuard({ hand, decided, ...parts }) };
}

const call = (more: Partial<BareCall<string>> = {}): BareCall<string> => ({ input: 'it', ...more });
const execute = (input: string): string => input;

/** Changes the mode while somebody waits, and lets those who wait notice each. */
async function pass(hand: HandSwitch, ...modes: readonly Mode[]): Promise<void> {
  for (const mode of modes) {
    for (let turns = 0; turns < 3; turns += 1) await immediate();
    hand.mode = mode;
    hand.changed();
  }
}

describe('an attempt is counted once, by the decision that it comes to', () => {
  test('also where it waits for fair turns of a busy event loop, and is decided after each', async () => {
    let busy = 3;
    const turns = { beforeCall: () => null, beforeStart: () => (busy-- > 0 ? immediate() : null) };
    const { guard, counted } = counting({ turns });
    await attemptOnce(guard, { name: 'a.b', execute }, call());
    expect(counted).toEqual(['allow mode']);
  });

  test('also where the switch moves while it waits for its turn', async () => {
    let busy = 1;
    const beforeStart = (): Promise<void> | null => {
      if (busy-- <= 0) return null;
      hand.mode = 'full_stop';
      return immediate();
    };
    const { hand, guard, counted } = counting({ turns: { beforeCall: () => null, beforeStart } });
    expect(await attemptOnce(guard, { name: 'a.b', execute }, call())).toMatchObject({ status: 'blocked' });
    expect(counted).toEqual(['block mode']);
  });

  test('also where its permit has run out, and it is decided again', async () => {
    let asked = 0;
    const { guard, counted } = counting({
      async confirmNow() {
        asked += 1;
        return asked >= 3 ? FRESH : TOO_OLD;
      },
    });
    await attemptOnce(guard, { name: 'a.b', execute, irreversible: true }, call());
    expect([asked, counted]).toEqual([3, ['allow mode']]);
  });

  test('as a block where the last look before execute finds a stop', async () => {
    const { hand, guard, counted } = counting({
      async confirmNow() {
        hand.mode = 'full_stop';
        return FRESH;
      },
    });
    await attemptOnce(guard, { name: 'a.b', execute, irreversible: true }, call());
    expect(counted).toEqual(['block mode']);
  });

  test('once as redirected, though it is decided before and after its input is made', async () => {
    const { hand, guard, counted } = counting();
    hand.mode = 'test_mode';
    await attemptOnce(guard, { name: 'a.b', execute, redirect: (input) => input }, call());
    expect(counted).toEqual(['redirect mode']);
  });

  test('as drafted, or as blocked where its draft fails', async () => {
    const { hand, guard, counted } = counting();
    hand.mode = 'draft_only';
    await attemptOnce(guard, { name: 'a.b', execute, draft: (input) => input }, call());
    await attemptOnce(guard, { name: 'a.b', execute, draft: () => undefined }, call());
    expect(counted).toEqual(['draft mode', 'block HANDLER_FAILED']);
  });

  test('as blocked where nobody is named for it, though nothing was read then', async () => {
    const { guard, counted } = counting({ agentId: '' });
    await attemptOnce(guard, { name: 'a.b', execute }, call());
    expect(counted).toEqual(['block identity']);
  });

  test('where its caller aborts before it starts', async () => {
    const { guard, counted } = counting();
    await attemptOnce(guard, { name: 'a.b', execute }, call({ signal: AbortSignal.abort() }));
    expect(counted).toEqual(['allow mode']);
  });

  test('where execute throws', async () => {
    const { guard, counted } = counting();
    const broken = (): string => {
      throw new Error('mine');
    };
    await expect(attemptOnce(guard, { name: 'a.b', execute: broken }, call())).rejects.toThrow('mine');
    expect(counted).toEqual(['allow mode']);
  });

  test.each([true, false])(
    'and a pause in which it waits once more, however often it looks (store: %s)',
    async (hasStore) => {
      const { hand, guard, counted } = counting({ hasStore });
      hand.mode = 'paused';
      const attempting = attemptOnce(guard, { name: 'a.b', execute }, call({ waitMs: Number.POSITIVE_INFINITY }));
      await pass(hand, 'paused', 'paused', 'live');
      await attempting;
      expect(counted).toEqual(['pause mode', 'allow mode']);
    },
  );

  test('by the pause alone where its caller waits no longer', async () => {
    const { hand, guard, counted } = counting();
    hand.mode = 'paused';
    expect(await attemptOnce(guard, { name: 'a.b', execute }, call())).toMatchObject({ status: 'paused' });
    expect(counted).toEqual(['pause mode']);
  });

  test('after execute was called: the app’s meter runs neither between the last look and it, nor in the time counted', async () => {
    const order: string[] = [];
    let took = Number.NaN;
    const { guard } = counting({
      decided(_decision, ms) {
        order.push('counted');
        took = ms;
      },
    });
    const slow = (): void => {
      order.push('executed');
      leap(60_000);
    };
    await attemptOnce(guard, { name: 'a.b', execute: slow }, { input: null });
    expect(order).toEqual(['executed', 'counted']);
    expect(took).toBeLessThan(10_000);
  });
});

describe('checkpoints and jobs', () => {
  afterEach(() => metrics.disable());

  /** A meter of the app's that lists the decisions. */
  function listDecisions(): string[] {
    const counted: string[] = [];
    const add = (_by: number, { verdict, cause }: Record<string, string>): void =>
      void counted.push(`${verdict} ${cause}`);
    metrics.setGlobalMeterProvider({
      getMeter: () =>
        ({
          createCounter: () => ({ add }),
          createHistogram: () => ({ record() {} }),
          createObservableGauge: () => ({}),
          addBatchObservableCallback() {},
          removeBatchObservableCallback() {},
        }) as never,
    });
    return counted;
  }

  test('are counted once each, and a checkpoint’s pause once besides', async () => {
    const counted = listDecisions();
    const { killSwitch, control } = await openMemorySwitch({ agentId: 'x' });
    const job = killSwitch.job({}, () => 'did');
    await job();
    await control.kill({ target: 'agent:x', mode: 'paused', reason: 'wait' });
    await job();
    const running = killSwitch.run({ agentId: 'x' }, (run) => run.checkpoint('here'));
    await pass(new HandSwitch(), 'paused', 'paused');
    await control.revive({ target: 'agent:x', reason: 'go on' });
    await running;
    expect(counted).toEqual(['allow mode', 'pause kill', 'pause kill', 'allow mode']);
  });
});
