import { describe, expect, test } from 'vitest';
import { parseTarget, type Seen, type WorkRow } from '../../flags/index.ts';
import { matchedBy, matchedByLimit, matchedByReport, matchedBySpender, type Reports } from '../../operator/matched.ts';
import type { ReportedBeat } from '../../store/beats.ts';
import { plainSurface } from '../../testing/store/surface.ts';

const AT = '2026-01-01T00:00:00.000Z';

const seen = (more: Partial<Seen>): Seen => ({
  ...{ at: AT, executor: 'mailer', agent_id: null, mission_id: null, run_id: null },
  ...{ action: null, surface: null, feature: null },
  ...more,
});

const row = (more: Partial<WorkRow>): WorkRow => ({
  ...{ action: 'mail.send', effect: 'write', agent_id: 'slowbot', mission_id: null, run_id: null },
  ...{ surface: 'tool', feature: null, since: AT, draining: false, signalled_at: null, reads_signal: false },
  ...more,
});

const beat = (more: Partial<ReportedBeat>): ReportedBeat => ({
  ...{ id: 'e1', name: 'mailer', host: 'h', pid: 7, version: '1', started_at: AT, at: AT, lease_ms: 5000 },
  ...{ applied: null, in_flight: 0, draining: 0, agents: [], runs: [], fork: null },
  ...more,
});

const NONE: Reports = { beats: [], surfaces: [], seen: { records: [], whole: true } };
/** What executors have said; `seen`: all that they have met. */
type Said = Partial<Omit<Reports, 'seen'>> & { readonly seen?: readonly Seen[] };
const hit = (target: string, { seen: records = [], ...reports }: Said) =>
  matchedBy(parseTarget(target), { ...NONE, ...reports, seen: { records, whole: true } });

describe('what a stop has hit', () => {
  const work = [
    row({ run_id: 'r-1', mission_id: 'm-1', feature: 'refunds' }),
    row({ run_id: 'r-2', agent_id: 'other', action: 'mail.read' }),
    row({ run_id: 'r-3', agent_id: 'child', lineage_agents: ['slowbot'], lineage_runs: ['r-1'] }),
  ];
  const reports: Said = {
    beats: [beat({ in_flight: 5, work, agents: ['idle'], missions: ['m-9'], runs: ['r-9'] }), beat({ id: 'e2' })],
    surfaces: [plainSurface('db.write')],
    seen: [seen({ agent_id: 'gone', action: 'mail.send', surface: 'tool' }), seen({ agent_id: 'gone', run_id: 'r-0' })],
  };

  test('is named by what executors have in flight, children included', () => {
    expect(hit('agent:slowbot', reports)).toEqual({
      agents: ['slowbot', 'child'],
      missions: ['m-1'],
      runs: ['r-1', 'r-3'],
      actions: ['mail.send'],
      features: ['refunds'],
      surfaces: ['tool'],
      executors: 2,
      exports: 0,
      last_executor: null,
      complete: false,
      in_flight: 2,
      seen: true,
      suggestions: [],
    });
    expect(hit('run:r-1', reports)).toMatchObject({ runs: ['r-1', 'r-3'], in_flight: 2 });
    expect(hit('mission:m-1', reports)).toMatchObject({ agents: ['slowbot'], in_flight: 1 });
    expect(hit('action:mail.*', reports)).toMatchObject({ actions: ['mail.send', 'mail.read'], in_flight: 3 });
    expect(hit('feature:refunds', reports)).toMatchObject({ actions: ['mail.send'], in_flight: 1 });
    expect(hit('surface:tool', reports)).toMatchObject({ in_flight: 3 });
  });

  test('is named by open runs, by what can act, and by what was met in the last day', () => {
    for (const [target, list, name] of [
      ['agent:idle', 'agents', 'idle'],
      ['mission:m-9', 'missions', 'm-9'],
      ['run:r-9', 'runs', 'r-9'],
      ['action:db.write', 'actions', 'db.write'],
      ['run:r-0', 'agents', 'gone'],
    ] as const)
      expect(hit(target, reports), target).toMatchObject({ [list]: [name], seen: true, in_flight: 0 });
    expect(hit('agent:gone', reports)).toMatchObject({ runs: ['r-0'], actions: ['mail.send'], surfaces: ['tool'] });
  });

  test('is everything for all, also what a report does not name, and nothing where nobody reports', () => {
    expect(hit('all', reports)).toMatchObject({ seen: true, in_flight: 5, agents: expect.arrayContaining(['gone']) });
    expect(hit('all', { beats: [beat({})] })).toMatchObject({ seen: true, executors: 1 });
    expect(hit('all', { beats: [beat({ export: { file: '/f', stops_within_ms: 1 } })] })).toMatchObject({
      ...{ seen: true, executors: 0, exports: 1 },
    });
    expect(hit('all', {})).toMatchObject({ seen: false, executors: 0, last_executor: null });
    expect(hit('all', { seen: [seen({ agent_id: 'a' }), seen({ executor: 'older' })] })).toMatchObject({
      executors: 0,
      last_executor: { name: 'mailer', at: AT },
    });
  });

  test('is not all of it where a report could not be read, or names not all', () => {
    const one = beat({ in_flight: 1, work: [row({})] });
    expect(hit('all', { beats: [one] }).complete).toBe(true);
    for (const more of [{ problem: 'it is not JSON' }, { more_agents: 1 }, { more_runs: 2 }, { in_flight: 2 }])
      expect(hit('all', { beats: [one, { ...one, ...more }] }).complete).toBe(false);
    expect(matchedBy(parseTarget('all'), { ...NONE, seen: { records: [], whole: false } }).complete).toBe(false);
  });

  test('has at most a hundred names of a kind', () => {
    const many = Array.from({ length: 250 }, (_, at) => seen({ agent_id: `a${at}`, action: 'x' }));
    const { agents } = hit('action:x', { seen: many });
    expect(agents).toHaveLength(100);
    expect(agents[0]).toBe('a0');
  });

  test('is nothing for a name that nobody has: names that are nearly it are suggested, and where its id is known', () => {
    const known = [
      ...['slowbot', 'slowbots', 'returns-bot', 'r-17'].map((agent_id) => seen({ agent_id })),
      seen({ run_id: 'run-5', action: 'mail.send' }),
    ];
    const suggested = (target: string) => {
      const { seen: isSeen, suggestions } = hit(target, { seen: known });
      return isSeen ? 'seen' : suggestions;
    };
    expect(suggested('agent:slowbto')).toEqual(['agent:slowbot', 'agent:slowbots']);
    expect(suggested('agent:Slowbot')).toEqual(['agent:slowbot', 'agent:slowbots']);
    expect(suggested('agent:returns')).toEqual(['agent:returns-bot']);
    expect(suggested('run:r-17')).toEqual(['agent:r-17']);
    expect(suggested('agent:run-5')).toEqual(['run:run-5']);
    expect(suggested('action:mial.*')).toEqual([]);
    expect(suggested('action:mai.*')).toEqual(['action:mail.send']);
    expect(suggested('mission:x')).toEqual([]);
    expect(suggested('agent:slowbot')).toBe('seen');
  });

  test('is suggested where the kind was typed once too often, or is part of the id', () => {
    const known = [seen({ agent_id: 'agent:helper' }), seen({ agent_id: 'slowbot', run_id: 'run:9' })];
    expect(hit('agent:helper', { seen: known }).suggestions).toEqual(['agent:agent:helper']);
    expect(hit('run:9', { seen: known }).suggestions).toEqual(['run:run:9']);
    expect(hit('agent:agent:slowbot', { seen: known }).suggestions).toEqual(['agent:slowbot']);
  });
});

