import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Beat, KillSwitchError, type LogEvent, type SurfaceRecord } from '../../flags/index.ts';
import type { Confirmation, Snapshot } from '../../store/confirmation.ts';
import { Follower, type FollowerOptions } from '../../store/follower.ts';
import { LiveCopy } from '../../store/live-copy.ts';
import { ownBeats } from '../../store/own-beat.ts';
import { ownReports } from '../../store/own-reports.ts';
import type { Push } from '../../store/ports.ts';
import type { ExecutorReports } from '../../store/reports.ts';
import { fakeClock } from '../../testing/fake-clock.ts';
import { TestLog } from './test-log.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const LEASE_MS = 6000;
const REQUEST_MS = 1500;
const SURFACES: readonly SurfaceRecord[] = [];

/**
 * A follower of a log that answers at once as a store does, unless the test says otherwise. `done` lists what it did:
 * what it asked the store, and whom it told.
 */
function setUp() {
  const log = new TestLog();
  log.append('init', { generation: 'g0' });
  log.append('mode', { mode: 'live', targeting: null });
  const clock = fakeClock();
  const copy = new LiveCopy({ leaseMs: LEASE_MS, keeper: null, organizationId: 'default' });
  const done: string[] = [];
  const beats: Beat[] = [];
  const says = {
    /** Changes the answer to a confirmation, or fails it. */
    confirm: async (answer: Confirmation): Promise<Confirmation> => answer,
    load: async (answer: Snapshot): Promise<Snapshot> => answer,
    describe: async (): Promise<void> => {},
  };
  let push = (_: Push): void => {};
  let surfaces: readonly SurfaceRecord[] | null = null;
  const connection: FollowerOptions['connection'] = {
    confirmsOneByOne: false,
    confirm(beat, nonce) {
      done.push('confirm');
      beats.push(beat);
      return says.confirm(log.confirmation({ held: copy.held, nonce }));
    },
    load(held, nonce) {
      done.push('load');
      return says.load(log.snapshot({ held, nonce }));
    },
    follow(listener) {
      done.push('follow');
      push = listener;
      return () => void done.push('no longer follow');
    },
  };
  const reports: Pick<ExecutorReports, 'describe'> = {
    describe() {
      done.push('describe');
      return says.describe();
    },
  };
  const follower = new Follower({
    connection,
    copy,
    clock,
    leaseMs: LEASE_MS,
    requestMs: REQUEST_MS,
    beat: ownBeats({ id: 'x', name: 'x', leaseMs: LEASE_MS, startedAt: 0 }),
    reportOwn: ownReports(
      {
        surfaces() {
          const news = surfaces;
          surfaces = null;
          return news;
        },
        seen: () => [],
      },
      { executorName: 'x', see: async () => {}, ...reports },
      clock,
    ),
    onChanges: () => void done.push('changes'),
    onTrust: () => void done.push('trust'),
    onRenewed: () => {},
  });
  const kill = (id: string): LogEvent =>
    log.append('kill', { id, target: `run:${id}`, mode: 'full_stop', expires_at: null });
  const passes = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
  return {
    log,
    clock,
    copy,
    follower,
    says,
    beats,
    done,
    kill,
    passes,
    push: (event: LogEvent) => push({ type: 'event', event }),
    gap: () => push({ type: 'gap' }),
    trouble: (error: Error) => push({ type: 'trouble', error }),
    isNew: (): void => {
      surfaces = SURFACES;
    },
    acts: () => copy.fault(clock()) === null,
    /** What was done since the last call, when everything that follows at once has been done. */
    async doneNow(): Promise<string[]> {
      await passes(0);
      return done.splice(0);
    },
  };
}

/** The same after its first confirmation. */
async function started() {
  const made = setUp();
  await made.follower.start();
  made.done.splice(0);
  return made;
}

const unreachable = (): Promise<never> => Promise.reject(new KillSwitchError('STORE_UNREACHABLE', 'no way there'));
const never = (): Promise<never> => new Promise(() => {});

