import { describe, expect, test } from 'vitest';
import type { Instant } from '../../flags/index.ts';
import { LiveCopy } from '../../store/live-copy.ts';
import type { Answer, Confirmation } from '../../store/confirmation.ts';
import { TestLog } from './test-log.ts';

const START = Date.UTC(2026, 0, 1);
const moment = (ms: number): Instant => ({ mono: ms, wall: 5_000_000 + ms });

/** A copy with a lease of 3 s. `confirm` and `load` give it the log's answer with some members replaced. */
function setUp() {
  const log = new TestLog();
  log.append('init', { generation: 'g0' });
  const copy = new LiveCopy({ leaseMs: 3000, keeper: null, organizationId: 'default' });
  let asked = 0;
  const confirm = (sentMs: number, answeredMs: number, says: Partial<Confirmation> = {}): string => {
    const ticket = copy.ask(moment(sentMs), `n${(asked += 1)}`);
    return copy.reply(ticket, { ...log.confirmation(ticket, START + answeredMs), ...says }, moment(answeredMs));
  };
  const load = (says: Partial<Answer> = {}): string => {
    const ticket = { held: copy.held, nonce: 'load' };
    return copy.loaded(ticket, { ...log.snapshot(ticket), ...says });
  };
  const acts = (ms: number): boolean => copy.fault(moment(ms)) === null;
  return { log, copy, confirm, load, acts };
}

describe('an answer to another request', () => {
  test('is dropped, and drops no other answer', () => {
    const { log, copy, confirm, load, acts } = setUp();
    expect(load({ nonce: 'another' })).toBe('dropped');
    expect(copy.state).toBeNull();
    load();
    const [first, second] = [copy.ask(moment(0), 'first'), copy.ask(moment(1), 'second')];
    expect(copy.reply(second, log.confirmation(first), moment(2))).toBe('dropped');
    expect([acts(2), copy.storeNow(moment(2))]).toEqual([false, null]);
    expect(copy.reply(first, log.confirmation(first), moment(2))).toBe('renewed');
    expect(copy.reply(second, log.confirmation(second), moment(3))).toBe('renewed');
    expect(confirm(4, 5, { nonce: '' })).toBe('dropped');
  });

  test('raises no fork, whatever is in it', () => {
    const { log, copy, load } = setUp();
    load();
    const ticket = copy.ask(moment(0), 'mine');
    const answer = { ...log.confirmation(ticket), nonce: 'another', events: null, forkReported: true };
    expect(copy.reply(ticket, answer, moment(1))).toBe('dropped');
    expect(copy.fault(moment(1))?.code).toBe('STALE');
  });
});

describe('the age of an answer', () => {
  test('shortens the lease, by both clocks', () => {
    const { copy, confirm, load, acts } = setUp();
    load();
    expect(confirm(10_000, 10_000, { ageMs: 2000 })).toBe('renewed');
    expect(copy.confirmed).toEqual(moment(8000));
    expect([acts(10_999), acts(11_000)]).toEqual([true, false]);
    expect(copy.fault({ mono: 10_000, wall: moment(11_000).wall })?.code).toBe('STALE');
  });

  test('of a lease or more renews nothing', () => {
    const { confirm, load, acts } = setUp();
    load();
    expect(confirm(10_000, 10_000, { ageMs: 3000 })).toBe('again');
    expect(acts(10_000)).toBe(false);
  });

  test('never shortens a lease that a younger answer has begun', () => {
    const { confirm, load, acts } = setUp();
    load();
    confirm(10_000, 10_000);
    expect(confirm(11_000, 11_000, { ageMs: 2500 })).toBe('renewed');
    expect([acts(12_999), acts(13_000)]).toEqual([true, false]);
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, '5' as never, null as never])(
    'that is %s is refused',
    (ageMs) => {
      const { confirm, load, acts } = setUp();
      expect(() => load({ ageMs })).toThrow(/age/);
      load();
      expect(() => confirm(0, 1, { ageMs })).toThrow(/age/);
      expect(acts(1)).toBe(false);
    },
  );
});

describe('the store’s time', () => {
  test.each(['', 'soon', '2026-01-01', 5 as never, null as never])('that is %j is refused', (time) => {
    const { confirm, load, acts } = setUp();
    expect(() => load({ time })).toThrow(/as its time/);
    load();
    expect(() => confirm(0, 1, { time })).toThrow(/as its time/);
    expect(acts(1)).toBe(false);
  });

  test('is that of the last confirmation that renewed the lease, plus the time since that was sent', () => {
    const { log, copy, confirm, load } = setUp();
    load();
    expect(copy.storeNow(moment(0))).toBeNull();
    confirm(0, 40);
    expect(copy.storeNow(moment(1040))).toBe(START + 1080); // ahead by the round trip
    log.append('kill', { id: 'k', target: 'all', mode: 'paused', expires_at: null });
    confirm(2000, 2000);
    expect(copy.storeNow(moment(2000))).toBe(START + 2040); // stands still until the store has caught up
    expect(copy.storeNow(moment(2500))).toBe(START + 2500);
    expect(confirm(3000, 3000, { nonce: 'another', time: '2099-01-01T00:00:00Z' })).toBe('dropped');
    expect(copy.storeNow(moment(3000))).toBe(START + 3000);
  });

  test('counts the age of its answer', () => {
    const { copy, confirm, load } = setUp();
    load();
    confirm(10_000, 10_000, { ageMs: 2000, time: new Date(START + 8000).toISOString() });
    expect(copy.storeNow(moment(10_500))).toBe(START + 10_500);
  });
});

