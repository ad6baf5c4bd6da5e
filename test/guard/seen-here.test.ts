import { describe, expect, test } from 'vitest';
import { SeenHere } from '../../guard/seen-here.ts';

const AGAIN = 900_000;
const NOW = Date.parse('2026-01-01T00:00:00.000Z');

const NO_PARENTS = { lineageAgents: [], lineageMissions: [], lineageRuns: [] };
const run = (agentId: string, runId?: string) => ({ agentId, runId, missionId: undefined, ...NO_PARENTS });
const names = (seen: SeenHere): string[] =>
  seen.take().map(({ agent_id, action, run_id }) => [agent_id, action, run_id].filter(Boolean).join(' '));

describe('what has come by in a process', () => {
  test('is reported every quarter of an hour: each action of each agent, and each run', () => {
    const seen = new SeenHere();
    for (const agentId of ['a', 'b']) for (const action of ['x', 'y', 'x']) seen.noteAction({ agentId, action }, NOW);
    seen.noteRun(run('a', 'r'), NOW);
    seen.noteRun(run('a', 'r'), NOW + 5);
    expect(names(seen)).toEqual(['a x', 'a y', 'b x', 'b y', 'a r']);
    seen.noteAction({ agentId: 'a', action: 'x' }, NOW + AGAIN - 1);
    seen.noteRun(run('a', 'r'), NOW + AGAIN - 1);
    expect(names(seen)).toEqual([]);
    seen.noteAction({ agentId: 'a', action: 'x' }, NOW + AGAIN);
    seen.noteRun(run('a', 'r'), NOW + AGAIN);
    expect(names(seen)).toEqual(['a x', 'a r']);
  });

  test('is reported with its surface, its feature and its parents', () => {
    const seen = new SeenHere();
    seen.noteAction({ agentId: 'a', action: 'x', surface: 'tool', feature: 'f', runId: 'not of a run' }, NOW);
    seen.noteRun({ ...NO_PARENTS, agentId: 'a', runId: 'r', missionId: 'm', lineageAgents: ['p'] }, NOW);
    const NONE = { mission_id: null, run_id: null, action: null, surface: null, feature: null };
    expect(seen.take()).toStrictEqual([
      { ...NONE, at: '2026-01-01T00:00:00.000Z', agent_id: 'a', action: 'x', surface: 'tool', feature: 'f' },
      { ...NONE, at: '2026-01-01T00:00:00.000Z', agent_id: 'a', mission_id: 'm', run_id: 'r', lineage_agents: ['p'] },
    ]);
  });

  test('with more runs than are reported names the first of them, and of the others their agents', () => {
    const seen = new SeenHere();
    for (let at = 0; at < 200; at += 1) seen.noteRun(run(at < 100 ? 'a' : 'b', `r${at}`), NOW);
    expect(names(seen)).toEqual([...Array.from({ length: 5 }, (_, at) => `a r${at}`), 'a', 'b']);
    seen.noteRun(run('b', 'later'), NOW);
    expect(names(seen)).toEqual(['b later']);
  });

  test('takes no more memory for names without end: they are forgotten, and reported again', () => {
    const seen = new SeenHere();
    for (let at = 0; at <= 10_000; at += 1) {
      seen.noteAction({ agentId: `a${at}`, action: 'x' }, NOW);
      if (at % 400 === 0) seen.take();
    }
    seen.take();
    seen.noteAction({ agentId: 'a0', action: 'x' }, NOW);
    expect(names(seen)).toEqual(['a0 x']);
  });
});
