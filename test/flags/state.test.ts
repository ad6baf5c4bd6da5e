import { describe, expect, test } from 'vitest';
import { type ActiveKill, entryKey, type Head, nextChange, placeOf, State, stateFrom } from '../../flags/index.ts';
import { putKill } from './arbitraries.ts';
import { LAST_CHANGE } from './last-change.ts';

const corrupt = (message: string | RegExp) =>
  expect.objectContaining({
    code: 'CORRUPT',
    message: typeof message === 'string' ? message : expect.stringMatching(message),
  });

/** One entry of each kind that can have several, and of each that has one. */
const KEYS = ['control', 'mode', 'flags', 'kill:agent:a', 'feature:f', 'limit:l', 'autonomy:a.b'] as const;

function full(): State {
  const state = new State();
  // In another order than they are listed.
  state.put('autonomy:a.b', { stage: 'trusted', ...LAST_CHANGE });
  state.put('limit:l', { value: 1, ...LAST_CHANGE });
  state.put('feature:f', { stage: 'live', ...LAST_CHANGE });
  putKill(state, 'agent:a', 'paused');
  state.put('flags', { definition: {}, ...LAST_CHANGE });
  state.put('mode', { mode: 'live', targeting: null, ...LAST_CHANGE });
  state.put('control', { format: 1, generation: 'g', generations: ['g'], recovered: true, ...LAST_CHANGE });
  state.epoch = 9;
  state.hash = 'a'.repeat(64);
  return state;
}

describe('a state in which nothing was set', () => {
  test('has no head, and the mode that a control plane begins with', () => {
    const state = new State();
    expect([state.head, state.epoch, state.hash, state.killCount]).toEqual([null, 0, '', 0]);
    expect(state.mode).toEqual({ mode: 'draft_only', targeting: null, epoch: 1, by: 'system', at: expect.any(String) });
    expect(Date.parse(state.mode.at)).toBe(0);
    expect([...state]).toEqual([]);
    expect([state.control, state.flags, state.get('mode')]).toEqual([undefined, undefined, undefined]);
  });
});

describe('the entries of a state', () => {
  test('are listed in the order of their kinds, under the keys that stores use', () => {
    const state = full();
    expect([...state].map(([key]) => key)).toEqual(KEYS);
    for (const [key, entry] of state) expect(state.entry(key)).toBe(entry);
    expect([state.control, state.mode, state.flags]).toEqual(
      ['control', 'mode', 'flags'].map((key) => state.entry(key)),
    );
    expect(state.flags?.definition).toEqual({});
  });

  test('are changed by an event that is taken, and the state stands where that event stands', () => {
    const state = full();
    const data = { name: 'f', stage: 'dark' };
    const { event, patch } = nextChange(state, { type: 'feature', data, at: LAST_CHANGE.at, actor: 'a' });
    expect(state.take(event)).toEqual({ patch, direction: 'tightens' });
    expect(state.features.get('f')).toMatchObject({ stage: 'dark', epoch: 10 });
    expect([state.epoch, state.hash]).toEqual([10, event.hash]);
    const lifted = { set: [], remove: ['kill:agent:a'] };
    state.apply(lifted, { seq: 11, hash: 'c'.repeat(64) });
    expect([state.killCount, state.epoch, state.hash]).toEqual([0, 11, 'c'.repeat(64)]);
  });

  test('stay as they are where an event cannot be read', () => {
    const state = full();
    const { event } = nextChange(state, {
      type: 'limit',
      data: { name: 'l', value: 2 },
      at: LAST_CHANGE.at,
      actor: 'a',
    });
    expect(() => state.take({ ...event, data: { name: 'l', value: -2 } })).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_EVENT', message: expect.stringMatching(/has a value of "value"/) }),
    );
    expect([...state]).toEqual([...full()]);
    expect(state.epoch).toBe(9);
  });

  test.each(KEYS)('go one at a time: %s', (key) => {
    const state = full();
    state.put(key, undefined);
    expect(state.entry(key)).toBeUndefined();
    expect([...state].map(([left]) => left)).toEqual(KEYS.filter((other) => other !== key));
  });

  test('have no name where their kind has only one; the name of any other begins after the first colon', () => {
    expect(placeOf('mode')).toEqual(['mode']);
    expect(placeOf('kill:agent:a:b')).toEqual(['kill', 'agent:a:b']);
    expect([entryKey('mode'), entryKey('kill', 'agent:a:b')]).toEqual(['mode', 'kill:agent:a:b']);
  });

  test('are replaced under their key, and the epoch and hash of the state move on', () => {
    const state = full();
    expect(state.head).toEqual({ generation: 'g', epoch: 9, hash: 'a'.repeat(64), recovered: true });
    state.put('limit:l', { value: 2, ...LAST_CHANGE });
    expect(state.get('limit', 'l')?.value).toBe(2);
    expect(state.get('limit', 'm')).toBeUndefined();
  });

  test.each(['ruler:r', 'ruler', ':x', '', '__proto__'])('of a kind that is not known are refused: %j', (key) => {
    const message = `The store holds an entry ${JSON.stringify(key)} that this version does not know. A newer version has written it: update this process.`;
    const unknown = expect.objectContaining({ code: 'UNKNOWN_ENTRY', message });
    expect(() => new State().put(key, undefined)).toThrow(unknown);
    expect(() => new State().entry(key)).toThrow(unknown);
  });
});

