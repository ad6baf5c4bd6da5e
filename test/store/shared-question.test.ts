import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SharedQuestion } from '../../store/shared-question.ts';

interface Sent {
  readonly number: number;
  readonly answer: (isFailure: boolean) => void;
}

/** Questions that the test answers, each with its number. */
function open({ oneByOne }: { readonly oneByOne: boolean }) {
  const sent: Sent[] = [];
  const seen = { sent: 0, atOnce: 0 };
  const question = new SharedQuestion<number>({
    oneByOne,
    gather: () => Promise.resolve(),
    send: () =>
      new Promise((resolve, reject) => {
        const number = (seen.sent += 1);
        sent.push({ number, answer: (isFailure) => (isFailure ? reject(new Error(String(number))) : resolve(number)) });
        seen.atOnce = Math.max(seen.atOnce, sent.length);
      }),
  });
  return {
    seen,
    ask: () => question.ask(),
    underWay: () => sent.length,
    answer: (isFailure = false) => sent.shift()?.answer(isFailure),
  };
}

async function microtasks(count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) await Promise.resolve();
}

test('callers that ask before a question is sent share it; later ones get the answer to the next', async () => {
  const { ask, answer, seen } = open({ oneByOne: true });
  const first = [ask(), ask()];
  expect(seen.sent).toBe(0);
  await microtasks(5);
  const second = [ask(), ask()];
  await microtasks(5);
  expect(seen.sent).toBe(1);
  answer();
  await expect(Promise.all(first)).resolves.toEqual([1, 1]);
  await microtasks(5);
  answer();
  await expect(Promise.all(second)).resolves.toEqual([2, 2]);
});

test('where several questions may be under way, none waits for another', async () => {
  const { ask, seen } = open({ oneByOne: false });
  void ask();
  await microtasks(5);
  void ask();
  await microtasks(5);
  expect(seen).toEqual({ sent: 2, atOnce: 2 });
});

test('a question that fails, fails only for the callers that share it', async () => {
  const { ask, answer } = open({ oneByOne: true });
  const failing = [ask(), ask()];
  await microtasks(5);
  const later = ask();
  answer(true);
  await expect(Promise.allSettled(failing)).resolves.toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
  await microtasks(5);
  answer();
  await expect(later).resolves.toBe(2);
});

test('a question that cannot be sent fails, and the next one is sent', async () => {
  let sent = 0;
  const question = new SharedQuestion<number>({
    oneByOne: true,
    gather: async () => {},
    send() {
      sent += 1;
      if (sent === 1) throw new Error('no');
      return Promise.resolve(sent);
    },
  });
  await expect(question.ask()).rejects.toThrow('no');
  await expect(question.ask()).resolves.toBe(2);
});

test('in any order of asking, answering, failing and waiting no caller gets the answer to a question that was sent before it asked', async () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.constant('ask' as const) },
    { weight: 2, arbitrary: fc.constant('answer' as const) },
    { weight: 1, arbitrary: fc.constant('fail' as const) },
    { weight: 3, arbitrary: fc.integer({ min: 0, max: 4 }) }, // microtasks
  );
  let shared = 0;
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(step, { maxLength: 40 }), async (oneByOne, steps) => {
      const { ask, answer, underWay, seen } = open({ oneByOne });
      const asked: Array<Promise<{ readonly after: number; readonly got: number }>> = [];
      for (const next of steps) {
        if (typeof next === 'number') await microtasks(next);
        else if (next === 'ask') {
          const after = seen.sent;
          const got = ask().catch((error: Error) => Number(error.message));
          asked.push(got.then((number) => ({ after, got: number })));
        } else answer(next === 'fail');
      }
      for (let idle = 0; idle < 3; idle = underWay() > 0 ? 0 : idle + 1) {
        answer();
        await microtasks(10);
      }
      const answers = await Promise.all(asked);
      for (const { after, got } of answers) expect(got).toBeGreaterThan(after);
      expect(seen.sent).toBeLessThanOrEqual(asked.length);
      if (oneByOne) expect(seen.atOnce).toBeLessThanOrEqual(1);
      shared += asked.length - seen.sent;
    }),
    { numRuns: 500 },
  );
  expect(shared).toBeGreaterThan(100);
});
