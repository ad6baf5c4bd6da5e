import { describe, expect, test } from 'vitest';
import type { Confirmation } from '../../store/confirmation.ts';
import { type Anchor, type Head } from '../../flags/index.ts';
import { LiveCopy, type Ticket } from '../../store/live-copy.ts';
import { confirmOnce, LEASE_TICKS, loadOnce, World } from './live-copy-world.ts';
import { TestLog } from './test-log.ts';

describe('the violated traces of the protocol model do not happen', () => {
  test('a reply that a push has overtaken is merely late, not a fork', () => {
    const world = new World();
    const index = world.ask();
    world.serve(index);
    world.append('kill');
    expect(world.push(0)).toBe('applied');
    expect(world.reply(index)).toBe('again');
    expect(world.forked).toBe(false);
    expect(world.confirm()).toBe('renewed');
  });

  test('a late push of a lost loosening event does not loosen', () => {
    const world = new World();
    world.append('kill');
    world.append('revive');
    world.cut(3);
    world.tick(LEASE_TICKS, LEASE_TICKS);
    world.confirm();
    world.pushed.shift();
    expect(world.push(0)).toBe('confirm');
    expect(world.broken()).toBeNull();
    expect(world.log.modeOf(world.copy.state)).toBe('full_stop');
  });

  test('a reply that was sent before one already taken is dropped', () => {
    const world = new World();
    world.append('kill');
    world.append('revive');
    const old = world.ask();
    world.serve(old);
    world.cut(3);
    world.tick(LEASE_TICKS, LEASE_TICKS);
    expect(world.confirm()).toBe('renewed');
    expect(world.reply(old)).toBe('dropped');
    expect(world.broken()).toBeNull();
  });

  test('a restarted executor recognises a restored backup by its anchor', () => {
    const world = new World();
    world.append('kill');
    world.cut(2);
    world.push(0);
    world.restart();
    expect(world.load()).toBe('faulty');
    expect(world.confirm()).toBe('faulty');
    expect(world.forked).toBe(true);
    expect(world.copy.forkReport).toMatchObject({ against: 'g0' });
  });

  test('a push of a lost event after recover does not convict the recovered store', () => {
    const world = new World();
    world.append('kill');
    world.cut(2);
    world.append('recover');
    expect(world.confirm()).toBe('renewed');
    world.push(0);
    expect(world.forked).toBe(false);
    expect(world.confirm()).toBe('renewed');
  });

  test('a state that lacks an event that was seen is not taken, however long its log is', () => {
    const world = new World();
    world.append('kill');
    world.cut(2);
    world.push(0);
    world.append('kill');
    expect(world.confirm()).toBe('faulty');
    expect(world.load()).toBe('faulty');
    expect(world.forked).toBe(true);
  });

  test('a recover that was already seen is not accepted twice', () => {
    const world = new World();
    world.append('kill');
    world.confirm();
    world.cut(2);
    world.append('recover');
    world.confirm();
    world.confirm();
    expect(world.acts).toBe(true);
    const recovered = world.log.hashes().length;
    world.append('kill');
    world.confirm();
    world.cut(recovered); // back to right after the recover, without the kill
    expect(world.confirm()).toBe('faulty');
    expect(world.forked).toBe(true);
    expect(world.confirm()).toBe('faulty');
  });

  test('a fork that another executor has reported stops this one too, until a recover', () => {
    const world = new World();
    const index = world.ask();
    const entry = world.asked[index] as { reply: Confirmation | null; ticket: Ticket };
    entry.reply = { ...world.log.confirmation(entry.ticket), forkReported: true };
    expect(world.reply(index)).toBe('faulty');
    expect(world.forked).toBe(true);
    expect(world.copy.forkReport).toBeNull();
    expect(world.confirm()).toBe('faulty');
    world.append('recover');
    expect(world.confirm()).toBe('reload');
    expect(world.confirm()).toBe('renewed');
    expect(world.acts).toBe(true);
  });

  test.each([
    ['monotonic clock alone stands still (suspended)', 0, LEASE_TICKS],
    ['wall clock alone stands still', LEASE_TICKS, 0],
    ['wall clock steps back', 1, -1],
  ])('the lease is over when the %s', (_name, mono, wall) => {
    const world = new World();
    expect(world.acts).toBe(true);
    world.tick(mono, wall);
    expect(world.acts).toBe(false);
    world.tick(0, 1);
    expect(world.acts).toBe(false);
    expect(world.confirm()).toBe('renewed');
    expect(world.acts).toBe(true);
  });

  test('a confirmation counts from when it was sent, and a push renews nothing', () => {
    const world = new World();
    const index = world.ask();
    world.serve(index);
    world.append('tighten');
    world.tick(LEASE_TICKS, LEASE_TICKS);
    world.push(0);
    expect(world.acts).toBe(false);
    world.reply(index);
    expect(world.acts).toBe(false);
  });

  test('an unreadable anchor is a fault until it can be read or is removed', () => {
    let unreadable = true;
    const copy = new LiveCopy({
      leaseMs: 3000,
      keeper: {
        read: () => {
          if (unreadable) throw new Error('not JSON');
          return null;
        },
        write: () => {},
      },
      organizationId: 'default',
    });
    const log = new TestLog();
    log.append('init', { generation: 'g0' });
    const now = { mono: 1, wall: 1 };
    expect(confirmOnce(copy, log, now)).toBe('faulty');
    expect(loadOnce(copy, log)).toBe('faulty');
    expect(copy.fault(now)?.code).toBe('ANCHOR_UNUSABLE');
    unreadable = false;
    copy.ask(now, 'again');
    expect(loadOnce(copy, log)).toBe('taken');
  });

  test('an anchor of another control plane counts for nothing until it is replaced or a recover names its generation', () => {
    const [log, foreign] = [new TestLog(), new TestLog()];
    log.append('init', { generation: 'g0' });
    foreign.append('init', { generation: 'f0' });
    const head = foreign.state.head as Head;
    const anchor: Anchor = { head, generations: ['f0'] }; // an older version's: it names no organisation
    const writes: Anchor[] = [];
    const copy = new LiveCopy({
      leaseMs: 3000,
      keeper: { read: () => anchor, write: (written) => writes.push(written) },
      organizationId: 'default',
    });
    const now = { mono: 1, wall: 1 };
    const confirm = (): string => confirmOnce(copy, log, now);
    expect(confirm()).toBe('reload'); // only the whole state tells
    expect(loadOnce(copy, log)).toBe('faulty');
    for (let again = 0; again < 3; again += 1) {
      expect(copy.fault(now)).toMatchObject({ code: 'ANCHOR_FOREIGN', message: expect.stringMatching(/"f0".*"g0"/) });
      expect([copy.held, copy.forkReport, copy.needsLoad, confirm()]).toEqual([null, null, false, 'faulty']);
    }
    expect(writes).toEqual([]);

    log.append('recover', { generation: 'g1', given_up: [head] }, 1);
    expect(confirm()).toBe('reload');
    expect(loadOnce(copy, log)).toBe('taken');
    expect(confirm()).toBe('renewed');
    expect(writes.at(-1)).toMatchObject({ generations: ['f0', 'g1', 'g0'], first_generation: 'g0' });
  });

  test('a store that was recovered from nothing knows no earlier generation, so any anchor may be of it', () => {
    const [log, lost] = [new TestLog(), new TestLog()];
    log.append('recover', { generation: 'g1', given_up: [] });
    lost.append('init', { generation: 'g0' });
    const anchor: Anchor = { head: lost.state.head as Head, generations: ['g0'] };
    const copy = new LiveCopy({
      leaseMs: 3000,
      keeper: { read: () => anchor, write: () => {} },
      organizationId: 'default',
    });
    expect(loadOnce(copy, log)).toBe('taken');
  });

  test('an anchor that cannot be written is a fault, although the event counts', () => {
    const log = new TestLog();
    log.append('init', { generation: 'g0' });
    let full = false;
    const copy = new LiveCopy({
      leaseMs: 3000,
      keeper: {
        read: () => null,
        write: () => {
          if (full) throw new Error('no space left');
        },
      },
      organizationId: 'default',
    });
    const now = { mono: 1, wall: 1 };
    loadOnce(copy, log);
    confirmOnce(copy, log, now);
    expect(copy.fault(now)).toBeNull();
    full = true;
    log.append('kill', { id: 'k', target: 'all', mode: 'paused', expires_at: null });
    expect(copy.push(log.event(log.hash))).toBe('applied');
    expect(copy.fault(now)?.code).toBe('ANCHOR_UNUSABLE');
    expect(copy.state?.killCount).toBe(1);
    full = false;
    confirmOnce(copy, log, now);
    expect(copy.fault(now)).toBeNull();
  });
});