describe('the start', () => {
  test('follows the store before it loads, and confirms what it has loaded', async () => {
    const { follower, done, acts } = setUp();
    await follower.start();
    expect(done).toEqual(['follow', 'load', 'changes', 'confirm', 'changes', 'trust']);
    expect(acts()).toBe(true);
  });

  test('follows once, however often it is called, and does not load again what is there', async () => {
    const { follower, done } = await started();
    await follower.start();
    expect(done).toEqual(['confirm', 'changes', 'trust']);
  });

  test('that fails says why, and the store is asked again', async () => {
    const { follower, done, says, passes, acts } = setUp();
    const { load } = says;
    says.load = unreachable;
    await follower.start();
    expect(done).toEqual(['follow', 'load', 'trust']);
    expect(follower.trouble).toMatchObject({ code: 'STORE_UNREACHABLE', message: 'no way there' });
    says.load = load;
    await passes(500);
    expect([acts(), follower.trouble]).toEqual([true, null]);
  });

  test('writes a beat also where there is nothing to load', async () => {
    const { follower, log, done, beats } = setUp();
    log.cut(0);
    await follower.start();
    expect(done).toContain('confirm');
    expect(beats).toMatchObject([{ applied: null }]);
  });
});

describe('a request', () => {
  test('for a confirmation fails after the time for requests', async () => {
    const { follower, says, gap, passes } = await started();
    says.confirm = never;
    gap();
    await passes(REQUEST_MS - 1);
    expect(follower.trouble).toBeNull();
    await passes(20); // and a few turns of the event loop
    expect(follower.trouble).toMatchObject({ code: 'STORE_UNREACHABLE', message: expect.stringContaining('confirm') });
  });

  test('for a whole state may take 10 s', async () => {
    const { follower, says, passes } = setUp();
    says.load = never;
    void follower.start();
    await passes(9999);
    expect(follower.trouble).toBeNull();
    await passes(20); // and a few turns of the event loop
    expect(follower.trouble).toMatchObject({ code: 'STORE_UNREACHABLE', message: expect.stringContaining('load') });
  });
});

describe('a confirmation', () => {
  test('that has to be asked again is asked again at once', async () => {
    const { gap, says, doneNow, acts } = await started();
    let answers = 0;
    says.confirm = async (answer) => ({ ...answer, nonce: (answers += 1) === 1 ? 'another' : answer.nonce });
    gap();
    expect(await doneNow()).toEqual(['confirm', 'changes', 'trust', 'confirm', 'changes', 'trust']);
    expect(acts()).toBe(true);
  });

  test('whose answer comes after a step of the clock is asked again at once', async () => {
    const { clock, gap, says, doneNow, acts } = await started();
    let answers = 0;
    says.confirm = async (answer) => {
      if ((answers += 1) === 1) clock.stepWall(-50);
      return answer;
    };
    gap();
    expect(await doneNow()).toEqual(['confirm', 'changes', 'trust', 'confirm', 'changes', 'trust']);
    expect(acts()).toBe(true);
  });

  test('that asks for the whole state is followed by it, and by a confirmation of that', async () => {
    const { gap, says, doneNow, copy, kill } = await started();
    kill('a');
    let answers = 0;
    says.confirm = async (answer) => ((answers += 1) === 1 ? { ...answer, events: 'reload' } : answer);
    gap();
    expect(await doneNow()).toEqual(['confirm', 'changes', 'trust', 'load', 'changes', 'confirm', 'changes', 'trust']);
    expect(copy.state?.epoch).toBe(3);
  });

  test('whose whole state cannot be taken is not repeated at once', async () => {
    const { gap, says, doneNow } = await started();
    says.confirm = async (answer) => ({ ...answer, events: 'reload' });
    says.load = async (answer) => ({ ...answer, nonce: 'another' });
    gap();
    expect(await doneNow()).toEqual(['confirm', 'changes', 'trust', 'load', 'changes']);
  });

  test('that shows a loss is followed at once by a beat that reports it', async () => {
    const { gap, log, doneNow, beats, follower } = await started();
    log.cut(1);
    gap();
    expect(await doneNow()).toEqual(['confirm', 'changes', 'trust', 'confirm', 'changes', 'trust']);
    expect(beats.map(({ fork }) => fork?.against)).toEqual([undefined, undefined, 'g0']);
    expect(follower.trouble).toBeNull();
  });

  test('that is not taken ends no trouble; one that renews the lease does', async () => {
    const { gap, says, doneNow, trouble, follower } = await started();
    trouble(new Error('the connection is lost'));
    expect(follower.trouble).toMatchObject({ code: 'INTERNAL', message: 'the connection is lost' });
    let answers = 0;
    let between: unknown;
    says.confirm = async (answer) => {
      if ((answers += 1) === 2) between = follower.trouble;
      return { ...answer, nonce: answers === 1 ? 'another' : answer.nonce };
    };
    gap();
    await doneNow();
    expect(between).toMatchObject({ code: 'INTERNAL' });
    expect(follower.trouble).toBeNull();
  });

  test('is shared by all who ask before the work of this turn is done', async () => {
    const { follower, done } = await started();
    const first = follower.confirm();
    for (let step = 0; step < 10; step += 1) await Promise.resolve();
    const second = follower.confirm();
    expect(await first).toBe(await second);
    expect(done).toEqual(['confirm', 'changes', 'trust']);
  });

  test('is sent at once where there is something to report', async () => {
    const { follower, doneNow } = await started();
    follower.wake();
    expect(await doneNow()).toEqual(['confirm', 'changes', 'trust']);
  });

  test('is sent in a later turn where a lease was found over, since that is in the middle of a decision', async () => {
    const { follower, done, passes } = await started();
    follower.leaseHasEnded();
    await Promise.resolve();
    expect(done).toEqual([]);
    await passes(1);
    expect(done).toEqual(['confirm', 'changes', 'trust']);
  });

  test('counts from when it was sent, less the age of its answer', async () => {
    const { follower, says, clock } = await started();
    clock.pass(1000);
    says.confirm = async (answer) => {
      clock.pass(40);
      return { ...answer, ageMs: 300 };
    };
    const { outcome, sent } = await follower.confirm();
    expect([outcome, sent.mono, sent.wall]).toEqual(['renewed', 700, Date.UTC(2026, 0, 1) + 700]);
  });
});

