import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Cause, causeRecord, escapeUnseen } from '../../../flags/index.ts';
import { tableLines } from '../../../operator/cli/table.ts';
import { interventionColumns } from '../../../operator/cli/tables.ts';
import { written } from '../../../operator/cli/text.ts';
import type { ReportedIntervention } from '../../../store/reports.ts';
import { causesOf } from '../../flags/causes.ts';
import { plainIntervention } from '../plain-intervention.ts';

const intervention = (cause: ReportedIntervention['cause']): ReportedIntervention => ({
  ...plainIntervention('i-1'),
  writer: null,
  cause,
});

const interventionTable = (rows: readonly ReportedIntervention[]): string =>
  written(tableLines(interventionColumns(), rows, { columns: null, wide: false }), false);

const lineOf = (cause: ReportedIntervention['cause']): string | undefined =>
  interventionTable([intervention(cause)])
    .trimEnd()
    .split('\n')[1];

describe('the table of interventions', () => {
  test.each(Object.entries<fc.Arbitrary<Cause>>(causesOf))('shows a cause of the kind %s in one line', (_, causes) => {
    fc.assert(
      fc.property(causes, (cause) => {
        const lines = interventionTable([intervention(causeRecord(cause))])
          .trimEnd()
          .split('\n');
        expect(lines.length).toBe(2);
        for (const line of lines) expect(escapeUnseen(line)).toBe(line);
      }),
    );
  });

  test('shows ids as they are, and in quotes what somebody wrote', () => {
    const kill = { kind: 'kill', killId: 'k', target: 'agent:mailer', killedBy: 'dana', reason: 'by ann\n' } as const;
    expect(lineOf(causeRecord(kill))).toMatch(/full_stop +a kill of agent:mailer by dana \("by ann\\n"\)$/);
    const budget = { kind: 'budget', scope: 'day', type: 'usd', spent: '4.50', limit: 5, target: 'all' } as const;
    expect(lineOf(causeRecord(budget))).toMatch(
      /the budget of day, of which 4\.50 of 5 usd are spent \(kill-switch revive all --reason "…" lifts this\)$/,
    );
  });

  test.each<[string, Readonly<Record<string, unknown>>, RegExp]>([
    ['of another version', { kind: 'eclipse', of: 'the sun' }, /full_stop +eclipse$/],
    ['with a member missing', { kind: 'kill', kill_id: 'k', target: 'all' }, /full_stop +kill$/],
    ['that hides something', { kind: 'ki\u202ell\u0007\nx' }, /full_stop +ki\\u202ell\\u0007\\nx$/],
    ['of a kind that is huge', { kind: 'k'.repeat(1_000_000) }, /full_stop +k{100}$/],
    ['without a kind', {}, /full_stop +undefined$/],
  ])('shows of a cause %s only what it calls itself', (_, cause, shown) => {
    expect(lineOf(cause)).toMatch(shown);
  });
});
