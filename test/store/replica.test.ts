import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Anchor, type Beat, type Instant, isPermitFresh, KillSwitchError } from '../../flags/index.ts';
import { Memory, type MemoryStoreOptions, memoryStore } from '../../store/memory/index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import type { Confirmation } from '../../store/confirmation.ts';
import type { ExecutorStore } from '../../store/ports.ts';
import { connectExecutor } from '../../store/connect-executor.ts';
import type { ConfirmOutcome, Replica, ReplicaEvent } from '../../store/replica.ts';
import { fakeClock } from '../../testing/fake-clock.ts';
import { openQuickControl } from '../operator/open-quick-control.ts';

const opened: Array<{ close(): Promise<void> }> = [];
afterEach(async () => {
  for (const thing of opened.splice(0)) await thing.close();
});

async function setUp({ initialise = true, ...options }: MemoryStoreOptions & { initialise?: boolean } = {}) {
  const store = memoryStore(options);
  const control = await openQuickControl({ store: memoryControlStore(store), operator: { id: 'ann' }, retryMs: 300 });
  opened.push(control);
  if (initialise) {
    await control.init();
    await control.setMode({ mode: 'live', reason: 'test' });
  }
  const replica = (name = 'executor', leaseMs = 500): Replica => {
    const { replica: made } = connectExecutor({ store, organizationId: 'default', leaseMs, executorName: name });
    opened.push(made);
    return made;
  };
  const operating = async (): Promise<void> => {
    opened.push(await openQuickControl({ store: memoryControlStore(store), operator: { id: 'watch' }, operate: true }));
  };
  return { store, memory: store.memory, control, replica, operating };
}

/** Resolves with the first event of a type from now on. */
const next = <T extends ReplicaEvent['type']>(replica: Replica, type: T): Promise<Extract<ReplicaEvent, { type: T }>> =>
  new Promise((resolve) => {
    const stop = replica.on((event) => {
      if (event.type !== type) return;
      stop();
      resolve(event as Extract<ReplicaEvent, { type: T }>);
    });
  });

const mode = (replica: Replica, agentId = 'x'): string => {
  const reading = replica.reading({ agentId });
  return 'fault' in reading ? `full_stop: ${reading.fault}` : reading.mode;
};

const isFresh = (outcome: ConfirmOutcome, now: Instant): boolean =>
  outcome.is === 'confirmed' && isPermitFresh(outcome.sent, now);

