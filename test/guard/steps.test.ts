import { describe, expect, test, vi } from 'vitest';
import { EFFECTS, MODES, verdictFor } from '../../flags/index.ts';
import { blocked } from '../../guard/decide.ts';
import { type Step, STEPS } from '../../guard/steps/index.ts';
import { attemptOnce, bareGuard, HandSwitch } from './bare-guard.ts';

/** A step as one would be added: its file, and a row of the list. */
const officeHours = (isOpen: () => boolean): Step => ({
  name: 'office hours',
  isFor: ({ name }) => name.startsWith('pay.'),
  take: (attempt) =>
    isOpen() ? 'go on' : attempt.refuse(blocked(attempt.subject, { kind: 'rule', rule: 'office hours', until: null })),
});

const without =
  (...names: readonly string[]) =>
  (steps: readonly Step[]) =>
    steps.filter((step) => !names.includes(step.name));

describe('the steps of an attempt', () => {
  test.each([
    ['who acts is known before the mode is asked for', ['identity', 'reading', 'deciding']],
    ['the event loop may turn before anything is asked of the application', ['deciding', 'fair turn', 'limits']],
    ['calls are counted before anything may refuse them', ['tripwires', 'limits', 'budgets']],
    ['caps are looked at before a verdict is acted on', ['limits', 'budgets', 'verdict']],
    ['the flags of limits are asked for before the mode, which must be fresh', ['limit flags', 'reading']],
    ['what is executed is checked again right before the start', ['confirm', 'last checks', 'start']],
    ['what needs a store is refused before a verdict is acted on', ['store', 'verdict']],
    ['a permit is asked for last, since it lasts a moment', ['verdict', 'intent', 'confirm', 'start']],
  ])('stand in an order: %s', (_, order) => {
    const names = STEPS.map(({ name }) => name);
    expect(names.filter((name) => order.includes(name))).toEqual(order);
    expect([names[0], names.at(-1)]).toEqual(['identity', 'start']);
  });

  test('are only those that an action needs', async () => {
    const names: string[][] = [];
    const guard = bareGuard({ hand: new HandSwitch() });
    const steps = (all: readonly Step[]): readonly Step[] => {
      names.push(all.map(({ name }) => name));
      return all;
    };
    const execute = (): void => {};
    await attemptOnce(guard, { name: 'a.read', effect: 'read', execute }, { input: null, steps });
    await attemptOnce(guard, { name: 'a.send', irreversible: true, execute }, { input: null, steps });
    const counted = ['identity', 'reading', 'deciding', 'fair turn', 'tripwires', 'budgets'];
    expect(names).toEqual([
      [...counted, 'verdict', 'intent', 'start'],
      [...counted, 'verdict', 'intent', 'journal', 'confirm', 'start'],
    ]);
  });

  test('take one more by a row, which may refuse', async () => {
    const guard = bareGuard({ hand: new HandSwitch() });
    let isOpen = true;
    const execute = vi.fn(() => 'paid');
    const steps = (all: readonly Step[]): readonly Step[] =>
      all.toSpliced(
        all.findIndex(({ name }) => name === 'verdict'),
        0,
        officeHours(() => isOpen),
      );
    expect(await attemptOnce(guard, { name: 'pay.out', execute }, { input: null, steps })).toMatchObject({
      status: 'executed',
    });
    isOpen = false;
    expect(await attemptOnce(guard, { name: 'pay.out', execute }, { input: null, steps })).toMatchObject({
      status: 'blocked',
      decision: { cause: { kind: 'rule', rule: 'office hours', until: null } },
    });
    expect(execute).toHaveBeenCalledTimes(1);
  });

  const DECIDING = ['reading', 'deciding', 'fair turn', 'store', 'verdict', 'intent', 'journal', 'confirm'];

  test.each([...DECIDING, 'start'])(
    'without the step %s the switch lets nothing more run than with it',
    async (name) => {
      let attempts = 0;
      for (const mode of MODES) {
        for (const effect of EFFECTS) {
          for (const [agentId, hasStore, irreversible] of [
            ['x', true, false],
            ['x', true, true],
            ['x', false, true],
          ] as const) {
            const hand = new HandSwitch();
            hand.mode = mode;
            const execute = vi.fn((input: string) => input);
            const definition = {
              name: 'a.b',
              effect,
              irreversible,
              execute,
              redirect: (input: string) => `safe ${input}`,
            };
            const guard = bareGuard({ hand, hasStore, agentId });
            const outcome = await attemptOnce(guard, definition, { input: 'it', steps: without(name) });
            const verdict = verdictFor(mode, effect);
            const mayRun = (verdict === 'allow' || verdict === 'redirect') && (!irreversible || hasStore);
            expect(execute.mock.calls.length).toBeLessThanOrEqual(mayRun ? 1 : 0);
            if (execute.mock.calls.length > 0) {
              expect(execute.mock.calls[0]?.[0]).toBe(verdict === 'redirect' ? 'safe it' : 'it');
            } else expect(['blocked', 'drafted', 'paused']).toContain(outcome.status);
            attempts += 1;
          }
        }
      }
      expect(attempts).toBe(MODES.length * EFFECTS.length * 3);
    },
  );

  test('ask for nothing more once the mode blocks: the cause is the mode, not what a later step would say', async () => {
    const hand = new HandSwitch();
    hand.mode = 'full_stop';
    const definition = { name: 'a.b', limits: { mails: { max: 5, of: () => 1 } }, execute: () => 1 };
    expect(await attemptOnce(bareGuard({ hand }), definition, { input: null })).toMatchObject({
      status: 'blocked',
      decision: { mode: 'full_stop', cause: { kind: 'mode' } },
    });
  });

  test('without a store confirm nothing, which is no fault, and start nothing irreversible', async () => {
    const guard = bareGuard({ hand: new HandSwitch(), hasStore: false });
    const definition = { name: 'a.b', irreversible: true, execute: () => 1 };
    expect(await attemptOnce(guard, definition, { input: null, steps: without('store', 'journal') })).toMatchObject({
      status: 'blocked',
      decision: { cause: { kind: 'fault', code: 'STALE' } },
    });
  });

  test('that throw are a fault of ours: nothing starts, and the call is blocked', async () => {
    const guard = bareGuard({ hand: new HandSwitch() });
    const execute = vi.fn();
    const broken: Step = {
      name: 'broken',
      isFor: () => true,
      take() {
        throw new Error('password=hunter2hunter2');
      },
    };
    for (let at = 0; at < 6; at += 1) {
      const steps = (all: readonly Step[]): readonly Step[] => all.toSpliced(at, 0, broken);
      const outcome = await attemptOnce(guard, { name: 'a.b', effect: 'read', execute }, { input: null, steps });
      expect(outcome).toMatchObject({ status: 'blocked', decision: { cause: { kind: 'fault', code: 'INTERNAL' } } });
      expect(JSON.stringify(outcome)).not.toContain('hunter2');
    }
    expect(execute).not.toHaveBeenCalled();
  });

  test('an input that was redirected is performed as it is where the next round allows it', async () => {
    const hand = new HandSwitch();
    hand.mode = 'test_mode';
    const execute = vi.fn((input: string) => input);
    const redirect = (input: string): string => {
      hand.mode = 'live';
      return `safe ${input}`;
    };
    expect(await attemptOnce(bareGuard({ hand }), { name: 'a.b', execute, redirect }, { input: 'it' })).toMatchObject({
      status: 'executed',
      result: 'it',
    });
    expect(execute.mock.calls.map(([input]) => input)).toEqual(['it']);
  });
});
