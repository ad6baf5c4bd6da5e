import { describe, expect, test, vi } from 'vitest';
import type { Intervention, Mode } from '../../flags/index.ts';
import type { ActionDefinition } from '../../index.ts';
import { attemptOnce, bareGuard, HandSwitch } from './bare-guard.ts';
import { openMemorySwitch } from './open-switch.ts';

interface Course {
  readonly mode: Mode;
  /** What the action does, and what is recorded of it, may change the mode meanwhile. */
  readonly define?: (become: (mode: Mode) => void) => Partial<ActionDefinition<string, string>>;
  readonly whileRecorded?: Mode;
}

/** One attempt; the status of its outcome, and what was recorded of it. */
async function recordsOf({ mode, define = () => ({}), whileRecorded = mode }: Course) {
  const hand = new HandSwitch();
  const become = (next: Mode): void => {
    hand.mode = next;
    hand.changed();
  };
  become(mode);
  const records: Intervention[] = [];
  const guard = bareGuard({
    hand,
    async record(batch) {
      records.push(...batch);
      become(whileRecorded);
    },
  });
  const { status } = await attemptOnce(
    guard,
    { name: 'mail.send', execute: () => 'sent', ...define(become) },
    { input: 'it' },
  );
  await guard.interventions.close();
  return {
    status,
    records: records.map(({ verdict, type, outcome, state, status: recorded, proposal }) => ({
      verdict,
      type,
      outcome,
      state,
      status: recorded,
      proposal,
    })),
  };
}

const BLOCKED = { type: 'HARD_BLOCK', outcome: 'BLOCKED', status: 'blocked', state: 'refused' } as const;
const DRAFTED = { type: 'DOWNGRADE', outcome: 'MODIFIED', status: 'drafted', state: 'drafted' } as const;

describe('the record of', () => {
  test.each([
    ['full_stop', 'block'],
    ['draft_only', 'draft'],
    ['test_mode', 'redirect'],
  ] as const)('work that %s has stopped says that it was aborted, as hard as by a block', async (mode, verdict) => {
    const { status, records } = await recordsOf({
      mode: 'live',
      define: (become) => ({
        execute() {
          become(mode);
          return 'sent';
        },
      }),
    });
    expect(status).toBe('aborted');
    expect(records).toEqual([{ ...BLOCKED, verdict, status: 'aborted', state: 'landed', proposal: false }]);
  });

  test('a draft by a handler says that it was drafted', async () => {
    const { status, records } = await recordsOf({ mode: 'draft_only', define: () => ({ draft: () => 'a draft' }) });
    expect(status).toBe('drafted');
    expect(records).toEqual([{ ...DRAFTED, verdict: 'draft', proposal: false }]);
  });

  test('a proposal says that it was drafted', async () => {
    const { status, records } = await recordsOf({ mode: 'draft_only' });
    expect(status).toBe('drafted');
    expect(records).toEqual([{ ...DRAFTED, verdict: 'draft', proposal: true }]);
  });

  test('a draft that a kill came before says that it was blocked, and there is no other', async () => {
    const { status, records } = await recordsOf({
      mode: 'draft_only',
      define: (become) => ({
        draft() {
          become('full_stop');
          return 'a draft';
        },
      }),
    });
    expect(status).toBe('blocked');
    expect(records).toEqual([{ ...BLOCKED, verdict: 'block', proposal: false }]);
  });

  test('a proposal stays where a kill comes while it is written; another says that the call was blocked', async () => {
    const { status, records } = await recordsOf({ mode: 'draft_only', whileRecorded: 'full_stop' });
    expect(status).toBe('blocked');
    expect(records).toEqual([
      { ...DRAFTED, verdict: 'draft', proposal: true },
      { ...BLOCKED, verdict: 'block', proposal: false },
    ]);
  });

  test('a redirected input says so, also where its action is then stopped', async () => {
    const { status, records } = await recordsOf({
      mode: 'test_mode',
      define: (become) => ({
        redirect: () => 'safe',
        execute() {
          become('full_stop');
          return 'sent';
        },
      }),
    });
    expect(status).toBe('aborted');
    expect(records).toEqual([
      { ...DRAFTED, verdict: 'redirect', status: 'redirected', state: 'executing', proposal: false },
      { ...BLOCKED, verdict: 'block', status: 'aborted', state: 'landed', proposal: false },
    ]);
  });

  test('a tick that was skipped says so, as hard as what has skipped it', async () => {
    const { control, killSwitch } = await openMemorySwitch({ agentId: 'x' });
    const tick = killSwitch.job({}, () => 'done');
    for (const mode of ['paused', 'full_stop'] as const) {
      await control.setMode({ mode, reason: 'test' });
      await vi.waitFor(() => expect(killSwitch.check().mode).toBe(mode));
      expect((await tick()).status).toBe('skipped');
    }
    await vi.waitFor(async () =>
      expect((await control.interventions()).data.toReversed()).toMatchObject([
        { verdict: 'pause', type: 'WARNING', outcome: 'WARNED', status: 'skipped', state: 'refused' },
        { verdict: 'block', type: 'HARD_BLOCK', outcome: 'BLOCKED', status: 'skipped', state: 'refused' },
      ]),
    );
  });
});
