import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough, type Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openOngoing } from './open-ongoing.ts';
import { stores } from './real-sides.ts';
import { openMemorySwitch } from './open-switch.ts';

/** What Node warns of, such as of too many listeners. */
function hearWarnings(): unknown[] {
  const heard: unknown[] = [];
  const listener = (warning: Error): void => void heard.push(warning);
  process.on('warning', listener);
  onTestFinished(() => void process.off('warning', listener));
  return heard;
}

const EVENTS = ['end', 'finish', 'close', 'error', 'drain', 'exit'];
const listenersOf = (emitter: { listenerCount(event: string): number }): number[] =>
  EVENTS.map((event) => emitter.listenerCount(event));

async function setUp() {
  const opened = await openOngoing();
  const give = opened.killSwitch.action({ name: 'shared.give', execute: (it: object) => it });
  return { ...opened, give };
}

describe('what many calls of the same agent give is one thing in flight', () => {
  test('20,000 calls add nothing to it, and nothing is left when it has ended', async () => {
    const { give, inFlight } = await setUp();
    const warnings = hearWarnings();
    const shared = new PassThrough({ objectMode: true });
    await give(shared);
    await inFlight(1);
    const before = listenersOf(shared);
    for (let call = 1; call < 20_000; call += 1) expect(await give(shared)).toBe(shared);
    expect(listenersOf(shared)).toEqual(before);
    await inFlight(1);
    const unheld = new PassThrough({ objectMode: true });
    for (const stream of [shared, unheld]) expect(await stream.end('a').toArray()).toEqual(['a']);
    await inFlight(0);
    expect(listenersOf(shared)).toEqual(listenersOf(unheld));
    await sleep(20);
    expect(warnings).toEqual([]);
  }, 60_000);

  test.each<[string, () => Readable | ReturnType<typeof spawn> | Worker]>([
    ['a process', () => spawn('sleep', ['60'])],
    ['a thread', () => new Worker('setInterval(() => {}, 1000)', { eval: true })],
  ])('%s that a hundred calls give', async (_kind, make) => {
    const { give, kill, inFlight } = await setUp();
    const warnings = hearWarnings();
    const shared = make();
    for (let call = 0; call < 100; call += 1) expect(await give(shared)).toBe(shared);
    await inFlight(1);
    expect(shared.listenerCount('exit')).toBeLessThan(4);
    const ended = once(shared, 'exit');
    await kill();
    await ended;
    await inFlight(0);
    expect(warnings).toEqual([]);
  });

  test('each of its actions counts once, and a kill of one of them ends it', async () => {
    const { killSwitch, control, give, inFlight } = await setUp();
    const append = killSwitch.action({ name: 'log.append', execute: (it: PassThrough) => it });
    const shared = new PassThrough();
    for (let call = 0; call < 10; call += 1) {
      await give(shared);
      await append(shared);
    }
    await inFlight(2);
    await control.kill({ target: 'action:log.append', waitMs: 600_000 });
    await vi.waitFor(() => expect(shared.destroyed).toBe(true), 5000);
    await inFlight(0);
  });

  test('redirected, and then let through, it is two pieces of work: another change stops each', async () => {
    const { killSwitch, control, heard, inFlight } = await setUp();
    const shared = new PassThrough();
    const give = killSwitch.action({
      name: 'log.open',
      execute: (_input: object) => shared,
      redirect: (input) => input,
    });
    const setMode = async (mode: 'test_mode' | 'live'): Promise<void> => {
      await control.setMode({ mode, reason: 'test' });
      await heard(mode);
    };
    await setMode('test_mode');
    for (let call = 0; call < 10; call += 1) await give({});
    await inFlight(1);
    await setMode('live');
    for (let call = 0; call < 10; call += 1) await give({});
    await inFlight(2);
    await setMode('test_mode');
    expect(shared.destroyed).toBe(true);
    await inFlight(0);
  });

  test('the signal of every call that gave it fires', async () => {
    const { killSwitch, kill, inFlight } = await setUp();
    const shared = new PassThrough();
    const signals: AbortSignal[] = [];
    const contexts: Array<{ readonly signal: AbortSignal }> = [];
    const action = killSwitch.action({
      name: 'shared.signal',
      execute: (isRead: boolean, context) => {
        contexts.push(context);
        if (isRead) signals.push(context.signal);
        return shared;
      },
    });
    for (const isRead of [true, false, true, true, false]) await action(isRead);
    const caller = new AbortController();
    await action.attempt(true, { signal: caller.signal });
    caller.abort();
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, false, true]);
    await inFlight(1);
    signals.push(contexts[1]?.signal as AbortSignal); // read when its call was over, and its result was not
    await kill();
    await inFlight(0);
    signals.push(contexts[4]?.signal as AbortSignal);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true, true, true, true]);
    expect(signals[1]?.reason).toMatchObject({ cause: { kind: 'kill' } });
  });

  test('a call that is stopped before it returns it ends it', async () => {
    const { killSwitch, kill, inFlight, heard } = await setUp();
    const shared = new PassThrough();
    let go = (): void => {};
    const action = killSwitch.action({
      name: 'shared.late',
      execute: async (isLate: boolean) => {
        if (isLate) await new Promise<void>((resolve) => void (go = resolve));
        return shared;
      },
    });
    await action(false);
    const late = action.attempt(true);
    await inFlight(2);
    const killing = kill();
    await heard('full_stop');
    go();
    expect(await late).toMatchObject({ status: 'aborted' });
    await killing;
    expect(shared.destroyed).toBe(true);
    await inFlight(0);
  });
});

