import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { makeDecision } from '../../flags/index.ts';
import { StartedWork } from '../../guard/started-work.ts';

const stopped = (epoch: number) =>
  makeDecision({}, { verdict: 'block', mode: 'full_stop', epoch, cause: { kind: 'mode' } });
const first = stopped(1);
const second = stopped(2);

const listenersOf = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

describe('work that has been started', () => {
  test('is stopped once, by the first decision; its signal fires afterwards, with that', () => {
    const work = new StartedWork({});
    const { signal } = work.given();
    const fire = work.stop(first);
    expect([work.stoppedBy, signal.aborted]).toEqual([first, false]);
    expect([work.stop(second), work.stoppedBy]).toEqual([null, first]);
    fire?.();
    expect(signal.reason).toBe(first);
  });

  test('has a signal that has fired where it is read after the stop', () => {
    const work = new StartedWork({ signal: new AbortController().signal });
    work.stop(first)?.();
    expect(work.given().signal.reason).toBe(first);
    expect(work.signal).toBe(work.signal);
  });

  test('has the key of its caller, else one of its own, the same at each reading', () => {
    expect(new StartedWork({ idempotencyKey: 'mine' }).given().idempotencyKey).toBe('mine');
    const [one, other] = [new StartedWork({}), new StartedWork({})];
    expect(one.idempotencyKey).toMatch(/^[\da-f-]{36}$/);
    expect(one.given().idempotencyKey).toBe(one.idempotencyKey);
    expect(other.idempotencyKey).not.toBe(one.idempotencyKey);
  });

  test('gives execute nothing but signal and key', () => {
    const given = new StartedWork({}).given();
    expect(Reflect.ownKeys(given)).toEqual([]);
    expect(new Set(Reflect.ownKeys(Object.getPrototypeOf(given)))).toEqual(
      new Set(['constructor', 'signal', 'idempotencyKey']),
    );
  });
});

describe('the signal of the caller', () => {
  test('fires that of the work with its reason, after what must come before', () => {
    const outer = new AbortController();
    const order: string[] = [];
    const work = new StartedWork({ signal: outer.signal }, () => order.push(`before ${work.signal.aborted}`));
    expect(listenersOf(outer.signal)).toBe(0); // nobody has read the signal of the work
    work.signal.addEventListener('abort', () => order.push('fired'));
    expect(listenersOf(outer.signal)).toBe(1);
    outer.abort('enough');
    expect([order, work.signal.reason]).toEqual([['before false', 'fired'], 'enough']);
    expect(work.stoppedBy).toBeUndefined(); // that was no decision of the switch
  });

  test('is heard no longer when the work is over, and again when it goes on', () => {
    const outer = new AbortController();
    const work = new StartedWork({ signal: outer.signal });
    const { signal } = work;
    work.release();
    expect(listenersOf(outer.signal)).toBe(0);
    work.resume();
    work.resume();
    expect(listenersOf(outer.signal)).toBe(1);
    outer.abort('enough');
    expect(signal.reason).toBe('enough');
  });

  test('is not listened to by a signal that is read for the first time after the end', () => {
    const outer = new AbortController();
    const work = new StartedWork({ signal: outer.signal });
    work.release();
    expect([work.signal.aborted, listenersOf(outer.signal)]).toEqual([false, 0]);
    const late = new StartedWork({ signal: AbortSignal.abort('before') });
    late.release();
    expect(late.signal.reason).toBe('before');
  });

  test('is not listened to again by work that nobody listens to', () => {
    const outer = new AbortController();
    const work = new StartedWork({ signal: outer.signal });
    work.release();
    work.resume();
    expect(listenersOf(outer.signal)).toBe(0);
  });
});

