import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { describe, expect, test } from 'vitest';
import type { WorkRow } from '../../flags/index.ts';
import { MOST_ROWS, NO_WORK, ownBeats, type Work } from '../../store/own-beat.ts';
import { VERSION } from '../../store/version.ts';

test('executors report the version that package.json has', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  expect(VERSION).toBe(version);
});

describe('the beat of an executor', () => {
  const held = { generation: 'g', epoch: 3, hash: 'a'.repeat(64), recovered: false };
  const now = { mono: 5, wall: Date.parse('2026-01-02T00:00:00.000Z') };
  const executor = { id: 'e', name: 'mailer', leaseMs: 5000, startedAt: Date.parse('2026-01-01T00:00:00.000Z') };
  const beatOf = (work?: Work) =>
    ownBeats({ ...executor, ...(work && { work: () => work }) })({ held, forkReport: null }, now);
  const WORK: Work = { ...NO_WORK, inFlight: 2, draining: 1, agents: ['a'], missions: ['m'], runs: ['r', 's'] };
  const FIXED = {
    id: 'e',
    name: 'mailer',
    host: hostname(),
    pid: process.pid,
    version: VERSION,
    lease_ms: 5000,
    started_at: '2026-01-01T00:00:00.000Z',
    at: '2026-01-02T00:00:00.000Z',
    applied: held,
    fork: null,
  };

  test('says who it is, which state it holds, and what it has to do; nothing where it has no work', () => {
    const names = { agents: ['a'], missions: ['m'], runs: ['r', 's'] };
    expect(beatOf(WORK)).toStrictEqual({ ...FIXED, in_flight: 2, draining: 1, work: [], ...names });
    const none = { work: [], agents: [], missions: [], runs: [] };
    expect(beatOf()).toStrictEqual({ ...FIXED, in_flight: 0, draining: 0, ...none });
  });

  test('names as many agents and as many runs as fit, and counts the others', () => {
    const names = (many: number, longest: number) => Array.from({ length: many }, () => 'x'.repeat(longest));
    expect(beatOf({ ...WORK, agents: names(32, 1024) })).not.toHaveProperty('more_agents');
    const full = beatOf({ ...WORK, agents: [...names(32, 1024), 'y', 'z'], runs: names(40, 1000) });
    expect(full.agents).toEqual(names(32, 1024));
    expect(full.more_agents).toBe(2);
    expect(full.runs).toHaveLength(32);
    expect(full.more_runs).toBe(8);
    const missions = beatOf({ ...WORK, missions: names(40, 1000) });
    expect([missions.missions?.length, missions.more_missions]).toEqual([32, 8]);
  });

  test('names actions in flight as far as they fit', () => {
    const row = (id: string): WorkRow => ({
      ...{ action: id, effect: 'write', agent_id: 'a', mission_id: null, run_id: 'r', surface: 'tool', feature: null },
      ...{ since: '2026-01-02T00:00:00.000Z', draining: false, signalled_at: null, reads_signal: false },
    });
    const short = Array.from({ length: MOST_ROWS + 5 }, (_, at) => row(`action-${at}`));
    expect(beatOf({ ...WORK, rows: short }).work).toEqual(short.slice(0, MOST_ROWS));
    const long = Array.from({ length: 100 }, () => row('x'.repeat(1000)));
    expect(beatOf({ ...WORK, rows: long }).work?.length).toBeGreaterThan(50);
    expect(beatOf({ ...WORK, rows: long }).work?.length).toBeLessThan(66);
  });

  test('bears an export, and the first thousand characters of what keeps it from obeying', () => {
    const exported = { client_lag_ms: 7 } as unknown as NonNullable<Work['export']>;
    const beat = beatOf({ ...WORK, export: exported, trouble: 'x'.repeat(1001) });
    expect(beat.export).toBe(exported);
    expect(beat.trouble).toBe('x'.repeat(1000));
  });
});
