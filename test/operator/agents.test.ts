import { describe, expect, test } from 'vitest';
import type { Seen, WorkRow } from '../../flags/index.ts';
import { AGENT_FILTERS, agentsIn, namesAllAgents, openRuns } from '../../operator/agents.ts';
import type { ReportedBeat } from '../../store/beats.ts';

const at = (minute: number): string => `2030-01-01T00:${String(minute).padStart(2, '0')}:00.000Z`;

const beat = (name: string, more: Partial<ReportedBeat> = {}): ReportedBeat => ({
  ...{ id: `id-${name}`, name, host: 'h', pid: 1, version: '1', started_at: at(0), at: at(30), lease_ms: 5000 },
  ...{ applied: null, in_flight: 0, draining: 0, work: [], agents: [], missions: [], runs: [], fork: null },
  ...more,
});

const work = (agent: string, run: string | null, action = 'mail.send'): WorkRow => ({
  ...{ action, effect: 'write', agent_id: agent, mission_id: null, run_id: run, surface: 'tool', feature: null },
  ...{ since: at(29), draining: false, signalled_at: null, reads_signal: true },
});

const met = (agent: string | null, minute: number, more: Partial<Seen> = {}): Seen => ({
  ...{ at: at(minute), executor: 'old', agent_id: agent, mission_id: null, run_id: null },
  ...{ action: null, surface: null, feature: null, ...more },
});

const seen = (...records: Seen[]) => ({ records, whole: true });
const rows = (beats: ReportedBeat[], ...records: Seen[]) =>
  agentsIn({ beats, seen: seen(...records) }).map(({ row }) => row);

describe('who works', () => {
  test('those who work now come first, then those heard of last', () => {
    const found = rows(
      [beat('mailer', { agents: ['b'], runs: ['r-1'], missions: ['m-1'] })],
      met('c', 10),
      met('a', 20),
    );
    expect(found).toEqual([
      {
        ...{ agent_id: 'b', open: true, in_flight: 0, runs: ['r-1'], missions: ['m-1'] },
        ...{ executors: ['mailer'], last_at: at(30) },
      },
      { agent_id: 'a', open: false, in_flight: 0, runs: [], missions: [], executors: ['old'], last_at: at(20) },
      { agent_id: 'c', open: false, in_flight: 0, runs: [], missions: [], executors: ['old'], last_at: at(10) },
    ]);
  });

  test('one agent in two executors is one row, with the work of both', () => {
    const [row] = rows([
      beat('one', { agents: ['a'], runs: ['r-1'], work: [work('a', 'r-1'), work('b', null)], in_flight: 2 }),
      beat('two', { agents: ['a'], runs: ['r-2'], work: [work('a', 'r-2')], at: at(40) }),
    ]);
    expect(row).toMatchObject({ in_flight: 2, runs: ['r-1', 'r-2'], executors: ['one', 'two'], last_at: at(40) });
  });

  test('a run is said to be of an agent only where that is known', () => {
    const two = beat('both', { agents: ['a', 'b'], runs: ['r-1', 'r-2', 'r-3'], work: [work('a', 'r-1')] });
    const [a, b] = rows([two], met('b', 1, { run_id: 'r-2' }), met('b', 1, { run_id: 'over' }));
    expect(a).toMatchObject({ agent_id: 'a', runs: ['r-1'] });
    expect(b).toMatchObject({ agent_id: 'b', runs: ['r-2'] });
    expect(rows([beat('one', { agents: ['a'], more_agents: 1, runs: ['r-1'] })])[0]?.runs).toEqual([]);
    const open = openRuns({ beats: [two] }, [met('b', 1, { run_id: 'r-2' })]);
    expect([...open.values()].map(({ run_id, agents }) => [run_id, agents])).toEqual([
      ['r-1', ['a']],
      ['r-2', ['b']],
      ['r-3', []],
    ]);
  });

  test('of one who does not work now, what was met in the last day is shown', () => {
    expect(rows([], met('a', 1, { run_id: 'r-1', mission_id: 'm-1' }))[0]).toMatchObject({
      open: false,
      runs: ['r-1'],
      missions: ['m-1'],
    });
  });

  test('the list may not be whole where an executor could not name all, or its report cannot be read', () => {
    expect(namesAllAgents({ beats: [beat('a')], seen: seen() })).toBe(true);
    expect(namesAllAgents({ beats: [beat('a', { more_agents: 3 })], seen: seen() })).toBe(false);
    expect(namesAllAgents({ beats: [beat('a', { problem: 'no JSON' })], seen: seen() })).toBe(false);
    expect(namesAllAgents({ beats: [], seen: { records: [], whole: false } })).toBe(false);
  });

  test('filters look at what agents do, and did', () => {
    const agents = agentsIn({
      beats: [beat('one', { agents: ['a'], work: [work('a', 'r-1', 'mail.send')] })],
      seen: seen(met('b', 5, { action: 'payments.refund', mission_id: 'm-1' })),
    });
    const named = (of: (agent: (typeof agents)[number]) => boolean) => agents.filter(of).map(({ row }) => row.agent_id);
    expect(named((agent) => AGENT_FILTERS.action('mail.*', agent))).toEqual(['a']);
    expect(named((agent) => AGENT_FILTERS.action('payments.refund', agent))).toEqual(['b']);
    expect(named((agent) => AGENT_FILTERS.target('mission:m-1', agent))).toEqual(['b']);
    expect(named((agent) => AGENT_FILTERS.target('all', agent))).toEqual(['a', 'b']);
    expect(named((agent) => AGENT_FILTERS.agent('b', agent))).toEqual(['b']);
    expect(named((agent) => AGENT_FILTERS.since(Date.parse(at(6)), agent))).toEqual(['a']);
  });
});