describe('work that follows other work', () => {
  test('is stopped with it, and its signal fires after the leader’s', () => {
    const [leader, follower] = [new StartedWork({}), new StartedWork({})];
    const order: string[] = [];
    follower.signal.addEventListener('abort', () => order.push('follower'));
    leader.signal.addEventListener('abort', () => order.push('leader'));
    follower.follow(leader);
    const fire = leader.stop(first);
    expect(order).toEqual([]);
    fire?.();
    expect([order, follower.signal.reason, follower.stoppedBy]).toEqual([['leader', 'follower'], first, first]);
  });

  test('is stopped with it too where its own work is over, and where the leader is over before its signal fires', () => {
    const [leader, follower] = [new StartedWork({}), new StartedWork({})];
    const { signal } = follower;
    follower.follow(leader);
    follower.release();
    const fire = leader.stop(first);
    leader.release();
    fire?.();
    expect(signal.reason).toBe(first);
  });

  test('is stopped at once where its signal is read after the leader was stopped', () => {
    const [leader, follower] = [new StartedWork({}), new StartedWork({})];
    follower.follow(leader);
    leader.stop(first)?.();
    expect(follower.stoppedBy).toBeUndefined(); // nobody could know
    expect([follower.signal.reason, follower.stoppedBy]).toEqual([first, first]);
  });

  test('keeps the decision that stopped it itself, whether its signal was read before the leader’s stop or after it', () => {
    const leader = new StartedWork({});
    const [early, late] = [new StartedWork({}), new StartedWork({})];
    const signal = early.signal;
    for (const follower of [early, late]) {
      follower.follow(leader);
      follower.stop(second)?.();
    }
    leader.stop(first)?.();
    expect([signal.reason, late.signal.reason]).toEqual([second, second]);
  });

  test('is not stopped by a leader that was over before, or has ended since', () => {
    const [over, leader, follower] = [new StartedWork({}), new StartedWork({}), new StartedWork({})];
    over.release();
    follower.follow(over);
    follower.follow(leader);
    const { signal } = follower;
    leader.release();
    for (const work of [over, leader]) work.stop(first)?.();
    expect([signal.aborted, follower.stoppedBy]).toEqual([false, undefined]);
    const late = new StartedWork({});
    late.follow(over);
    expect(late.signal.aborted).toBe(false);
  });

  test('does not follow itself', () => {
    const work = new StartedWork({});
    work.follow(work);
    const { signal } = work;
    work.stop(first)?.();
    expect(signal.reason).toBe(first);
  });

  test('listens to its caller until it is over and no leader is left', () => {
    const outer = new AbortController();
    const leaders = [new StartedWork({}), new StartedWork({})] as const;
    const follower = new StartedWork({ signal: outer.signal });
    const { signal } = follower;
    for (const leader of leaders) follower.follow(leader);
    follower.release();
    leaders[0].release();
    expect(listenersOf(outer.signal)).toBe(1);
    leaders[1].release();
    expect(listenersOf(outer.signal)).toBe(0);
    expect(signal.aborted).toBe(false);
  });

  test('listens to its caller after its own end where its signal is first read then, and a leader goes on', () => {
    const outer = new AbortController();
    const [leader, follower] = [new StartedWork({}), new StartedWork({ signal: outer.signal })];
    follower.follow(leader);
    follower.release();
    const { signal } = follower;
    expect(listenersOf(outer.signal)).toBe(1);
    outer.abort('enough');
    expect(signal.reason).toBe('enough');
  });

  test('listens to its caller no longer than its own work where the leader was over before its signal was read', () => {
    const outer = new AbortController();
    const [leader, follower] = [new StartedWork({}), new StartedWork({ signal: outer.signal })];
    follower.follow(leader);
    leader.release();
    expect(follower.signal.aborted).toBe(false);
    follower.release();
    expect(listenersOf(outer.signal)).toBe(0);
  });

  test('that is not over listens to its caller, though its leader has ended', () => {
    const outer = new AbortController();
    const [leader, follower] = [new StartedWork({}), new StartedWork({ signal: outer.signal })];
    follower.follow(leader);
    const { signal } = follower;
    leader.release();
    outer.abort('enough');
    expect(signal.reason).toBe('enough');
  });
});