describe('the kills of a state', () => {
  const TARGETS = ['all', 'agent:a', 'mission:a', 'run:a', 'action:a', 'feature:a', 'surface:a', 'agent:a:b'];

  test('are counted, found and lifted by their own targets, whatever type these have', () => {
    const state = new State();
    for (const target of TARGETS) putKill(state, target, 'paused');
    expect(state.killCount).toBe(TARGETS.length);
    expect([...state.activeKills()].map(({ target }) => target).sort()).toEqual([...TARGETS].sort());
    expect(state.get('kill', 'agent:a:b')?.target).toBe('agent:a:b');
    for (const [index, target] of TARGETS.entries()) {
      expect(state.get('kill', target)?.target).toBe(target);
      state.put(`kill:${target}`, undefined);
      expect(state.get('kill', target)).toBeUndefined();
      expect(state.killCount).toBe(TARGETS.length - 1 - index);
    }
  });
});

describe('the state that a store’s entries make', () => {
  const head: Head = { generation: 'g', epoch: 9, hash: 'a'.repeat(64), recovered: true };

  test('has the store’s head', () => {
    const stored = JSON.parse(JSON.stringify([...full()])) as [string, unknown][];
    const state = stateFrom(stored, { ...head, epoch: 11, hash: 'b'.repeat(64) });
    expect(state.head).toEqual({ ...head, epoch: 11, hash: 'b'.repeat(64) });
    expect([...state]).toEqual([...full()]);
  });

  test('is the given State where that has the same head, and a new one otherwise', () => {
    const given = full();
    expect(stateFrom(given, head)).toBe(given);
    const elsewhere = { ...head, hash: 'b'.repeat(64) };
    const made = stateFrom(given, elsewhere);
    expect(made).not.toBe(given);
    expect([made.hash, given.hash]).toEqual([elsewhere.hash, head.hash]);
  });

  test('is refused without the control entry of the head’s own generation', () => {
    const message = 'The store holds a head without the state that belongs to it.';
    expect(() => stateFrom([], head)).toThrow(corrupt(message));
    expect(() => stateFrom([...full()], { ...head, generation: 'g2' })).toThrow(corrupt(message));
  });

  test('keeps who made a kill and who changed it last, also where person and time are not the same', () => {
    const kill: ActiveKill = {
      ...{ id: 'k', target: 'agent:a', mode: 'paused', reason: 'r', expires_at: null, epoch: 3 },
      ...{ killed_by: 'ann', killed_at: '2026-01-01T00:00:00Z', by: 'ann', at: '2026-01-01T00:00:00Z' },
    };
    for (const more of [{}, { by: 'dan' }, { at: '2026-01-02T00:00:00Z' }]) {
      const entries = [...full()].filter(([key]) => key === 'control');
      const state = stateFrom([...entries, ['kill:agent:a', { ...kill, ...more }]], head);
      expect(state.get('kill', 'agent:a')).toEqual({ ...kill, ...more });
    }
  });
});
