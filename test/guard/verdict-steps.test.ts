import { describe, expect, test, vi } from 'vitest';
import type { Intervention, Mode } from '../../flags/index.ts';
import type { ActionDefinition } from '../../index.ts';
import type { Step } from '../../guard/steps/index.ts';
import { attemptOnce, type BareCall, bareGuard, type BareParts, FRESH, HandSwitch, TOO_OLD } from './bare-guard.ts';

const MODE: Mode[] = ['draft_only', 'test_mode'];

function open(mode: Mode, parts: Partial<BareParts> = {}) {
  const hand = new HandSwitch();
  hand.mode = mode;
  const records: Intervention[] = [];
  const guard = bareGuard({ hand, record: async (more) => void records.push(...more), ...parts });
  const execute = vi.fn((input: string) => `did ${input}`);
  const attempt = (more: Partial<ActionDefinition<string, string>> = {}, call: Partial<BareCall<string>> = {}) =>
    attemptOnce(guard, { name: 'a.b', execute, ...more }, { input: 'it', ...call });
  return { hand, guard, execute, records, attempt };
}

const blockedBy = (code: string, message: unknown) => ({
  status: 'blocked',
  decision: { verdict: 'block', cause: { kind: 'fault', code, message } },
});

/** The steps of an action, with one more before the verdict that waits and changes the mode meanwhile. */
const meanwhile =
  (hand: HandSwitch, mode: Mode) =>
  (steps: readonly Step[]): readonly Step[] =>
    steps.flatMap((step) =>
      step.name === 'verdict'
        ? [
            {
              name: 'slow',
              isFor: () => true,
              async take() {
                hand.mode = mode;
                return 'go on' as const;
              },
            },
            step,
          ]
        : [step],
    );

describe('a handler is not called any more where the switch has moved on while an earlier step waited', () => {
  test.each(MODE)('in %s', async (mode) => {
    const { hand, attempt, execute } = open(mode);
    const handler = vi.fn((input: string) => input);
    const outcome = await attempt({ draft: handler, redirect: handler }, { steps: meanwhile(hand, 'full_stop') });
    expect(outcome).toMatchObject({ status: 'blocked', decision: { mode: 'full_stop', cause: { kind: 'mode' } } });
    expect([handler.mock.calls, execute.mock.calls]).toEqual([[], []]);
  });
});

describe('a draft', () => {
  test.each<[string, () => unknown, unknown]>([
    ['nothing', () => undefined, 'its draft handler returned nothing'],
    [
      'something that goes on',
      function* () {
        yield 1;
      },
      'its draft handler returned something that could act after the call (a generator, a stream, a promise, a timer): await it in the handler',
    ],
    [
      'an error',
      () => {
        throw new Error('mine');
      },
      expect.stringMatching(/^its draft handler .*mine/),
    ],
  ])('of %s is a block that says so, and leaves one record', async (_what, draft, message) => {
    const { guard, attempt, records, execute } = open('draft_only');
    expect(await attempt({ draft })).toMatchObject(blockedBy('HANDLER_FAILED', message));
    await guard.interventions.close();
    expect(records.map(({ status }) => status)).toEqual(['blocked']);
    expect(execute).not.toHaveBeenCalled();
  });

  test('that is null is one', async () => {
    expect(await open('draft_only').attempt({ draft: () => null })).toMatchObject({ status: 'drafted', draft: null });
  });

  test('of an action that makes none is a proposal, which the store has before the call returns', async () => {
    const { attempt, records } = open('draft_only');
    const outcome = await attempt();
    expect(outcome).toMatchObject({ status: 'drafted', draft: { proposalId: records[0]?.id, input: 'it' } });
    expect(records).toMatchObject([
      { proposal: true, status: 'drafted', state: 'drafted', input: 'it', verdict: 'draft', type: 'DOWNGRADE' },
    ]);
  });

  test('that the store does not take is a block with its words', async () => {
    const { attempt, execute } = open('draft_only', {
      record: async () => {
        throw new Error('disk full');
      },
    });
    expect(await attempt()).toMatchObject(
      blockedBy('JOURNAL_UNAVAILABLE', 'the proposal could not be recorded: disk full'),
    );
    expect(execute).not.toHaveBeenCalled();
  });

  test('is not given where the switch has stopped while it was made; in a pause it is', async () => {
    for (const [then, status] of [
      ['full_stop', 'blocked'],
      ['paused', 'drafted'],
      ['live', 'drafted'],
    ] as const) {
      const { hand, attempt } = open('draft_only');
      const draft = (): string => {
        hand.mode = then;
        return 'draft';
      };
      expect((await attempt({ draft })).status).toBe(status);
    }
  });
});

