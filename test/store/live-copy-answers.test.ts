import { describe, expect, test } from 'vitest';
import type { Instant } from '../../flags/index.ts';
import { LiveCopy } from '../../store/live-copy.ts';
import type { Answer } from '../../store/confirmation.ts';
import { TestLog } from './test-log.ts';

const START = Date.UTC(2026, 0, 1);
const moment = (ms: number): Instant => ({ mono: ms, wall: 5_000_000 + ms });

/** A copy with a lease of 3 s. `confirm` and `load` give it the log's answer with some members replaced. */
function setUp() {
  const log = new TestLog();
  log.append('init', { generation: 'g0' });
  const copy = new LiveCopy({ leaseMs: 3000, keeper: null, organizationId: 'default' });
  let asked = 0;
  const confirm = (sentMs: number, answeredMs: number, says: Partial<Answer> = {}): string => {
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
    expect(copy.fault(moment(3))?.code).toBe('GENERATION_CHANGED');
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