describe('what is pushed', () => {
  test('in one turn is taken together, and is reported a moment later', async () => {
    const { copy, kill, push, doneNow, passes } = await started();
    const taken = vi.spyOn(copy, 'push');
    for (const id of ['a', 'b', 'c']) push(kill(id));
    expect(taken).not.toHaveBeenCalled();
    expect(await doneNow()).toEqual([]);
    expect(taken).toHaveBeenCalledTimes(1);
    expect(copy.state?.epoch).toBe(5);
    await passes(25);
    expect(await doneNow()).toEqual(['confirm', 'changes', 'trust']);
  });

  test('and was known before causes no question', async () => {
    const { log, push, doneNow, passes } = await started();
    push(log.event(log.hash));
    await passes(25);
    expect(await doneNow()).toEqual([]);
  });

  test('and loosens is asked about at once', async () => {
    const { log, kill, push, doneNow, passes, copy } = await started();
    push(kill('a'));
    await passes(25);
    await doneNow();
    push(log.append('revive', { id: 'a', target: 'run:a' }));
    expect(await doneNow()).toEqual(['confirm', 'changes', 'trust']);
    expect(copy.state?.epoch).toBe(4);
  });

  test('and cannot be applied is a trouble, and is asked about at once', async () => {
    const { copy, kill, push, says, doneNow, follower } = await started();
    vi.spyOn(copy, 'push').mockImplementationOnce(() => {
      throw new KillSwitchError('UNKNOWN_EVENT', 'no such event');
    });
    push(kill('a'));
    says.confirm = unreachable;
    await Promise.resolve();
    expect(follower.trouble).toMatchObject({ code: 'STORE_CORRUPT', message: 'no such event' });
    expect(await doneNow()).toEqual(['confirm', 'trust']);
  });

  test('a gap is asked about at once, and is no trouble', async () => {
    const { gap, doneNow, follower } = await started();
    gap();
    expect(follower.trouble).toBeNull();
    expect(await doneNow()).toEqual(['confirm', 'changes', 'trust']);
  });

  test('of several troubles the first is told until a confirmation ends it', async () => {
    const { trouble, doneNow, follower } = await started();
    trouble(new Error('first'));
    trouble(new Error('second'));
    expect(follower.trouble).toMatchObject({ message: 'first' });
    expect(await doneNow()).toEqual(['trust', 'trust']);
  });
});