describe('a redirect', () => {
  const none = 'its redirect handler returned no input';
  test.each<[string, Partial<ActionDefinition<string, string>>, unknown]>([
    ['that is not declared', {}, 'a.b declares no safe destination (redirect) for test_mode'],
    ['to undefined', { redirect: () => undefined as never }, none],
    ['to null', { redirect: () => null as never }, none],
    [
      'that fails',
      {
        redirect: () => {
          throw new Error('mine');
        },
      },
      expect.stringMatching(/^its redirect handler .*mine/),
    ],
    [
      'to what does not fit',
      {
        redirect: () => 'unfit',
        inputSchema: {
          '~standard': {
            version: 1,
            vendor: 'test',
            validate: (value) => (value === 'unfit' ? { issues: [{ message: 'no' }] } : { value: value as string }),
          },
        },
      },
      'its redirect handler returned an input that does not fit: The input of a.b does not fit its schema: no',
    ],
  ])('%s is a block that says so', async (_what, definition, message) => {
    const { attempt, execute } = open('test_mode');
    expect(await attempt(definition)).toMatchObject(blockedBy('HANDLER_FAILED', message));
    expect(execute).not.toHaveBeenCalled();
  });

  test('is made once, though it is decided again after it', async () => {
    const { attempt, execute, guard, records } = open('test_mode', {
      confirmNow: vi.fn().mockResolvedValueOnce(TOO_OLD).mockResolvedValue(FRESH),
    });
    const redirect = vi.fn((input: string) => `safe ${input}`);
    expect(await attempt({ redirect, irreversible: true })).toMatchObject({ status: 'redirected' });
    expect([redirect.mock.calls.length, execute.mock.calls[0]?.[0]]).toEqual([1, 'safe it']);
    await guard.interventions.close();
    expect(records).toHaveLength(1);
  });
});

describe('what this version does not do is refused', () => {
  const reverse = { action: 'a.c', input: () => null };
  test.each<[string, Mode, boolean, Partial<ActionDefinition<string, string>>, string]>([
    ['holding', 'approval_gated', false, {}, 'a call that people have to approve needs a store that can ask them'],
    [
      'spending without a store',
      'live',
      false,
      { spend: { usd: () => 1 } },
      'an action that spends needs a store that keeps its budgets',
    ],
    [
      'confirming without a store',
      'live',
      false,
      { irreversible: true },
      'an irreversible action needs a store that confirms it',
    ],
    [
      'reversing without a store',
      'live',
      false,
      { reverse },
      'an action with a reverse operation needs a store that keeps its journal',
    ],
  ])('%s', async (_what, mode, hasStore, definition, message) => {
    const { attempt, execute } = open(mode, { hasStore });
    expect(await attempt(definition)).toMatchObject(blockedBy('UNSUPPORTED', message));
    expect(execute).not.toHaveBeenCalled();
  });

  test('but no limits and no budgets are none, and a store confirms and keeps', async () => {
    const { attempt } = open('live');
    expect(await attempt({ limits: {}, spend: {}, irreversible: true, reverse })).toMatchObject({ status: 'executed' });
  });

  test('a verdict that no step has dealt with, by its name', async () => {
    for (const [mode, verdict] of [
      ['draft_only', 'draft'],
      ['test_mode', 'redirect'],
      ['approval_gated', 'hold'],
    ] as const) {
      const { attempt, execute } = open(mode);
      const steps = (all: readonly Step[]) => all.filter(({ name }) => name !== 'verdict');
      const redirect = (input: string): string => input;
      expect(await attempt({ redirect }, { steps })).toMatchObject(
        blockedBy('UNSUPPORTED', `nothing in this version deals with the verdict ${verdict}`),
      );
      expect(execute).not.toHaveBeenCalled();
    }
  });
});

test('work that names no agent is refused before anything is asked, by what it can do about it', async () => {
  const evaluate = vi.fn(async () => 'live' as const);
  for (const [requireRun, message] of [
    [true, /outside every run/],
    [false, /names no agent/],
  ] as const) {
    const hand = new HandSwitch();
    const guard = { ...bareGuard({ hand, agentId: '', evaluate }), requireRun };
    expect(await attemptOnce(guard, { name: 'a.b', execute: () => 1 }, { input: null })).toMatchObject({
      status: 'blocked',
      decision: { verdict: 'block', cause: { kind: 'identity', message: expect.stringMatching(message) } },
    });
  }
  expect(evaluate).not.toHaveBeenCalled();
});
