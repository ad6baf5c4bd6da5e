import { Readable } from 'node:stream';
import { describe, expect, test, vi } from 'vitest';
import { openOngoing } from './open-ongoing.ts';
import { mails } from './mails.ts';
import { stores } from './real-sides.ts';

describe.each(stores)('what goes on after the call, on %s', (_name, open) => {
  test('an async generator is in flight until it is done, and takes no step after a kill', async () => {
    const { killSwitch, kill, inFlight } = await openOngoing(await open());
    const sent: number[] = [];
    let signal: AbortSignal | undefined;
    const action = killSwitch.action({
      name: 'mail.send_all',
      execute: (_input: null, context) => {
        signal = context.signal;
        return mails(sent).asyncGenerator();
      },
    });
    const outcome = await action.attempt(null);
    if (outcome.status !== 'executed') throw new Error(outcome.status);
    const { result } = outcome;
    expect((await result.next()).value).toBe(1);
    await inFlight(1);
    const { acknowledgements } = await kill();
    expect(acknowledgements.executors).toMatchObject([{ state: 'stopped', in_flight: 0 }]);
    expect(signal?.aborted).toBe(true);
    await expect(result.next()).rejects.toMatchObject({ code: 'ABORTED', decision: { cause: { kind: 'kill' } } });
    expect(sent).toEqual([1]);
  });

  test('a step that is under way is drained, and waited for', async () => {
    const { killSwitch, control, inFlight } = await openOngoing(await open());
    let finish = (): void => {};
    let landed = 0;
    const action = killSwitch.action({
      name: 'mail.slow',
      execute: async function* (_input: null) {
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        landed += 1;
        yield 'sent';
        landed += 1;
      },
    });
    const outcome = await action.attempt(null);
    if (outcome.status !== 'executed') throw new Error(outcome.status);
    const step = outcome.result.next();
    await inFlight(1);
    const waited = await control.kill({ target: 'agent:x', waitMs: 5000 });
    expect(waited.acknowledgements.executors).toMatchObject([{ state: 'draining', in_flight: 1, draining: 1 }]);
    finish();
    expect(await step).toEqual({ value: 'sent', done: false });
    await inFlight(0);
    await expect(outcome.result.next()).rejects.toMatchObject({ code: 'ABORTED' });
    expect(landed).toBe(1);
    await vi.waitFor(async () => {
      const { data } = await control.interventions();
      expect(data.filter(({ status }) => status === 'aborted')).toMatchObject([
        { action: 'mail.slow', state: 'unknown' }, // it was ended before its end
      ]);
    }, 5000);
  });

  test.each([
    ['a web stream', (sent: number[]) => ReadableStream.from(mails(sent).asyncGenerator()) as ReadableStream],
    ['a stream of Node’s', (sent: number[]) => Readable.from(mails(sent).asyncGenerator(), { highWaterMark: 1 })],
  ])('%s does nothing more after a kill', async (_kind, make) => {
    const { killSwitch, kill, inFlight } = await openOngoing(await open());
    const sent: number[] = [];
    const action = killSwitch.action({
      name: 'mail.stream',
      execute: (_input: null): AsyncIterable<number> => make(sent) as AsyncIterable<number>,
    });
    const outcome = await action.attempt(null);
    if (outcome.status !== 'executed') throw new Error(outcome.status);
    const seen: unknown[] = [];
    let killed = 0;
    const reading = (async () => {
      for await (const piece of outcome.result) {
        seen.push(piece);
        if (seen.length === 2) {
          await inFlight(1);
          const { acknowledgements } = await kill();
          expect(acknowledgements.executors).toMatchObject([{ state: 'stopped', in_flight: 0 }]);
          killed = sent.length;
        }
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'ABORTED' });
    expect(killed).toBeGreaterThan(1);
    expect(sent.length).toBe(killed);
  });
});
