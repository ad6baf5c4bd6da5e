import { describe, expect, test } from 'vitest';
import type { JournalEntry, JournalEnd } from '../../store/capabilities/journal.ts';
import { reversalKey, type ReversalState, undoneBy } from '../../store/reversals.ts';

const at = '2026-01-01T00:00:00.000Z';

const LANDED: JournalEnd = {
  state: 'landed',
  landing: { result: null, redirected: false, reverse: { is: 'not_reversible', why: 'it undoes something' } },
};

const attempts = (...ends: readonly (JournalEnd | { readonly state: 'intended' })[]): JournalEntry[] =>
  ends.map((end, index) => ({
    ...{ id: `i-${index + 1}`, idempotency_key: reversalKey('x'), attempt: index + 1, run_id: 'r', agent_id: 'a' },
    ...{ mission_id: null, action: 'payments.cancel', input_hash: '', approval_id: null },
    ...{ executor_id: 'e', executor_name: 'e', intended_at: at, at },
    ...end,
  }));

const is = (state: Exclude<JournalEntry['state'], 'landed'>) => ({ state });

describe('how far something is undone', () => {
  test.each<[string, readonly (JournalEnd | { readonly state: 'intended' })[], ReversalState]>([
    ['not at all', [], 'landed'],
    ['while what undoes it runs', [is('intended')], 'reversing'],
    ['once that has landed', [LANDED], 'reversed'],
    ['where it has thrown', [is('failed')], 'reverse_failed'],
    ['where it was refused', [is('not_started')], 'reverse_failed'],
    ['where nobody knows', [is('unknown')], 'unknown'],
    ['when it has failed and was tried again', [is('failed'), LANDED], 'reversed'],
    ['when it was interrupted and repeated', [is('intended'), LANDED], 'reversed'],
    ['when it was interrupted, repeated and refused', [is('intended'), is('failed')], 'reverse_failed'],
    ['when an earlier try has landed after all', [LANDED, is('failed')], 'reversed'],
  ])('is told by the tries to undo it: %s', (_what, ends, state) => {
    expect(undoneBy(attempts(...ends), () => undefined).state).toBe(state);
  });

  test('is told by a person where its executor has not said it, and by nobody where it has', () => {
    const says = (landed: boolean) => () => ({ landed });
    for (const state of ['intended', 'unknown', 'failed'] as const) {
      expect(undoneBy(attempts(is(state)), says(true)).state).toBe('reversed');
      expect(undoneBy(attempts(is(state)), says(false)).state).toBe('landed');
    }
    expect(undoneBy(attempts(LANDED), says(false)).state).toBe('reversed');
    expect(undoneBy(attempts(is('not_started')), says(true)).state).toBe('reverse_failed');
  });
});