describe('a replica', () => {
  test('is not ready before its first confirmation, and live after it', async () => {
    const { replica } = await setUp();
    const x = replica();
    expect(mode(x)).toBe('full_stop: NOT_READY');
    await x.start();
    expect(mode(x)).toBe('live');
  });

  test('sees a kill by push, and a revive by the confirmation that the push asks for', async () => {
    const { replica, control } = await setUp();
    const x = replica('x', 60_000);
    await x.start();
    const killed = next(x, 'changed');
    await control.kill({ target: 'agent:x' });
    expect((await killed).keys).toEqual(['kill:agent:x']);
    expect(mode(x)).toBe('full_stop');
    expect(mode(x, 'y')).toBe('live');
    const revived = next(x, 'changed');
    await control.revive({ target: 'agent:x', reason: 'fixed' });
    await revived;
    expect(mode(x)).toBe('live');
  });

  test('is not initialised until an operator initialises the store, and then goes live by itself', async () => {
    const { replica, control } = await setUp({ initialise: false });
    const x = replica();
    await x.start();
    expect(mode(x)).toBe('full_stop: NOT_INITIALISED');
    const ready = next(x, 'ready');
    await control.init();
    await ready;
    expect(mode(x)).toBe('draft_only');
  });

  test.each([
    ['unreachable', 'STORE_UNREACHABLE'],
    ['hang', 'STORE_UNREACHABLE'],
    ['read-only', 'STORE_READ_ONLY'],
    ['corrupt', 'STORE_CORRUPT'],
  ] as const)(
    'a store that is %s stops it at the end of the lease with %s, and it goes on by itself afterwards',
    async (fault, code) => {
      const { replica, memory } = await setUp();
      const x = replica();
      await x.start();
      const stale = next(x, 'stale');
      const stopped = next(x, 'fault');
      memory.fault = fault;
      await stale;
      expect(mode(x)).toBe('live'); // the last good state, while its lease lasts
      expect((await stopped).fault.code).toBe(code);
      expect(mode(x)).toBe(`full_stop: ${code}`);
      const ready = next(x, 'ready');
      memory.fault = null;
      await ready;
      expect(mode(x)).toBe('live');
    },
  );

  test('stops everywhere when the store is wiped, until an operator recovers it', async () => {
    const { replica, memory, control } = await setUp();
    const [x, y] = [replica('x'), replica('y')];
    await Promise.all([x.start(), y.start()]);
    const stopped = Promise.all([next(x, 'fault'), next(y, 'fault')]);
    memory.wipe();
    for (const { fault } of await stopped) expect(fault.code).toBe('GENERATION_CHANGED');
    await expect(control.init()).rejects.toMatchObject({ code: 'RECOVER_REQUIRED' });
    await expect(control.kill({ target: 'all' })).rejects.toMatchObject({ code: 'NOT_INITIALISED' });
    const ready = Promise.all([next(x, 'ready'), next(y, 'ready')]);
    const before = x.epoch;
    const { given_up } = await control.recover({ reason: 'the disk died' });
    expect(given_up.length).toBeGreaterThan(0);
    await ready;
    expect(mode(x)).toBe('draft_only');
    expect(x.epoch).toBeGreaterThan(before);
  });

  test('an executor that never saw the lost kill learns of it from one that did', async () => {
    const { replica, memory, control } = await setUp();
    const [x, y] = [replica('x'), replica('y')];
    const backup = memory.copy();
    await x.start();
    const seen = next(x, 'changed');
    await control.kill({ target: 'agent:z' });
    await seen;
    memory.restore(backup);
    const stopped = next(x, 'fault');
    await stopped;
    await y.start();
    await vi.waitFor(() => expect(mode(y)).toBe('full_stop: GENERATION_CHANGED'));
    expect((await control.status()).forks).toHaveLength(1);
    const ready = Promise.all([next(x, 'ready'), next(y, 'ready')]);
    await control.recover({ reason: 'restored on purpose' });
    await ready;
    expect(mode(y)).toBe('live');
  });

  test('a restarted executor recognises a restored backup by its anchor', async () => {
    const { replica, memory, control } = await setUp();
    const backup = memory.copy();
    const x = replica('x');
    await x.start();
    await control.kill({ target: 'agent:x' });
    await vi.waitFor(() => expect(mode(x)).toBe('full_stop'));
    await x.close();
    memory.restore(backup);
    const again = replica('x');
    await again.start();
    expect(mode(again)).toBe('full_stop: GENERATION_CHANGED');
    expect(mode(again, 'anybody')).toBe('full_stop: GENERATION_CHANGED');
  });

  test('leaves the count when it is closed, and blocks for good', async () => {
    const { replica, control } = await setUp();
    const x = replica();
    await x.start();
    expect((await control.status()).executors).toHaveLength(1);
    await x.close();
    expect((await control.status()).executors).toHaveLength(0);
    expect(mode(x)).toBe('full_stop: CLOSED');
  });

  test('reports its work in flight, and a kill shows which executors have stopped and which drain', async () => {
    const { store, control } = await setUp();
    let inFlight = 2;
    const { replica: x } = connectExecutor({
      store,
      organizationId: 'default',
      leaseMs: 500,
      executorName: 'x',
      work: () => ({ inFlight, draining: inFlight, agents: ['a'], runs: [] }),
    });
    opened.push(x);
    await x.start();
    const { acknowledgements } = await control.kill({ target: 'all' });
    expect(acknowledgements).toMatchObject({ total: 1, applied: 1, drained: 0 });
    expect(acknowledgements.executors[0]).toMatchObject({ name: 'x', state: 'draining', in_flight: 2 });
    inFlight = 0;
    const after = await control.kill({ target: 'all', waitMs: 2000 });
    expect(after).toMatchObject({ already: true, acknowledgements: { drained: 1 } });
  });

  test('a lost answer to an append neither loses the kill nor records it twice', async () => {
    const { memory, control } = await setUp();
    memory.fault = 'lost-reply';
    const killing = control.kill({ target: 'agent:x' });
    await vi.waitFor(() => expect(memory.organization('default').events).toHaveLength(3));
    memory.fault = null;
    const { epoch, already } = await killing;
    expect({ epoch, already }).toEqual({ epoch: 3, already: false });
    expect(memory.organization('default').events).toHaveLength(3);
    expect(await control.verifyLog()).toMatchObject({ ok: true, events: 3 });
  });

  describe('whose lease is ended by a clock', () => {
    /** A store whose confirmations the test answers. No timer fires here, so whatever happens does not wait for one. */
    async function held() {
      const { store } = await setUp();
      vi.useFakeTimers({ toFake: ['setTimeout'] });
      onTestFinished(() => void vi.useRealTimers());
      const clock = fakeClock();
      const asked: Array<{ answer(): void; fail(): void }> = [];
      let hold = false;
      let heard = (): void => {};
      const open: ExecutorStore['open'] = (scope) => {
        const connection = store.open(scope);
        const confirm = async (beat: Beat, nonce: string): Promise<Confirmation> => {
          const gate = new Promise<void>((answer, reject) => {
            asked.push({ answer, fail: () => reject(new KillSwitchError('STORE_UNREACHABLE', 'no answer in time')) });
          });
          heard();
          if (hold) await gate;
          return connection.confirm(beat, nonce);
        };
        return { ...connection, confirm };
      };
      const counting: ExecutorStore = { location: 'memory:', side: 'executor', open };
      const { replica: x } = connectExecutor({
        store: counting,
        organizationId: 'default',
        leaseMs: 60_000,
        executorName: 'x',
        clock,
      });
      onTestFinished(() => x.close());
      await x.start();
      return {
        x,
        clock,
        asked,
        hold: (): void => {
          hold = true;
        },
        isAsked: (times: number) =>
          new Promise<void>((resolve) => {
            heard = () => {
              if (asked.length >= times) resolve();
            };
            heard();
          }),
      };
    }
    const turns = async (): Promise<void> => {
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    };

    test.each([
      ['a step back of the wall clock by 50 ms', -50],
      ['a step forward by an hour, or a suspension', 3_600_000],
    ])('%s is asked about at once, and once', async (_name, step) => {
      const { x, clock, asked, isAsked } = await held();
      const before = asked.length;
      clock.stepWall(step);
      for (let look = 0; look < 100; look += 1) expect(mode(x)).toBe('full_stop: STALE');
      expect(asked).toHaveLength(before); // a decision does no I/O
      await isAsked(before + 1);
      await turns();
      expect(mode(x)).toBe('live');
      expect(asked).toHaveLength(before + 1);
    });

    test('after an answer to a question from before the step another question is sent at once', async () => {
      const { x, clock, asked, hold, isAsked } = await held();
      const before = asked.length;
      hold();
      x.report();
      await isAsked(before + 1);
      clock.stepWall(-50);
      asked[before]?.answer();
      await isAsked(before + 2);
      expect(mode(x)).toBe('full_stop: STALE');
      asked[before + 1]?.answer();
      await turns();
      expect(mode(x)).toBe('live');
    });

    test('after a question that fails while the lease is found over another one is sent at once, and only one', async () => {
      const { x, clock, asked, hold, isAsked } = await held();
      const before = asked.length;
      hold();
      x.report();
      await isAsked(before + 1);
      clock.stepWall(3_600_000);
      asked[before]?.fail();
      await isAsked(before + 2);
      asked[before + 1]?.fail();
      await turns();
      for (let look = 0; look < 100; look += 1) expect(mode(x)).toBe('full_stop: STORE_UNREACHABLE');
      await turns();
      expect(asked).toHaveLength(before + 2);
    });
  });

  describe('behind a hop', () => {
    /** A store whose answers have this age, and another nonce where they are answers to another request. */
    async function behind(says: { ageMs?: number; nonce?: string }) {
      const clock = fakeClock({ wall: 5_000_000 });
      const memory = new Memory({ clock: () => ({ mono: 0, wall: Date.UTC(2026, 0, 1) + clock().mono }) });
      const { store } = await setUp({ memory });
      const open: ExecutorStore['open'] = (scope) => {
        const connection = store.open(scope);
        return {
          ...connection,
          confirm: async (beat, nonce) => ({ ...(await connection.confirm(beat, nonce)), ...says }),
        };
      };
      const { replica: x } = connectExecutor({
        store: { location: 'memory:', side: 'executor', open },
        organizationId: 'default',
        leaseMs: 60_000,
        clock,
      });
      opened.push(x);
      await x.start();
      return { x, clock };
    }

    test('lease, permit and staleness count from when the hop asked the store', async () => {
      const { x, clock } = await behind({ ageMs: 20_000 });
      expect(mode(x)).toBe('live');
      expect([x.stalenessMs(), x.confirmedAt()]).toEqual([20_000, 5_000_000 - 20_000]);
      expect(isFresh(await x.confirmNow(250), clock())).toBe(false);
      clock.pass(40_000);
      expect(mode(x)).toBe('full_stop: STALE');
    });

    test.each(['stepMono', 'stepWall'] as const)(
      'a permit is fresh until 250 ms after the hop had asked (%s)',
      async (step) => {
        const { x, clock } = await behind({ ageMs: 200 });
        const outcome = await x.confirmNow(250);
        clock[step](49);
        expect(isFresh(outcome, clock())).toBe(true);
        clock[step](1);
        expect(isFresh(outcome, clock())).toBe(false);
      },
    );

    test('an answer to another request gives no lease', async () => {
      const { x } = await behind({ nonce: 'another' });
      expect(mode(x)).toBe('full_stop: STALE');
      expect(x.storeNow()).toBeNull();
    });

    test('an invalid age is a fault', async () => {
      const { x } = await behind({ ageMs: Number.NaN });
      expect(mode(x)).toBe('full_stop: INTERNAL');
    });

    test('the time is the store’s, whatever this machine’s clock is set to', async () => {
      const { x, clock } = await behind({});
      expect(x.storeNow()).toBe(Date.UTC(2026, 0, 1));
      clock.pass(1500);
      clock.stepWall(1000);
      expect(x.storeNow()).toBe(Date.UTC(2026, 0, 1) + 1500);
    });
  });

  test('the anchor is written once for missed events and for pushes of one turn; a permit that is asked for meanwhile waits for it', async () => {
    const { store, memory, control } = await setUp();
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
    const { replica: x } = connectExecutor({
      store: { location: 'memory:', side: 'executor', open },
      organizationId: 'default',
      leaseMs: 60_000,
    });
    opened.push(x);
    await x.start();
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
    const { store } = await setUp();
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
      store: { location: 'memory:', side: 'executor', open },
      organizationId: 'default',
      leaseMs: 60_000,
      clock,
    });
    opened.push(x);
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
    const { store } = await setUp();
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
    const { replica: x } = connectExecutor({
      store: { location: 'memory:', side: 'executor', open },
      organizationId: 'default',
      leaseMs: 60_000,
    });
    opened.push(x);
    await x.start();
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
    const { store } = await setUp();
    let answered = Promise.resolve();
    const open: ExecutorStore['open'] = (scope) => {
      const connection = store.open(scope);
      return { ...connection, confirm: async (beat, nonce) => answered.then(() => connection.confirm(beat, nonce)) };
    };
    const { replica: x } = connectExecutor({
      store: { location: 'memory:', side: 'executor', open },
      organizationId: 'default',
      leaseMs: 60_000,
    });
    opened.push(x);
    await x.start();
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
    const { replica, memory, control } = await setUp();
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

  test('the end of a kill is an event, appended by an operating process and not by reading', async () => {
    const { replica, control, operating } = await setUp();
    const x = replica('x', 60_000);
    await x.start();
    await control.kill({ target: 'agent:x', expiresAt: new Date(Date.now() + 400) });
    await vi.waitFor(() => expect(mode(x)).toBe('full_stop'));
    await vi.waitFor(async () => expect(await control.kills()).toMatchObject([{ overdue: true }]), { interval: 50 });
    expect((await control.status()).active_kills).toBe(1);
    await operating();
    await vi.waitFor(() => expect(mode(x)).toBe('live'), { timeout: 10_000 });
    const types = [];
    for await (const { type } of control.log()) types.push(type);
    expect(types).toEqual(['init', 'mode', 'kill', 'expire']);
  });

  test.each([499, 60_001, Number.NaN, Number.POSITIVE_INFINITY])('refuses a lease of %s ms', async (leaseMs) => {
    const { replica } = await setUp();
    expect(() => replica('x', leaseMs)).toThrow(/leaseMs must be from 500 to 60000/);
  });
});