describe('an answer about the log', () => {
  const asked = () => {
    const made = setUp();
    made.load();
    made.confirm(0, 1);
    const ticket = made.copy.ask(moment(2), 'this');
    return { ...made, ticket, answer: made.log.confirmation(ticket, START + 3) };
  };

  test('counts once, however often it arrives', () => {
    const { copy, ticket, answer } = asked();
    expect(copy.reply(ticket, answer, moment(3))).toBe('renewed');
    expect(copy.reply(ticket, answer, moment(4))).toBe('dropped');
  });

  test('that the store is empty stops a copy that has seen a control plane, and is reported as its own evidence', () => {
    const { copy, ticket, answer } = asked();
    expect(copy.reply(ticket, { ...answer, head: null, events: [] }, moment(3))).toBe('faulty');
    expect(copy.fault(moment(3))).toMatchObject({
      code: 'GENERATION_CHANGED',
      message: expect.stringContaining('the store is empty'),
    });
    expect(copy.forkReport).toEqual({ against: '', held: copy.held });
  });

  test('that what was held is not in the log stops, and is reported as its own evidence', () => {
    const { copy, ticket, answer } = asked();
    expect(copy.reply(ticket, { ...answer, events: null }, moment(3))).toBe('faulty');
    expect(copy.fault(moment(3))?.code).toBe('GENERATION_CHANGED');
    expect(copy.forkReport).toEqual({ against: 'g0', held: copy.held });
  });

  test('that another executor has reported a fork stops, says so, and is no evidence of its own', () => {
    const { copy, ticket, answer } = asked();
    expect(copy.reply(ticket, { ...answer, forkReported: true }, moment(3))).toBe('faulty');
    expect(copy.fault(moment(3))?.message).toContain('another executor has seen changes');
    expect(copy.forkReport).toBeNull();
  });

  test('that is too long to send asks for the whole state, and renews nothing', () => {
    const { copy, ticket, answer, acts } = asked();
    expect(copy.reply(ticket, { ...answer, events: 'reload' }, moment(3))).toBe('reload');
    expect([acts(2999), acts(3001)]).toEqual([true, false]);
  });

  test('whose events do not end in its head is refused, and renews nothing', () => {
    const { log, copy, ticket, acts } = asked();
    log.append('mode', { mode: 'live', targeting: null });
    const cut = { ...log.confirmation(ticket, START + 3), events: [] };
    expect(() => copy.reply(ticket, cut, moment(3))).toThrow('does not end in its head');
    expect(acts(3001)).toBe(false);
  });

  test('that begins with what a push has brought meanwhile applies the rest', () => {
    const { log, copy, ticket } = asked();
    log.append('kill', { id: 'a', target: 'run:a', mode: 'full_stop', expires_at: null });
    copy.push(log.event(log.hash));
    log.append('mode', { mode: 'live', targeting: null });
    expect(copy.reply(ticket, log.confirmation(ticket, START + 3), moment(3))).toBe('renewed');
    expect(copy.state?.epoch).toBe(3);
  });
});

describe('the end of a lease', () => {
  test('is told once for each lease that a look has found over, whichever clock ended it', () => {
    const { copy, confirm, load, acts } = setUp();
    load();
    expect([acts(0), copy.takeEnd()]).toEqual([false, false]); // there was none that could end
    confirm(0, 1);
    expect([acts(2999), copy.takeEnd()]).toEqual([true, false]);
    expect([acts(3000), copy.takeEnd()]).toEqual([false, true]);
    expect([acts(3001), copy.takeEnd()]).toEqual([false, false]);
    confirm(4000, 4001);
    copy.fault({ mono: 4001, wall: 0 });
    expect([copy.takeEnd(), copy.takeEnd()]).toEqual([true, false]);
  });

  test('is a fault that says how long nothing has confirmed the switch', () => {
    const { copy, confirm, load } = setUp();
    load();
    confirm(0, 1);
    expect(copy.fault(moment(3000))).toEqual({
      code: 'STALE',
      message: 'nothing has confirmed the switch for 3000 ms',
    });
  });
});

