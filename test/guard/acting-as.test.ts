import { describe, expect, test } from 'vitest';
import type { GuardedAction } from '../../guard/action.ts';
import { actingAs } from '../../guard/acting-as.ts';

/** A run that has its name only while it is acted as, and an action that says as whom it was called, and with what. */
function open(isOurs = true) {
  let acts = 'nobody';
  const acting = actingAs(
    (inside) => {
      acts = 'the run';
      try {
        return inside();
      } finally {
        acts = 'nobody';
      }
    },
    () => isOurs,
  );
  const as = (...given: unknown[]): unknown[] => [acts, ...given];
  const action = Object.assign(async (...given: unknown[]) => as('called', ...given), {
    attempt: async (...given: unknown[]) => as('attempted', ...given),
    definition: { name: 'mail.send' },
  }) as unknown as GuardedAction<number, unknown>;
  return { acting, action, as };
}

describe('acting as a run', () => {
  test('calls and attempts an action as that run, with its input and options', async () => {
    const { acting, action, as } = open();
    const options = { waitMs: 1 };
    expect(await acting.call(action, 1, options)).toEqual(['the run', 'called', 1, options]);
    expect(await acting.attempt(action, 1, options)).toEqual(['the run', 'attempted', 1, options]);
    expect(as()).toEqual(['nobody']);
  });

  test('binds a function, which keeps its `this`, its arguments and its result', () => {
    const { acting, as } = open();
    const bound = acting.bind(function (this: string, ...given: number[]) {
      return as(this, ...given);
    });
    expect(bound.call('me', 1, 2)).toEqual(['the run', 'me', 1, 2]);
    expect(as()).toEqual(['nobody']);
  });

  test('binds nothing but a function', () => {
    expect(() => open().acting.bind(7 as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: 'run.bind takes a function, not 7.' }),
    );
  });

  test.each([
    ['an action of another switch', open().action, '"mail.send" is'],
    ['no action at all', null, 'This is'],
  ])('refuses %s, which does not know this run', async (_what, action, says) => {
    const { acting } = open(false);
    const refusal = {
      code: 'INVALID_ARGUMENT',
      message: `${says} no action of the switch that this run belongs to: give the run what killSwitch.action(…) of the same switch returned.`,
    };
    await expect(acting.call(action as never, 1)).rejects.toMatchObject(refusal);
    await expect(acting.attempt(action as never, 1)).rejects.toMatchObject(refusal);
  });
});
