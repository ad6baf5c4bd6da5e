import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { faultReading, type Reading } from '../../flags/index.ts';
import { type Evaluation, askMode, Deadlines, evaluateMode, type Evaluating } from '../../guard/evaluate.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const LIVE: Reading = { mode: 'live', cause: { kind: 'mode' }, epoch: 1 };
const LATE = faultReading('DEADLINE_EXCEEDED', 'the evaluation of kill-switch.mode took longer than 1000 ms');

/** An evaluation that was asked for now, and each reading that it was settled with. */
function asking(): Evaluation & { readonly settled: Reading[] } {
  const settled: Reading[] = [];
  return { askedAt: performance.now(), settle: (reading) => void settled.push(reading), settled };
}

describe('the deadline of evaluations', () => {
  test('is one second after each was asked for, by one timer for all', () => {
    const deadlines = new Deadlines();
    const [first, second] = [asking(), asking()];
    deadlines.add(first);
    vi.advanceTimersByTime(400);
    Object.assign(second, { askedAt: performance.now() });
    deadlines.add(second);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(599);
    expect(first.settled).toEqual([]);
    vi.advanceTimersByTime(1);
    expect([first.settled, second.settled]).toEqual([[LATE], []]);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(399);
    expect(second.settled).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(second.settled).toEqual([LATE]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is watched again for those that come after the timer has fired', () => {
    const deadlines = new Deadlines();
    deadlines.add(asking());
    vi.advanceTimersByTime(1000);
    const later = asking();
    deadlines.add(later);
    vi.advanceTimersByTime(1000);
    expect(later.settled).toEqual([LATE]);
  });

  test('keeps the process alive only while an evaluation is under way', () => {
    const deadlines = new Deadlines();
    const timer = vi.spyOn(globalThis, 'setTimeout');
    const [first, second, third] = [asking(), asking(), asking()];
    deadlines.add(first);
    deadlines.add(second);
    const made = timer.mock.results[0]?.value as NodeJS.Timeout;
    expect(made.hasRef()).toBe(true);
    deadlines.end(first, LIVE);
    expect(made.hasRef()).toBe(true);
    deadlines.end(second, LIVE);
    expect(made.hasRef()).toBe(false);
    deadlines.add(third);
    expect([made.hasRef(), timer.mock.calls.length]).toEqual([true, 1]);
  });

  test('settles each evaluation once: what comes after it is dropped', () => {
    const deadlines = new Deadlines();
    const [late, early] = [asking(), asking()];
    deadlines.add(late);
    deadlines.add(early);
    deadlines.end(early, LIVE);
    deadlines.end(early, LIVE);
    vi.advanceTimersByTime(5000);
    deadlines.end(late, LIVE);
    expect([late.settled, early.settled]).toEqual([[LATE], [LIVE]]);
  });

  test('holds for an answer too that comes before the timer could fire', () => {
    const deadlines = new Deadlines();
    const [just, over] = [asking(), asking()];
    deadlines.add(just);
    deadlines.add(over);
    const now = performance.now();
    const clock = vi.spyOn(performance, 'now');
    clock.mockReturnValue(now + 1000);
    deadlines.end(just, LIVE);
    clock.mockReturnValue(now + 1000.001);
    deadlines.end(over, LIVE);
    clock.mockRestore();
    expect([just.settled, over.settled]).toEqual([[LIVE], [LATE]]);
  });
});

describe('asking for the mode', () => {
  const subject = { organizationId: 'default', agentId: 'x', effect: 'write' } as const;
  const ask = (getStringDetails: Evaluating['client']['getStringDetails'], more: Partial<Evaluating> = {}) =>
    evaluateMode(
      { client: { getStringDetails }, deadlines: new Deadlines(), sourceFault: () => null, ...more },
      subject,
    );
  const answer = { flagKey: 'kill-switch.mode', value: 'live', variant: 'live', flagMetadata: {} };

  test('asks for one flag, with full_stop for whoever has no answer', async () => {
    const client = vi.fn(async () => answer);
    expect(await ask(client)).toEqual({ mode: 'live', cause: { kind: 'mode' }, epoch: 0 });
    expect(client.mock.calls).toMatchObject([['kill-switch.mode', 'full_stop', { agent_id: 'x' }]]);
  });

  test('is a fault where the client throws, rejects, or leaves an answer that cannot be read', async () => {
    const error = new Error('no answer');
    const expected = faultReading('PROVIDER_ERROR', 'the evaluation of kill-switch.mode failed: no answer');
    const throwing = (): never => {
      throw error;
    };
    const unreadable = Object.defineProperty({ ...answer }, 'value', { get: throwing });
    for (const client of [throwing, () => Promise.reject(error), async () => unreadable])
      expect(await ask(client)).toEqual(expected);
  });

  test('is the fault of the source, looked at when the answer has come', async () => {
    let fault: ReturnType<Evaluating['sourceFault']> = null;
    const asked = ask(
      async () => {
        fault = { code: 'STALE', message: 'it is no longer known' };
        return answer;
      },
      { sourceFault: () => fault },
    );
    expect(await asked).toEqual(faultReading('STALE', 'it is no longer known'));
  });

  test('is late where the client does not answer within a second of being asked', async () => {
    const silent = new Promise<never>(() => {});
    const { settled, ...one } = asking();
    askMode(
      { client: { getStringDetails: () => silent }, deadlines: new Deadlines(), sourceFault: () => null },
      subject,
      one,
    );
    await vi.advanceTimersByTimeAsync(1000);
    expect(settled).toEqual([LATE]);
  });
});