describe('the changes', () => {
  test('are told once, with the time of the last of them', () => {
    const { log, copy, confirm, load } = setUp();
    expect(copy.takeChanges()).toEqual({ keys: [], at: null });
    load();
    expect(copy.takeChanges()).toEqual({ keys: 'all', at: null });
    expect(copy.takeChanges()).toEqual({ keys: [], at: null });
    confirm(0, 1);
    expect(copy.takeChanges()).toEqual({ keys: [], at: null });
    const kill = (id: string) => log.append('kill', { id, target: `run:${id}`, mode: 'full_stop', expires_at: null });
    copy.push(kill('a'), kill('b'));
    expect(copy.takeChanges()).toEqual({ keys: ['kill:run:a', 'kill:run:b'], at: '2026-01-01T00:00:00.000Z' });
    log.append('revive', { id: 'a', target: 'run:a' });
    confirm(2, 3);
    expect(copy.takeChanges()).toEqual({ keys: ['kill:run:a'], at: '2026-01-01T00:00:00.000Z' });
    expect(copy.takeChanges()).toEqual({ keys: [], at: null });
  });
});

describe('a whole state', () => {
  const kill = (id: string) => ({ id, target: `run:${id}`, mode: 'full_stop', expires_at: null }) as const;

  test('that was asked for before a push was applied is not taken, since it would lift what the push has stopped', () => {
    const { log, copy, confirm, load } = setUp();
    load();
    confirm(0, 1);
    const ticket = { held: copy.held, nonce: 'early' };
    const early = log.snapshot(ticket);
    copy.push(log.append('kill', kill('a')));
    expect(copy.loaded(ticket, early)).toBe('again');
    expect([copy.state?.killCount, copy.fault(moment(2))]).toEqual([1, null]);
  });

  test('drops the answers to questions from before it', () => {
    const { log, copy, load } = setUp();
    load();
    const ticket = copy.ask(moment(0), 'early');
    load();
    expect(copy.reply(ticket, log.confirmation(ticket), moment(1))).toBe('dropped');
  });

  test('of a log that another `init` began is evidence of a loss', () => {
    const { copy, confirm, load } = setUp();
    load();
    confirm(0, 1);
    const other = new TestLog();
    other.append('init', { generation: 'f0' });
    const ticket = { held: copy.held, nonce: 'load' };
    expect(copy.loaded(ticket, other.snapshot(ticket))).toBe('faulty');
    expect(copy.fault(moment(2))?.code).toBe('GENERATION_CHANGED');
    expect(copy.forkReport).toMatchObject({ against: 'f0', held: { generation: 'g0' } });
  });

  test('of a store without a control plane says that there is none, or that it is lost', () => {
    const { log, copy, load } = setUp();
    const loadNothing = (): string => {
      const ticket = { held: copy.held, nonce: 'load' };
      return copy.loaded(ticket, new TestLog().snapshot(ticket));
    };
    expect(loadNothing()).toBe('faulty');
    expect(copy.fault(moment(0))?.code).toBe('NOT_INITIALISED');
    expect([copy.needsLoad, copy.forkReport]).toEqual([true, null]);
    load();
    expect(loadNothing()).toBe('faulty');
    expect(copy.fault(moment(0))?.code).toBe('GENERATION_CHANGED');
    expect(copy.forkReport).toEqual({ against: '', held: log.state.head });
  });

  test('ends no fork, although it has the held head; a recover that was not seen does', () => {
    const { log, copy, confirm, load } = setUp();
    load();
    expect(confirm(0, 1, { forkReported: true })).toBe('faulty');
    expect(load()).toBe('faulty');
    expect(copy.fault(moment(2))?.code).toBe('GENERATION_CHANGED');
    log.append('recover', { generation: 'g1', given_up: [] });
    expect(load()).toBe('taken');
    expect(copy.fault(moment(2))?.code).toBe('STALE');
  });
});

describe('a fork', () => {
  const reported = { forkReported: true };
  const empty = { head: null, events: [] };

  test('that another executor has reported becomes its own evidence where it sees a loss itself', () => {
    const { copy, confirm, load } = setUp();
    load();
    confirm(0, 1, reported);
    expect(copy.forkReport).toBeNull();
    confirm(2, 3, empty);
    expect(copy.forkReport).toMatchObject({ held: { generation: 'g0' } });
    expect(copy.fault(moment(3))?.message).toContain('the store is empty');
  });

  test('takes no push, also none that links', () => {
    const { log, copy, confirm, load } = setUp();
    load();
    confirm(0, 1, reported);
    const event = log.append('kill', { id: 'a', target: 'run:a', mode: 'full_stop', expires_at: null });
    expect([copy.push(event), copy.state?.epoch]).toEqual(['confirm', 1]);
  });

  test('keeps its first evidence', () => {
    const { copy, confirm, load } = setUp();
    load();
    confirm(0, 1, { events: null });
    confirm(2, 3, empty);
    expect(copy.fault(moment(3))?.message).toContain('has lost changes that this executor had seen');
  });

  test('that was reported before the first load does not end because the store is empty', () => {
    const { copy, confirm } = setUp();
    expect(confirm(0, 1, reported)).toBe('faulty');
    expect(confirm(2, 3, empty)).toBe('faulty');
    expect(copy.fault(moment(3))?.code).toBe('GENERATION_CHANGED');
  });
});
