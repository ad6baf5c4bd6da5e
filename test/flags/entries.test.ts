import { describe, expect, test } from 'vitest';
import { type Entry, type EntryKind, GENESIS, parseEntry, sealEvent, State, stateFrom } from '../../flags/index.ts';
import { boundRequest } from './approval-requests.ts';
import { LAST_CHANGE } from './last-change.ts';

const at = '2026-01-01T00:00:00Z';

describe('entries from a store', () => {
  test.each([
    ['mode', { mode: 'on', targeting: null, ...LAST_CHANGE }],
    ['mode', null],
    ['kill:agent:a', { id: 'k' }],
    ['feature:f', { stage: 'on', ...LAST_CHANGE }],
    ['limit:l', { value: -1, ...LAST_CHANGE }],
    ['limit:l', { value: '1', ...LAST_CHANGE }],
    ['limit:l', { value: 1, ...LAST_CHANGE, epoch: 0 }],
    ['limit:l', { value: 1, ...LAST_CHANGE, by: '' }],
    ['limit:l', { value: 1, ...LAST_CHANGE, at: 'yesterday' }],
    ['control', { format: 1, generation: '', generations: [], recovered: false, ...LAST_CHANGE }],
  ])('are refused when they are unreadable (%s: %j)', (key, value) => {
    expect(() => parseEntry(key, value)).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
  });

  test.each(['kinds', '__proto__', 'constructor', 'ruler:n'])(
    'are refused when their kind is not known (%s)',
    (key) => {
      expect(() => parseEntry(key, {})).toThrow(expect.objectContaining({ code: 'UNKNOWN_ENTRY' }));
    },
  );

  test('are refused when the whole is in a format of a newer version', () => {
    const control = { format: 3, generation: 'g', generations: ['g'], recovered: false, ...LAST_CHANGE };
    expect(() => parseEntry('control', control)).toThrow(
      expect.objectContaining({
        code: 'UNKNOWN_ENTRY',
        message:
          'The store\'s entry "control" has format 3, which this version does not know. A newer version has written it: update this process.',
      }),
    );
    expect(() => parseEntry('control', { ...control, format: undefined })).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_ENTRY' }),
    );
  });

  /** One of each kind, as a store has it. */
  const ENTRIES: { readonly [K in EntryKind]: Entry<K> } = {
    control: { format: 1, generation: 'g', generations: ['g'], recovered: false, ...LAST_CHANGE },
    mode: { mode: 'live', targeting: null, ...LAST_CHANGE },
    flags: { definition: {}, ...LAST_CHANGE },
    kill: {
      ...{ id: 'k', target: 'agent:a', mode: 'full_stop', reason: null },
      ...{ killed_by: 'unverified:dana', killed_at: at, expires_at: null, ...LAST_CHANGE },
    },
    feature: { stage: 'live', ...LAST_CHANGE },
    limit: { value: 1, ...LAST_CHANGE },
    autonomy: { stage: 'trusted', ...LAST_CHANGE },
    resolutions: { resolved: [{ intent: 'i', landed: true, at }], ...LAST_CHANGE },
    approval: {
      ...{ status: 'approved', request: boundRequest(), edited: null, escalated: false },
      ...{ decided_by: 'unverified:dana', decided_at: at, notes: null },
      ...{ given: [{ by: 'unverified:dana', at }], ...LAST_CHANGE },
    },
    standing: {
      ...{ id: 's-1', action: 'payments.refund', agent_id: 'a', run_id: null, match: { currency: 'usd' } },
      ...{ times: 20, until: at, notes: null, ...LAST_CHANGE },
    },
    rollbacks: {
      asked: [
        {
          ...{ id: 'r-1', target: 'run:r', since: null, hash: 'a'.repeat(64), count: 1, timeout_ms: 30_000 },
          kills: [{ target: 'run:r', id: 'k', epoch: 1 }],
          ...{ performer: { id: 'e', name: 'mailer', lease_ms: 5000 }, former: null },
          ...{ asked_by: 'unverified:dana', ...LAST_CHANGE },
        },
      ],
      ...LAST_CHANGE,
    },
    rule: { target: 'all', mode: 'paused', window: null, when: null, reason: null, ...LAST_CHANGE },
    budget: {
      ...{ scope: 'day', window: 'day', usd: 50, tokens: null, calls: null, time_zone: 'UTC', warn: 0.8 },
      ...{ do: 'paused', targeting: null, tiers: {}, since: 1, ...LAST_CHANGE },
    },
    tripwire: {
      definition: { on: 'repeats', limit: 5, window_ms: 60_000, scope: 'run', do: 'paused' },
      ...LAST_CHANGE,
    },
    governance: {
      ...{ second_person: 'killer', ladder: true, dwell_ms: 600_000, drill_ms: null, break_glass: false },
      ...{ pending_expires_ms: 3_600_000, restore_roles: { live: ['admin'] }, ...LAST_CHANGE },
    },
    requests: {
      open: [
        {
          ...{ id: 'c2', change: { type: 'revive', target: 'agent:a' }, reason: 'fixed', epoch: 3 },
          ...{ asked_by: 'unverified:dana', asked_at: at, expires_at: at },
        },
      ],
      ...LAST_CHANGE,
    },
    alerts: {
      targets: [
        {
          ...{ id: '00000000-0000-4000-8000-000000000000', name: 'on-call', via: 'url', to: 'https://hooks.test' },
          ...{ events: ['kill', 'revive'], format: 'webhook', allow_private: false },
          ...{ since: 4, added_by: 'unverified:dana', added_at: at, given_up: { count: 2, last: 'evt_5', at } },
        },
      ],
      ...LAST_CHANGE,
    },
    archive: {
      head: { generation: 'g', epoch: 4, hash: 'a'.repeat(64), recovered: false },
      ...{ events: 4, first: 'b'.repeat(64), digest: 'c'.repeat(64), file: 'd'.repeat(64), ...LAST_CHANGE },
    },
    refusals: {
      last: [
        {
          ...{ by: 'unverified:dana', command: 'revive', target: 'agent:a', code: 'ROLE_REQUIRED' },
          ...{ count: 3, recorded: 2, at },
        },
      ],
      ...LAST_CHANGE,
    },
    drills: {
      last: [
        {
          ...{ id: 'd-1', kind: 'stop', target: 'all', window_ms: 5000, recipient: null, schedule: 'weekly' },
          performer: { id: 'e', name: 'mailer', lease_ms: 5000 },
          ...{ state: 'passed', step: 'restore', asked_by: 'system', asked_at: at, until: at, ended_at: at, report: 9 },
          ...{ executors: 1, slowest_ms: 12, late_starts: 0, findings: 0, ...LAST_CHANGE },
        },
      ],
      passed_at: { stop: at },
      schedules: [
        {
          ...{ name: 'weekly', kind: 'stop', target: null, window_ms: 5000, recipient: null },
          ...{ words: 'Mon 10:00 UTC', period_ms: 604_800_000, taken: null, ...LAST_CHANGE },
        },
      ],
      ...LAST_CHANGE,
    },
    lifted: LAST_CHANGE,
  };

  test.each(Object.entries(ENTRIES))('are refused with an unknown member (%s)', (kind, entry) => {
    expect(parseEntry(kind, entry)).toEqual(entry);
    const newer = { ...entry, only_when: { hour: 18 } };
    expect(() => parseEntry(kind, newer)).toThrow(
      expect.objectContaining({
        code: 'UNKNOWN_ENTRY',
        message: `The store's entry "${kind}" has "only_when", which this version does not know. A newer version has written it: update this process.`,
      }),
    );
  });

  test.each(Object.keys(LAST_CHANGE))('must have the %s of their last change', (member) => {
    for (const [kind, entry] of Object.entries(ENTRIES)) {
      const without = Object.entries(entry).filter(([name]) => name !== member);
      expect(() => parseEntry(kind, Object.fromEntries(without)), kind).toThrow(
        expect.objectContaining({ code: 'CORRUPT' }),
      );
    }
  });

  test('name, of many members that are not known, the first five, each by its first 60 characters', () => {
    const odd = Object.fromEntries(['a', 'b', 'c', 'd', 'e'.repeat(100), 'f'].map((name) => [name, 1]));
    expect(() => parseEntry('limit:l', { value: 1, ...LAST_CHANGE, ...odd })).toThrow(
      `The store's entry "limit:l" has "a", "b", "c", "d", "${'e'.repeat(60)}", which this version does not know.`,
    );
  });

  test('say which of them cannot be read, and why', () => {
    expect(() => parseEntry('limit:l', { value: -1, ...LAST_CHANGE })).toThrow(
      expect.objectContaining({
        message: `The store's entry "limit:l" is unreadable.`,
        cause: expect.objectContaining({ issues: [expect.objectContaining({ path: ['value'] })] }),
      }),
    );
  });

  test('are refused when the head belongs to another log', () => {
    const state = new State();
    const init = { type: 'init', data: { generation: 'g1' }, reason: null };
    state.take(sealEvent({ seq: 1, at, actor: 'dana', ...init, prev: GENESIS }));
    const head = { generation: 'g2', epoch: 1, hash: GENESIS, recovered: false };
    expect(() => stateFrom(state.entries(), head)).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
    expect(() => stateFrom([], head)).toThrow(expect.objectContaining({ code: 'CORRUPT' }));
  });
});
