import { expect, test } from 'vitest';
import { acknowledge } from '../../../operator/acknowledge.ts';
import { together } from '../../../operator/cli/together.ts';
import type { WorkRow } from '../../../flags/index.ts';
import type { ReportedBeat } from '../../../store/beats.ts';

const NOW = '2026-01-01T00:01:00.000Z';
const head = { generation: 'g', epoch: 5, hash: 'a'.repeat(64), recovered: false };

const row = (agent_id: string): WorkRow => ({
  ...{ action: 'mail.send', effect: 'write', agent_id, mission_id: null, run_id: null, surface: null, feature: null },
  ...{ since: NOW, draining: true, signalled_at: null, reads_signal: false },
});

const beat = (more: Partial<ReportedBeat>): ReportedBeat => ({
  ...{ id: 'e1', name: 'mailer', host: 'h', pid: 7, version: '1', started_at: NOW, at: NOW, lease_ms: 5000 },
  ...{ applied: head, in_flight: 0, draining: 0, agents: [], runs: [], fork: null },
  ...more,
});

/** What is said of a kill of this agent. */
const heard = (id: string, beats: readonly ReportedBeat[]) =>
  acknowledge(beats, { head, reach: { type: 'agent', id }, store: head, time: NOW }, 10);

test('several stops show all the work that any of them has reached, and of each executor how far it is behind', () => {
  const beats = [
    beat({ in_flight: 3, draining: 3, work: [row('a'), row('a'), row('b')] }),
    beat({ id: 'e2', applied: null }),
    beat({ id: 'e3' }),
  ];
  const all = together([heard('idle', beats), heard('a', beats), heard('b', beats)]);
  expect(all).toMatchObject({ total: 3, applied: 2, drained: 1, silent: 0 });
  expect(all?.executors.map(({ state }) => state)).toEqual(['draining', 'behind', 'stopped']);
  expect(all?.executors[0]?.work.map(({ agent_id }) => agent_id)).toEqual(['a', 'a', 'b']);
  expect(all?.executors[0]?.draining).toBe(3);
  expect(together([])).toBeNull();
  expect(together([heard('a', [])])).toMatchObject({ total: 0 });
});
