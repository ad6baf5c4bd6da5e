import { describe, expect, test } from 'vitest';
import type { Head, WorkRow } from '../../flags/index.ts';
import {
  acknowledge,
  allStopped,
  EVERYTHING,
  type ExecutorAcknowledgement,
  executorKey,
  sharedWriters,
} from '../../operator/acknowledge.ts';
import type { ReportedBeat } from '../../store/beats.ts';

const NOW = '2026-01-01T00:01:00.000Z';
const LEASE = 5000;

const headAt = (epoch: number, generation = 'g1'): Head => ({
  generation,
  epoch,
  hash: 'a'.repeat(64),
  recovered: false,
});

/** The store's time, so many milliseconds ago. */
const ago = (ms: number): string => new Date(Date.parse(NOW) - ms).toISOString();

const beatOf = (more: Partial<ReportedBeat> = {}): ReportedBeat => ({
  id: 'e1',
  name: 'mailer',
  host: 'h',
  pid: 7,
  version: '1.0.0',
  started_at: ago(60_000),
  at: ago(1000),
  lease_ms: LEASE,
  applied: headAt(5),
  in_flight: 3,
  draining: 0,
  agents: [],
  runs: [],
  fork: null,
  ...more,
});

/** What is said of executors where epoch 5 must be applied, and the store stands at 7. */
const judged = (...beats: readonly ReportedBeat[]) =>
  acknowledge(beats, { head: headAt(5), reach: EVERYTHING, store: headAt(7), time: NOW }, 12.6);

function onlyOne(beat: Partial<ReportedBeat>): ExecutorAcknowledgement {
  const [one] = judged(beatOf(beat)).executors;
  if (!one) throw new Error('No executor is there.');
  return one;
}

describe('how far an executor has obeyed', () => {
  test.each<[string, Partial<ReportedBeat>, ExecutorAcknowledgement['state']]>([
    ['stopped, with the change applied and nothing to end', {}, 'stopped'],
    ['stopped, with more applied than it must', { applied: headAt(7) }, 'stopped'],
    ['draining, while something that the change reaches has not ended', { draining: 1 }, 'draining'],
    ['behind, with less applied', { applied: headAt(4) }, 'behind'],
    ['behind, with less applied, whatever it still drains', { applied: headAt(4), draining: 1 }, 'behind'],
    ['behind, with nothing applied', { applied: null }, 'behind'],
    ['behind, with a state of another log', { applied: headAt(5, 'g0') }, 'behind'],
    ['behind, with a state that the store has lost', { applied: headAt(8) }, 'behind'],
    ['stopped, heard of just one lease ago', { at: ago(LEASE) }, 'stopped'],
    ['silent, heard of longer than a lease ago', { at: ago(LEASE + 1) }, 'silent'],
    ['stopped, with a clock that is one lease ahead', { at: ago(-LEASE) }, 'stopped'],
    ['silent, with a clock that is further ahead', { at: ago(-LEASE - 1) }, 'silent'],
    ['stopped, heard by the store, with a clock that is behind', { at: ago(60_000), heard_at: ago(LEASE) }, 'stopped'],
    ['stopped, heard by the store, with a clock that is ahead', { at: ago(-60_000), heard_at: ago(0) }, 'stopped'],
    ['silent, not heard by the store for longer than a lease', { at: ago(0), heard_at: ago(LEASE + 1) }, 'silent'],
    ['silent, said to have been heard in the future', { at: ago(0), heard_at: ago(-LEASE - 1) }, 'silent'],
    ['silent, with a report that cannot be read', { problem: 'it is not JSON' }, 'silent'],
  ])('is %s', (_, beat, state) => {
    expect(onlyOne(beat).state).toBe(state);
  });

  test('is shown with what its report says, and the epoch that the store has too', () => {
    expect(onlyOne({ draining: 2 })).toStrictEqual({
      id: 'e1',
      name: 'mailer',
      host: 'h',
      pid: 7,
      epoch: 5,
      in_flight: 3,
      draining: 2,
      work: [],
      unnamed: 3,
      state: 'draining',
      age_ms: 1000,
      lease_ms: LEASE,
      over: false,
      writer: null,
    });
    expect(onlyOne({ applied: headAt(8) }).epoch).toBe(0);
    expect(onlyOne({ applied: null }).epoch).toBe(0);
  });

  test('is shown with what keeps it from obeying, and with what only a file of it obeys', () => {
    const more = { trouble: 'no disk', export: { file: '/f.json', stops_within_ms: 900 }, writer: 'uid 1000' };
    expect(onlyOne(more)).toMatchObject(more);
  });

  test('says by how much a clock is ahead, and what is wrong with a report', () => {
    expect(onlyOne({ at: ago(-6000) })).toMatchObject({
      problem: "its clock is 6000 ms ahead of the store's: set it right",
      age_ms: 0,
    });
    expect(onlyOne({ heard_at: ago(-6000) }).problem).toMatch(
      /^the store was given it 6000 ms from now: .* forged it$/,
    );
    expect(onlyOne({ at: ago(-6000), problem: 'it is not JSON' }).problem).toBe('it is not JSON');
  });
});

