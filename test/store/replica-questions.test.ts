import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Anchor, Beat } from '../../flags/index.ts';
import type { Confirmation } from '../../store/confirmation.ts';
import { connectExecutor } from '../../store/connect-executor.ts';
import type { ExecutorStore } from '../../store/ports.ts';
import type { Replica, ReplicaEvent } from '../../store/replica.ts';
import { fakeClock } from '../../testing/fake-clock.ts';
import { isFresh, mode, next, openReplicas } from './open-replicas.ts';

/** A replica whose store opens so, with a lease that does not end here. */
async function startedOver(open: ExecutorStore['open']): Promise<Replica> {
  const { replica } = connectExecutor({
    store: { location: 'memory:', side: 'executor', nearby: null, loadPackages: null, open },
    organizationId: 'default',
    leaseMs: 60_000,
  });
  onTestFinished(() => replica.close());
  await replica.start();
  return replica;
}

describe('what a replica asks and writes', () => {
  test('the anchor is written once for missed events and for pushes of one turn; a permit that is asked for meanwhile waits for it', async () => {
    const { store, memory, control } = await openReplicas();
    const done: string[] = [];
    let isFollowing = false;
    const open: ExecutorStore['open'] = (scope) => {
      const connection = store.open(scope);
      const write = ({ head }: Anchor): void => void done.push(`kept ${head.epoch}`);
      const follow: typeof connection.follow = (listener) =>
        connection.follow((push) => {
          if (isFollowing) listener(push);
        });
      const confirm = (beat: Beat, nonce: string): Promise<Confirmation> => {
        done.push(`sent ${beat.applied?.epoch}`);
        return connection.confirm(beat, nonce);
      };
      return { ...connection, confirm, follow, anchor: { read: () => null, write } };
    };
    const x = await startedOver(open);
    await Promise.all(Array.from({ length: 40 }, (_, number) => control.kill({ target: `run:${number}` })));
    done.splice(0);
    const caughtUp = next(x, 'changed');
    x.report();
    await caughtUp;
    await vi.waitFor(() => expect(done).toEqual(['sent 2', 'kept 42']));

    isFollowing = true;
    const before = memory.organization('default').events.length;
    const permit = new Promise((resolve) => {
      const stop = x.on(() => {
        done.push(`told ${x.epoch}`);
        resolve(x.confirmNow(5000)); // as from an abort handler of work in flight
        stop();
      });
    });
    await Promise.all(['a', 'b', 'c'].map((id) => control.kill({ target: `run:${id}` })));
    await permit;
    expect(memory.organization('default').events).toHaveLength(before + 3);
    expect(done.slice(2, 5)).toEqual(['told 45', 'kept 45', 'sent 45']);
  });

  test('permits that are asked for at once share one question, which is sent after all of them', async () => {
    const { store } = await openReplicas();
    const sent: string[] = [];
    const open: ExecutorStore['open'] = (scope) => {
      const connection = store.open(scope);
      const confirm = (beat: Beat, nonce: string): Promise<Confirmation> => {
        sent.push(beat.at);
        return connection.confirm(beat, nonce);
      };
      return { ...connection, confirm };
    };
    const clock = fakeClock();
    const { replica: x } = connectExecutor({
      store: { location: 'memory:', side: 'executor', nearby: null, loadPackages: null, open },
      organizationId: 'default',
      leaseMs: 60_000,
      clock,
    });
    onTestFinished(() => x.close());
    await x.start();
    sent.splice(0);
    clock.pass(1000);
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => x.confirmNow(250)));
    expect(sent).toHaveLength(1);
    clock.pass(249);
    expect(outcomes.every((outcome) => isFresh(outcome, clock()))).toBe(true);
    clock.pass(1);
    expect(outcomes.some((outcome) => isFresh(outcome, clock()))).toBe(false);
  });

  test('a question that waits is not sent once the replica is closed: it has left the count', async () => {
    const { store } = await openReplicas();
    let answered = Promise.resolve();
    let sent = 0;
    const open: ExecutorStore['open'] = (scope) => {
      const connection = store.open(scope);
      const confirm = async (beat: Beat, nonce: string): Promise<Confirmation> => {
        sent += 1;
        return answered.then(() => connection.confirm(beat, nonce));
      };
      return { ...connection, confirm, confirmsOneByOne: true };
    };
    const x = await startedOver(open);
    let answer = (): void => {};
    answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    const before = sent;
    const first = x.confirmNow(5000);
    await vi.waitFor(() => expect(sent).toBe(before + 1));
    const second = x.confirmNow(5000);
    await x.close();
    answer();
    await Promise.all([first, second]);
    expect(sent).toBe(before + 1);
  });

  test('an answer that is too late for a permit is no fault', async () => {
    const { store } = await openReplicas();
    let answered = Promise.resolve();
    const open: ExecutorStore['open'] = (scope) => {
      const connection = store.open(scope);
      return { ...connection, confirm: async (beat, nonce) => answered.then(() => connection.confirm(beat, nonce)) };
    };
    const x = await startedOver(open);
    const events: ReplicaEvent[] = [];
    x.on((event) => void events.push(event));
    let answer = (): void => {};
    answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    expect(await x.confirmNow(50)).toEqual({ is: 'late' });
    answer();
    expect(await x.confirmNow(250)).toMatchObject({ is: 'confirmed' }); // earlier questions have been answered by then
    expect(events).toEqual([]);
  });

  test('a permit is given only by an answer to its own question', async () => {
    const { replica, memory, control } = await openReplicas();
    const x = replica();
    await x.start();
    expect(await x.confirmNow(250)).toMatchObject({ is: 'confirmed' });
    memory.fault = 'hang';
    expect(await x.confirmNow(100)).toEqual({ is: 'late' });
    memory.fault = 'read-only';
    expect(await x.confirmNow(250)).toMatchObject({ is: 'failed', fault: { code: 'STORE_READ_ONLY' } });
    memory.fault = null;
    await control.kill({ target: 'agent:x' });
    await x.confirmNow(250);
    expect(mode(x)).toBe('full_stop');
  });
});
