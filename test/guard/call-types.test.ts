import { describe, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import type {
  ActionDefinition,
  CallOptions,
  CreateKillSwitchOptions,
  ExecuteContext,
  GuardedAction,
  KillSwitch,
  Run,
} from '../../index.ts';

// Nothing here runs: the types gate compiles it, and fails where an error is expected and there is none.
declare const killSwitch: KillSwitch;
declare const run: Run;
declare const options: CallOptions;

/** Compiled, never called. */
const compiles = (_calls: () => unknown): void => {};

describe('an action that takes no input', () => {
  const ping = () => killSwitch.action({ name: 'shop.ping', execute: () => 1 });

  test('is called and attempted without one, and takes options after it', () => {
    compiles(() => {
      const action = ping();
      expectTypeOf(action()).toEqualTypeOf<Promise<number>>();
      expectTypeOf(action.attempt()).resolves.toHaveProperty('decision');
      void action(undefined, options);
      void action.attempt(undefined, options);
      void run.call(action);
      void run.attempt(action);
      void run.attempt(action, undefined, options);
    });
  });

  test('and one whose input may be undefined as well', () => {
    compiles(() => {
      const action = killSwitch.action({ name: 'shop.list', execute: (page: number | undefined) => [page] });
      void action();
      void action(2);
      const parsed = killSwitch.action({
        name: 'shop.find',
        inputSchema: z.string().optional(),
        execute: (word) => word,
      });
      expectTypeOf(parsed()).toEqualTypeOf<Promise<string | undefined>>();
      // @ts-expect-error the input is a text
      void parsed(5);
    });
  });
});

describe('an action that takes an input', () => {
  test('is not called without one', () => {
    compiles(() => {
      const refund = killSwitch.action({ name: 'pay.refund', execute: ({ cents }: { cents: number }) => cents });
      void refund({ cents: 1 });
      // @ts-expect-error it needs its input
      void refund();
      // @ts-expect-error it needs its input
      void refund.attempt();
      // @ts-expect-error it needs its input
      void refund.attempt(undefined, options);
      // @ts-expect-error it needs its input
      void run.call(refund);
      // @ts-expect-error it needs its input
      void run.attempt(refund);
      // @ts-expect-error cents is a number
      void refund.attempt({ cents: '1' });
    });
  });

  test('nor is one with an inputSchema', () => {
    compiles(() => {
      const refund = killSwitch.action({
        name: 'pay.refund',
        inputSchema: z.object({ cents: z.number() }),
        execute: ({ cents }) => cents,
      });
      expectTypeOf(refund({ cents: 1 })).toEqualTypeOf<Promise<number>>();
      // @ts-expect-error it needs its input
      void refund();
      // @ts-expect-error it needs its input
      void refund.attempt();
      // @ts-expect-error cents is a number
      void run.attempt(refund, { cents: '1' });
    });
  });
});

test('options that do not exist do not compile', () => {
  compiles(() => {
    // @ts-expect-error irreversible is meant
    void killSwitch.action({ name: 'pay.refund', execute: () => 1, irreversable: true });
    // @ts-expect-error feature is meant
    void killSwitch.action({ name: 'pay.refund', execute: () => 1, Feature: 'refunds' });
    // @ts-expect-error the executor has a name
    const wrong: CreateKillSwitchOptions = { executor: { nam: 'mailer' } };
    return wrong;
  });
});

test('code that is generic over the input passes it on', () => {
  const wrap =
    <Input, Result>(action: GuardedAction<Input, Result>) =>
    (...given: Parameters<typeof action>) =>
      action.attempt(...given);
  const define = <Input>(definition: ActionDefinition<Input, void>): GuardedAction<Input, void> =>
    killSwitch.action(definition);
  compiles(() => [wrap, define]);
});

describe('the type of the input, where `execute` leaves its second argument to be inferred', () => {
  interface Refund {
    readonly usd: string;
  }

  test('reaches limits that stand after it', () => {
    compiles(() =>
      killSwitch.action({
        name: 'pay.refund',
        execute: async (input: Refund, { signal }) => [input.usd, signal],
        limits: { most: { max: '1', of: (input) => input.usd } },
      }),
    );
  });

  test('reaches limits that stand before it only where that has a type', () => {
    compiles(() =>
      killSwitch.action({
        name: 'pay.refund',
        // @ts-expect-error -- TypeScript infers in the order in which members are written
        limits: { most: { max: '1', of: (input) => input.usd } },
        // @ts-expect-error -- so that it is unknown by then
        execute: async (input: Refund, { signal }) => [input.usd, signal],
      }),
    );
    compiles(() =>
      killSwitch.action({
        name: 'pay.refund',
        limits: { most: { max: '1', of: (input) => input.usd } },
        execute: async (input: Refund, { signal }: ExecuteContext) => [input.usd, signal],
      }),
    );
  });
});
