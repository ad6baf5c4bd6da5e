import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { parseTime } from '../../flags/index.ts';
import type { Answer } from '../../store/confirmation.ts';
import type { SuiteTest } from './log.ts';

const timeOf = ({ time }: Pick<Answer, 'time'>): number => parseTime(time) ?? assert.fail(`${time} is no time`);

/** Time, age and nonce, which every answer of a store has. */
export const ANSWER_TESTS: readonly SuiteTest[] = [
  {
    name: 'every answer carries the store’s time, which moves on and is the time that operators plan by',
    async run(session) {
      const control = await session.initialised();
      const { connection, beat } = session.executor();
      const steps = [
        () => control.read([]),
        () => connection.confirm(beat(null), randomUUID()),
        () => connection.load(null, randomUUID()),
        () => control.load(null, randomUUID()),
        () => control.read([]),
      ];
      const times: number[] = [];
      for (let round = 0; round < 2; round += 1) {
        for (const step of steps) times.push(timeOf(await step()));
        await delay(20);
      }
      assert.deepEqual(
        times,
        [...times].sort((a, b) => a - b),
      );
      assert.ok((times.at(-1) ?? 0) - (times[0] ?? 0) >= 15, `the clock has hardly moved on: ${times.join()}`);
    },
  },
  {
    name: 'every answer carries the nonce of its own request, also when many are asked at once, and is fresh',
    async run(session) {
      const control = await session.initialised();
      const [x, y] = [session.executor(), session.executor()];
      const ways: ReadonlyArray<(nonce: string) => Promise<Answer>> = [x, y].flatMap((one) => [
        (nonce) => one.connection.confirm(one.beat(null), nonce),
        (nonce) => one.connection.load(null, nonce),
        (nonce) => control.load(null, nonce),
      ]);
      const asked = [...ways, ...ways].map((ask, index) => ({ ask, nonce: `${index} ${randomUUID()}` }));
      const answers = await Promise.all(asked.map(({ ask, nonce }) => ask(nonce)));
      for (const [index, { nonce, ageMs }] of answers.entries())
        assert.deepEqual({ nonce, ageMs }, { nonce: asked[index]?.nonce, ageMs: 0 });
    },
  },
  {
    name: 'an answer from an empty store has time, age and nonce too',
    async run(session) {
      const { connection, beat } = session.executor();
      const answers = [await connection.confirm(beat(null), 'a'), await connection.load(null, 'b')];
      for (const [index, nonce] of ['a', 'b'].entries()) {
        const answer = answers[index] ?? assert.fail();
        assert.deepEqual([answer.head, answer.nonce, answer.ageMs], [null, nonce, 0]);
        assert.ok(timeOf(answer) > 0);
      }
    },
  },
];