describe('all executors together', () => {
  const many = () =>
    judged(
      beatOf({ id: 'stopped' }),
      beatOf({ id: 'draining', draining: 1 }),
      beatOf({ id: 'behind', applied: headAt(4) }),
      beatOf({ id: 'silent', at: ago(60_000) }),
      beatOf({ id: 'silent too', at: ago(60_000) }),
    );

  test('are counted by how far they have obeyed: a draining one has applied the change, a silent one has not', () => {
    expect(many()).toMatchObject({ total: 5, applied: 2, drained: 1, silent: 2, unacknowledging_clients: [] });
    expect(many().elapsed_ms).toBe(13);
    expect(many().executors.map(({ id }) => id)).toEqual(['stopped', 'draining', 'behind', 'silent', 'silent too']);
  });

  test('have stopped when each of them has, and it is known who they are', () => {
    expect(allStopped(many())).toBe(false);
    expect(allStopped(judged())).toBe(true);
    expect(allStopped(judged(beatOf(), beatOf({ id: 'e2' })))).toBe(true);
    for (const not of [
      { draining: 1 },
      { applied: headAt(4) },
      { problem: 'it is not JSON' },
      { at: ago(LEASE + 1000) },
      { at: ago(LEASE + 11_000), export: { file: '/f', stops_within_ms: 10_001 } },
    ])
      expect(allStopped(judged(beatOf(), beatOf({ id: 'e2', ...not })))).toBe(false);
    expect(allStopped({ ...judged(beatOf()), problem: 'the store cannot be reached' })).toBe(false);
  });

  test('need not be waited for where the lease of a silent one is over, whichever clock has dated its report', () => {
    const old = beatOf({ id: 'e2', at: ago(LEASE + 1001) });
    const young = beatOf({ id: 'e3', at: ago(LEASE + 1000) });
    const required = { head: headAt(5), reach: EVERYTHING, store: headAt(7), time: NOW };
    expect(allStopped(acknowledge([beatOf(), old], required, 0))).toBe(true);
    const heard = acknowledge([beatOf(), young], required, 0);
    expect(heard.executors.map(({ over }) => over)).toEqual([false, false]);
    expect(allStopped(heard)).toBe(false);
    const exports = beatOf({ id: 'e4', at: ago(LEASE + 11_000), export: { file: '/f', stops_within_ms: 9_999 } });
    expect(allStopped(acknowledge([exports], required, 0))).toBe(true);
  });

  const row = (agent_id: string, draining = true): WorkRow => ({
    ...{ action: 'mail.send', effect: 'write', agent_id, mission_id: null, run_id: null, surface: null, feature: null },
    ...{ since: ago(11_000), draining, signalled_at: draining ? ago(3000) : null, reads_signal: false },
  });
  const reached = (agent: string | null, beat: Partial<ReportedBeat>): ExecutorAcknowledgement | undefined => {
    const reach = agent === null ? null : { type: 'agent' as const, id: agent };
    const required = { head: headAt(5), reach, store: headAt(7), time: NOW };
    return acknowledge([beatOf(beat)], required, 0).executors[0];
  };

  test('need only have ended what the change reaches; what a report does not name may be that', () => {
    const work = [row('slowbot'), row('other'), row('slowbot', false)];
    expect(reached('slowbot', { draining: 2, work })).toMatchObject({ state: 'draining', draining: 1 });
    expect(reached('slowbot', { draining: 2, work })?.work.map(({ draining }) => draining)).toEqual([true, false]);
    expect(reached('nobody', { draining: 2, work })).toMatchObject({ state: 'stopped', draining: 0, work: [] });
    expect(reached('nobody', { draining: 3, work })).toMatchObject({ state: 'draining', draining: 1 });
    expect(reached('nobody', { draining: 1 })).toMatchObject({ state: 'draining', draining: 1 });
    expect(reached(null, { draining: 3, work })).toMatchObject({ state: 'stopped', draining: 0, work: [] });
    expect(reached(null, { applied: headAt(4) })).toMatchObject({ state: 'behind' });
  });

  test('show how long what they have in flight has run, and how long ago its signal fired', () => {
    const [one] = reached('slowbot', { draining: 1, work: [row('slowbot')], at: ago(1000) })?.work ?? [];
    expect(one).toMatchObject({ action: 'mail.send', running_ms: 11_000, signalled_ms: 3000 });
    const [two] = reached('slowbot', { work: [row('slowbot', false)] })?.work ?? [];
    expect(two).toMatchObject({ running_ms: 11_000, signalled_ms: null });
  });

  test('behind a file have clients that cannot acknowledge: they have stopped when it has ended', () => {
    const exported = (more: Partial<ReportedBeat>) =>
      judged(beatOf({ export: { file: '/f.json', stops_within_ms: 900 }, at: ago(100), ...more }))
        .unacknowledging_clients;
    const client = { kind: 'flagd_export', name: '/f.json', executor: 'e1', writer: null };
    expect(exported({})).toEqual([{ ...client, stops_by: ago(100 - 900) }]);
    expect(exported({ draining: 1 })).toEqual([{ ...client, stops_by: ago(100 - 900) }]);
    expect(exported({ applied: headAt(4) })).toEqual([{ ...client, stops_by: ago(100 - 900 - LEASE) }]);
    expect(exported({ problem: 'it is not JSON' })).toEqual([{ ...client, stops_by: null }]);
    expect(exported({ writer: 'uid 7' })).toMatchObject([{ executor: 'e1', writer: 'uid 7' }]);
    expect(judged(beatOf()).unacknowledging_clients).toEqual([]);
  });

  test('that have one writer are named, because each could report for the others', () => {
    const from = (id: string, writer?: string): ReportedBeat => beatOf({ id, ...(writer !== undefined && { writer }) });
    const { executors, shared_writers } = judged(
      from('a', 'uid 1'),
      from('b', 'uid 2'),
      from('c', 'uid 1'),
      from('d'),
      from('e'),
    );
    expect(shared_writers).toEqual([{ writer: 'uid 1', executors: ['a', 'c'] }]);
    expect(sharedWriters(executors)).toEqual(shared_writers);
  });
});

test('an executor is another one where somebody else has written its report', () => {
  const keys = [{ id: 'a' }, { id: 'a', writer: 'uid 1' }, { id: 'a', writer: 'uid 2' }, { id: 'b' }].map(executorKey);
  expect(new Set(keys).size).toBe(4);
  expect(executorKey({ id: 'a', writer: null })).toBe(executorKey({ id: 'a' }));
});