describe.each(stores)('what another agent or run has given, on %s', (_name, open) => {
  test('is refused with the name of the attempt that returned it, and a kill of the refused one does not end it', async () => {
    const { killSwitch, control, inFlight } = await openOngoing(await open());
    const written: string[] = [];
    const shared = new Writable({ write: (piece, _encoding, done) => (written.push(String(piece)), done()) });
    const give = killSwitch.action({ name: 'log.open', execute: (_input: null) => shared });
    await killSwitch.run({ agentId: 'y', runId: 'y-1' }, () => give(null));
    const refused = {
      code: 'RESULT_GOES_ON',
      message: expect.stringMatching(/log\.open returned .*agent y.*run y-1.*PassThrough/),
    };
    await expect(killSwitch.run({ agentId: 'z' }, () => give(null))).rejects.toMatchObject(refused);
    await expect(killSwitch.run({ agentId: 'y' }, () => give(null))).rejects.toMatchObject(refused);
    await inFlight(1);
    const mine = new PassThrough();
    const giveMine = killSwitch.action({ name: 'mine.open', execute: (_input: null) => mine });
    await giveMine(null);
    // Whoever works for another is stopped alone, too.
    await expect(killSwitch.run({ agentId: 'z' }, () => giveMine(null))).rejects.toMatchObject({
      message: expect.stringContaining('(agent x)'),
    });
    await inFlight(2);
    await control.kill({ target: 'agent:z', waitMs: 600_000 });
    expect(mine.destroyed).toBe(false);
    await new Promise((resolve) => shared.write('a', resolve));
    expect(written).toEqual(['a']);
    await control.kill({ target: 'agent:y', waitMs: 600_000 });
    await vi.waitFor(() => expect(shared.destroyed).toBe(true), 5000);
    await inFlight(1);
    mine.destroy();
    await inFlight(0);
  });
});