describe('what can act here', () => {
  test('is reported after the confirmation, once', async () => {
    const { isNew, gap, doneNow } = await started();
    isNew();
    gap();
    expect(await doneNow()).toEqual(['confirm', 'changes', 'trust', 'describe']);
    gap();
    expect(await doneNow()).toEqual(['confirm', 'changes', 'trust']);
  });

  test('and is refused by the store is no trouble, and is reported again with the next confirmation', async () => {
    const { isNew, gap, says, doneNow, follower } = await started();
    says.describe = () => Promise.reject(new KillSwitchError('NOT_PERMITTED', 'not you'));
    isNew();
    gap();
    expect(await doneNow()).toEqual(['confirm', 'changes', 'trust', 'describe']);
    expect(follower.trouble).toBeNull();
    says.describe = async () => {};
    gap();
    expect(await doneNow()).toContain('describe');
    gap();
    expect(await doneNow()).not.toContain('describe');
  });

  test('and cannot reach the store is a trouble, and is reported again', async () => {
    const { isNew, gap, says, doneNow, follower } = await started();
    says.describe = unreachable;
    isNew();
    gap();
    expect(await doneNow()).toEqual(['confirm', 'changes', 'trust', 'describe', 'trust']);
    expect(follower.trouble?.code).toBe('STORE_UNREACHABLE');
    says.describe = async () => {};
    gap();
    expect(await doneNow()).toContain('describe');
    expect(follower.trouble).toBeNull();
  });
});

describe('the end', () => {
  test('ends the following, and nothing that comes later is taken or told', async () => {
    const { follower, kill, push, gap, trouble, doneNow, copy } = await started();
    await follower.close();
    expect(await doneNow()).toEqual(['no longer follow']);
    push(kill('a'));
    gap();
    trouble(new Error('late'));
    follower.failed(new Error('late'));
    expect(await doneNow()).toEqual([]);
    expect([follower.trouble, copy.state?.epoch]).toEqual([null, 2]);
  });

  test('may come before the start', async () => {
    const { follower, done } = setUp();
    await follower.close();
    expect(done).toEqual([]);
  });

  test('what was pushed in the same turn is not taken', async () => {
    const { follower, kill, push, copy } = await started();
    push(kill('a'));
    await follower.close();
    expect(copy.state?.epoch).toBe(2);
  });

  test('no beat is written after it, and an answer that comes after it is not taken', async () => {
    const { follower, kill, says, done, copy, clock } = await started();
    kill('a');
    let answer = (): void => {};
    says.confirm = (given) => new Promise((resolve) => (answer = () => resolve(given)));
    const asked = follower.confirm();
    await vi.waitFor(() => expect(done).toEqual(['confirm']));
    clock.pass(10);
    const closing = follower.close();
    answer();
    await closing;
    expect(await asked).toMatchObject({ outcome: 'dropped', sent: { mono: 0 } });
    expect(await follower.confirm()).toMatchObject({ outcome: 'dropped', sent: { mono: 10 } });
    expect(done).toEqual(['confirm', 'no longer follow']);
    expect(copy.state?.epoch).toBe(2);
  });

  test('resolves when what is under way is over, which tells nobody and reports nothing', async () => {
    const { follower, gap, isNew, says, passes, done } = await started();
    let answer = (): void => {};
    says.confirm = (given) => new Promise((resolve) => (answer = () => resolve(given)));
    isNew();
    gap();
    await passes(0);
    let isClosed = false;
    void follower.close().then(() => {
      isClosed = true;
    });
    await passes(0);
    expect(isClosed).toBe(false);
    answer();
    await passes(0);
    expect(isClosed).toBe(true);
    await passes(LEASE_MS);
    expect(done).toEqual(['confirm', 'no longer follow']);
  });
});