test('a limit hits the actions that declare it', () => {
  const surfaces = [{ ...plainSurface('payments.refund'), limits: ['refund.max'] }, plainSurface('mail.send')];
  expect(matchedByLimit('refund.max', { ...NONE, surfaces })).toMatchObject({
    actions: ['payments.refund'],
    seen: true,
  });
  expect(matchedByLimit('refund.mx', { ...NONE, surfaces })).toMatchObject({
    actions: [],
    seen: false,
    suggestions: ['refund.max'],
    complete: true,
  });
  // What mailer could do is not known any more.
  const left = { records: [seen({ action: 'payments.refund' })], whole: true };
  expect(matchedByLimit('refund.mx', { ...NONE, seen: left })).toMatchObject({ seen: false, complete: false });
});

test('a number that is watched is known by who has reported it', () => {
  const records = [seen({ agent_id: 'mailbot', report: 'bounce_rate' }), seen({ agent_id: 'other' })];
  const reports: Reports = { ...NONE, seen: { records, whole: true } };
  expect(matchedByReport('bounce_rate', reports)).toMatchObject({ seen: true, agents: ['mailbot'], suggestions: [] });
  expect(matchedByReport('bounce_rte', reports)).toMatchObject({ seen: false, suggestions: ['bounce_rate'] });
});

test('a user or an account is known by what budgets have counted', () => {
  const counted = [{ type: 'account', id: 'acme' } as const, { type: 'user', id: 'acmee' } as const];
  expect(matchedBySpender({ type: 'account', id: 'acme' }, counted, NONE)).toMatchObject({ seen: true });
  expect(matchedBySpender({ type: 'account', id: 'acmee' }, counted, NONE)).toMatchObject({
    seen: false,
    suggestions: ['account:acme'],
  });
});