describe('what others have given', () => {
  test('is not ended by a call that is refused for something else that it gives', async () => {
    const { killSwitch, give, inFlight } = await setUp();
    const shared = new PassThrough();
    await give(shared);
    await expect(give([shared, setTimeout(() => {}, 5)])).rejects.toMatchObject({ code: 'RESULT_GOES_ON' });
    const own = new PassThrough();
    await killSwitch.run({ agentId: 'y' }, () => give(own));
    const beside = killSwitch.run({ agentId: 'z' }, () => give([own, new PassThrough(), spawn('sleep', ['60'])]));
    await expect(beside).rejects.toMatchObject({ code: 'RESULT_GOES_ON' });
    expect([shared.destroyed, own.destroyed]).toEqual([false, false]);
    await inFlight(2);
  });

  test('is not ended by a draft that gives it', async () => {
    const { killSwitch, control, heard, inFlight } = await setUp();
    const shared = new PassThrough();
    const give = killSwitch.action({ name: 'log.open', effect: 'read', execute: (_input: null) => shared });
    await give(null);
    const drafted = killSwitch.action({ name: 'log.draft', execute: (_input: null) => 1, draft: () => shared });
    await control.setMode({ mode: 'draft_only', reason: 'test' });
    await heard('draft_only');
    expect(await drafted.attempt(null)).toMatchObject({ decision: { cause: { code: 'HANDLER_FAILED' } } });
    expect(shared.destroyed).toBe(false);
    await inFlight(1);
  });

  test('is free for anybody once it has ended, also while nobody has taken what it holds', async () => {
    const { killSwitch, give, inFlight } = await setUp();
    const inRun = (agentId: string, it: object) => killSwitch.run({ agentId }, () => give(it));
    const shared = new PassThrough();
    await inRun('y', shared);
    await expect(inRun('z', shared)).rejects.toMatchObject({ code: 'RESULT_GOES_ON' });
    shared.resume().end('a');
    await once(shared, 'close');
    expect(await inRun('z', shared)).toBe(shared);
    const child = spawn('true');
    const exited = once(child, 'exit');
    await inRun('y', child);
    await exited;
    expect(await inRun('z', child)).toBe(child);
    await inFlight(0);
  });

  test('may be returned by those above: by the call that the sub-agent worked for', async () => {
    const { killSwitch, control, give, inFlight } = await setUp();
    const shared = new PassThrough();
    const delegate = killSwitch.action({
      name: 'work.delegate',
      execute: (_input: null) => killSwitch.run({ agentId: 'sub' }, () => give(shared)),
    });
    expect(await killSwitch.run({ agentId: 'y' }, () => delegate(null))).toBe(shared);
    await inFlight(2);
    await control.kill({ target: 'agent:sub', waitMs: 600_000 });
    await vi.waitFor(() => expect(shared.destroyed).toBe(true), 5000);
    await inFlight(0);
  });

  test('to another switch of the same process it is one of its own, and the stricter of both counts', async () => {
    const { give, inFlight, kill } = await setUp();
    const other = await openMemorySwitch({ agentId: 'other', leaseMs: 1000 });
    const shared = new PassThrough();
    const outer = other.killSwitch.action({ name: 'outer.give', execute: (_input: null) => give(shared) });
    expect(await outer(null)).toBe(shared);
    await inFlight(1);
    await kill();
    await vi.waitFor(() => expect(shared.destroyed).toBe(true), 5000);
    await vi.waitFor(
      async () => expect((await other.control.status()).executors).toMatchObject([{ in_flight: 0 }]),
      5000,
    );
  });

  test('the standard streams of a thread are refused too, and go on', async () => {
    const thread = new Worker(new URL('thread-output.mjs', import.meta.url), { stdin: true, stdout: true });
    onTestFinished(async () => void (await thread.terminate()));
    const refused = 'RESULT_GOES_ON';
    const heard = once(thread.stdout, 'data');
    expect((await once(thread, 'message'))[0]).toEqual([refused, refused, refused]);
    expect(String((await heard)[0])).toBe('said after the kill');
    thread.postMessage('end');
    await once(thread, 'exit');
  });

  test.each(['stdout', 'stderr'] as const)('the process’s own %s is refused, and goes on', async (name) => {
    const { give, kill, inFlight } = await setUp();
    await expect(give(process[name])).rejects.toMatchObject({
      code: 'RESULT_GOES_ON',
      message: expect.stringContaining('of the whole process'),
    });
    await inFlight(0);
    await kill();
    await new Promise((resolve) => process[name].write('', resolve));
    expect(process[name].destroyed).toBe(false);
  });
});
