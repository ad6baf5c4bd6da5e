import { describe, expect, test } from 'vitest';
import { type Entry, type Intervention, missingEvidence, NO_EVIDENCE } from '../../flags/index.ts';
import { evidenceOf, type Reports } from '../../operator/evidence.ts';
import type { ReportedOutcome, ReportedShadowRun } from '../../store/shadow-records.ts';
import { LAST_CHANGE } from '../flags/last-change.ts';
import { plainIntervention } from './plain-intervention.ts';

const FEATURE = 'returns.auto';
const SINCE = '2026-03-01T08:00:00.000Z';
const NOW = '2026-03-20T08:00:00.000Z';

const day = (number: number, time = '12:00:00.000'): string => `2026-03-${String(number).padStart(2, '0')}T${time}Z`;

let ids = 0;
const common = (at: string) => {
  ids += 1;
  return { id: `id-${ids}`, at, executor_id: 'e', executor_name: 'mailer', writer: 'user mailer' };
};

const run = (run_id: string | null, at = day(2), more: Partial<ReportedShadowRun> = {}): ReportedShadowRun => ({
  ...{ kind: 'shadow', ...common(at), feature: FEATURE, action: 'payments.refund' },
  ...{ agent_id: 'x', run_id, mission_id: null, epoch: 3, input: null, input_hash: null, draft: null },
  proposal_id: null,
  ...more,
});

const outcome = (
  run_id: string,
  agreed: boolean,
  at = day(3),
  more: Partial<ReportedOutcome> = {},
): ReportedOutcome => ({
  ...{ kind: 'outcome', ...common(at), feature: FEATURE, action: 'payments.refund' },
  ...{ run_id, agreed, note: null },
  ...more,
});

const shadow: Entry<'feature'> = { stage: 'shadow', shadow_since: SINCE, ...LAST_CHANGE };

const evidence = (reports: Partial<Reports>, entry: Entry<'feature'> | null = shadow) =>
  evidenceOf(
    FEATURE,
    entry ?? undefined,
    { runs: [], outcomes: [], interventions: [], unreadable: 0, ...reports },
    NOW,
  );

