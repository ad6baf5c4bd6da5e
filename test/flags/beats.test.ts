import { describe, expect, test } from 'vitest';
import { beatSchema, type WorkRow } from '../../flags/beats.ts';

const AT = '2026-01-01T00:00:00.000Z';
const head = { generation: 'g0', epoch: 1, hash: 'a'.repeat(64), recovered: false };
const row: WorkRow = {
  ...{
    action: 'mail.send',
    effect: 'write',
    agent_id: 'a',
    mission_id: null,
    run_id: 'r',
    surface: null,
    feature: null,
  },
  ...{ since: AT, draining: false, signalled_at: null, reads_signal: false },
};

describe('a beat', () => {
  const beat = {
    id: 'x',
    name: 'x',
    host: 'h',
    pid: 1,
    version: '0.1.0',
    started_at: AT,
    at: AT,
    lease_ms: 5000,
    applied: head,
    in_flight: 0,
    draining: 0,
    agents: ['a'],
    runs: [],
    fork: null,
  };
  const takes = (change: object): boolean => beatSchema.safeParse({ ...beat, ...change }).success;

  test('of a newer version is read without the members that only that knows', () => {
    const newer = { ...beat, more: 1, applied: { ...head, more: 1 }, fork: { against: 'g1', held: null, more: 1 } };
    expect(beatSchema.parse(newer)).toEqual({ ...beat, fork: { against: 'g1', held: null } });
  });

  test.each([
    [{ more_agents: 1, more_runs: 1 }, { more_agents: 0 }],
    [{ trouble: 'x'.repeat(1000) }, { trouble: 'x'.repeat(1001) }],
    [
      { export: { file: 'x'.repeat(4096), stops_within_ms: 0 } },
      { export: { file: 'x'.repeat(4097), stops_within_ms: 0 } },
    ],
    [{ export: { file: 'f', stops_within_ms: 5 } }, { export: { file: 'f', stops_within_ms: -1 } }],
    [{ in_flight: 1, draining: 1 }, { in_flight: -1 }],
    [{ draining: 0 }, { draining: -1 }],
    [{ runs: ['r'] }, { more_runs: 0 }],
    [{ agents: [] }, { agents: ['a', 7] }],
    [{ runs: [] }, { runs: 'r' }],
    [{ applied: null }, { applied: { ...head, epoch: 0 } }],
    [{ missions: ['m'], more_missions: 1 }, { missions: ['m', 7] }],
    [{ work: [row] }, { work: [{ ...row, since: 'yesterday' }] }],
    [{ work: [{ ...row, lineage_runs: ['r'], signalled_at: AT }] }, { work: [{ ...row, lineage_runs: [7] }] }],
    [{ work: Array(1000).fill(row) }, { work: Array(1001).fill(row) }],
  ])('%# has its bounds', (right, wrong) => {
    expect([takes(right), takes(wrong)]).toEqual([true, false]);
  });

  test('with a million things that are no names is refused with one message', () => {
    const { error } = beatSchema.safeParse({ ...beat, agents: Array(1_000_000).fill(7) });
    expect(error?.issues).toMatchObject([{ path: ['agents'], message: 'it is not a list of names' }]);
    const rows = beatSchema.safeParse({ ...beat, work: Array(1_000_000).fill({}) });
    expect(rows.error?.issues).toMatchObject([
      { path: ['work'], message: 'it is not a list of at most 1000 actions in flight' },
    ]);
  });
});