describe('the evidence of a feature', () => {
  test('counts runs of an action, days, and what people then did', () => {
    const runs = [
      ...[run('r-1'), run('r-1'), run('r-1', day(2), { action: 'mail.send' }), run('r-2', day(3)), run('r-3', day(5))],
      run('r-4', day(5), { feature: 'another' }),
    ];
    const outcomes = [
      outcome('r-1', true),
      outcome('r-2', false),
      outcome('r-3', true, day(6), { feature: 'another' }),
    ];
    expect(evidence({ runs, outcomes })).toMatchObject({
      ...{ feature: FEATURE, stage: 'shadow', since: SINCE, shadow_runs: 4, days: 3, judged: 2, agreed: 1 },
      ...{ agreement: 0.5, unresolved: 0, unmatched: 0, ignored: 0, requirement: null, missing: [] },
    });
    expect(evidence({})).toMatchObject({ ...NO_EVIDENCE, agreement: null });
  });

  test('has one outcome for each run of an action: the last, and of two of one time the one that does not agree', () => {
    const runs = [run('r-1'), run('r-2'), run('r-3')];
    const outcomes = [
      ...[outcome('r-1', false, day(4)), outcome('r-1', true, day(5)), outcome('r-1', false, day(3))],
      ...[outcome('r-2', true, day(5)), outcome('r-2', false, day(5)), outcome('r-2', true, day(5))],
      ...[outcome('r-3', false, day(4)), outcome('r-3', true, day(5)), outcome('r-3', false, day(6))],
    ];
    expect(evidence({ runs, outcomes })).toMatchObject({ judged: 3, agreed: 1 });
  });

  test('names the first runs that lack an outcome, each once, the oldest first', () => {
    const runs = [run('r-2', day(3)), run('r-1', day(2)), run('r-1', day(4)), run('r-3', day(5))];
    expect(evidence({ runs, outcomes: [outcome('r-3', true, day(6))] }).unjudged).toEqual([
      { run_id: 'r-1', action: 'payments.refund' },
      { run_id: 'r-2', action: 'payments.refund' },
    ]);
    const many = Array.from({ length: 9 }, (_, at) => run(`m-${at}`, day(at + 2)));
    expect(evidence({ runs: many }).unjudged).toHaveLength(5);
  });

  test('has the outcome that another executor was told, and none without a shadow run', () => {
    const outcomes = [outcome('r-1', true, day(3), { writer: 'user desk' }), outcome('never', true)];
    expect(evidence({ runs: [run('r-1')], outcomes })).toMatchObject({
      ...{ judged: 1, agreed: 1, unmatched: 1 },
      writers: [
        { writer: 'user mailer', shadow_runs: 1, outcomes: 1 },
        { writer: 'user desk', shadow_runs: 0, outcomes: 1 },
      ],
    });
  });

  test('counts nothing of before the feature came into shadow, of tomorrow, or without a run', () => {
    const runs = [run('r-1', '2026-03-01T07:59:59.999Z'), run('r-2', '2026-03-20T08:01:00.001Z'), run(null)];
    const outcomes = [outcome('r-1', true, '2026-02-28T00:00:00.000Z')];
    expect(evidence({ runs, outcomes })).toMatchObject({ ...NO_EVIDENCE, ignored: 4 });
    const ahead = run('r-2', '2026-03-20T08:00:59.000Z'); // its clock is a minute ahead at most
    expect(evidence({ runs: [ahead] })).toMatchObject({ shadow_runs: 1 });
    const dark = { stage: 'dark', ...LAST_CHANGE } as const;
    expect(evidence({ runs: [run('r-1')] }, dark)).toMatchObject({ ...NO_EVIDENCE, since: null });
    expect(evidence({ runs: [run('r-1')] }, null)).toMatchObject({ ...NO_EVIDENCE, stage: 'dark' });
  });

  test('has an intervention unresolved that nobody meant, until a person has said what they did', () => {
    const stopped = (more: Partial<Intervention>) => ({
      ...plainIntervention(`i-${ids}`),
      ...{ at: day(4), feature: FEATURE, action: 'payments.refund', run_id: 'r-1', writer: null },
      ...more,
    });
    const fault = { kind: 'fault', code: 'HANDLER_FAILED', message: 'its draft handler failed' };
    const interventions = [
      stopped({ cause: fault }),
      stopped({ cause: fault, run_id: 'r-2' }),
      stopped({ cause: { kind: 'limit', limit: 'refund.max', value: 3, max: 2 }, run_id: 'r-3' }),
      stopped({ cause: { kind: 'kill' }, status: 'aborted', run_id: 'r-4' }),
      ...['kill', 'mode', 'feature', 'autonomy', 'rule'].map((kind) => stopped({ cause: { kind }, run_id: 'r-5' })),
      stopped({ cause: fault, verdict: 'draft', status: 'drafted', run_id: 'r-6' }),
      stopped({ cause: fault, feature: 'another', run_id: 'r-7' }),
      stopped({ cause: fault, at: '2026-02-01T00:00:00.000Z', run_id: 'r-8' }),
    ];
    expect(evidence({ interventions }).unresolved).toBe(4);
    expect(evidence({ interventions, outcomes: [outcome('r-1', true), outcome('r-4', false)] }).unresolved).toBe(2);
  });

  test('shows twenty writers, those that have reported most, and counts the others', () => {
    const runs = Array.from({ length: 30 }, (_, writer) =>
      Array.from({ length: writer + 1 }, (_, i) => run(`r-${writer}-${i}`, day(2), { writer: `user w${writer}` })),
    ).flat();
    const { writers, more_writers } = evidence({ runs });
    expect([writers.length, more_writers]).toEqual([20, 10]);
    expect(writers[0]).toEqual({ writer: 'user w29', shadow_runs: 30, outcomes: 0 });
  });
});

describe('what a requirement lacks', () => {
  const asked = { runs: 50, days: 7, agreement: 0.95 };

  test('is said number by number, and nothing where it is met', () => {
    const enough = { shadow_runs: 60, days: 9, judged: 50, agreed: 48, unresolved: 0 };
    expect(missingEvidence(asked, enough)).toEqual([]);
    expect(missingEvidence(asked, { ...enough, agreed: 47 })).toEqual(['an agreement of 94 % where 95 % are required']);
    expect(missingEvidence(asked, { ...enough, judged: 20, agreed: 20 })).toEqual([
      'the outcomes of 20 of 50 shadow runs',
    ]);
    expect(missingEvidence(asked, { ...NO_EVIDENCE, unresolved: 1 })).toEqual([
      '0 of 50 shadow runs',
      'shadow runs on 0 of 7 days',
      'the outcomes of 0 of 50 shadow runs',
      '1 unresolved intervention, where none may be left',
    ]);
    expect(missingEvidence({ runs: 0, days: 1, agreement: 0 }, { ...enough, judged: 0, agreed: 0 })).toEqual([]);
    expect(missingEvidence({ runs: 0, days: 0, agreement: 0.5 }, NO_EVIDENCE)).toEqual([
      'the outcomes of 0 of 1 shadow runs',
    ]);
  });

  test('is judged exactly at the share that was asked for', () => {
    for (let percent = 1; percent <= 100; percent += 1)
      expect(
        missingEvidence(
          { runs: 0, days: 0, agreement: percent / 100 },
          { ...NO_EVIDENCE, shadow_runs: 100, judged: 100, agreed: percent },
        ),
        `${percent} %`,
      ).toEqual([]);
  });
});
