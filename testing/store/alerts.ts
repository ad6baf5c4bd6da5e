import assert from 'node:assert/strict';
import type { AlertKeeper } from '../../store/capabilities/alerts.ts';
import type { ControlConnection } from '../../store/ports.ts';
import type { SuiteTest } from './log.ts';

const keeperOf = ({ alerts }: ControlConnection): AlertKeeper => {
  assert.ok(alerts, 'this driver keeps nothing for alerts');
  return alerts;
};

const TEXT = '{"where":"https://hooks.test/“🛑”\\u2028"}';

/** What alerts need beside the log, in a store whose control plane is initialised. */
export const ALERT_TESTS: readonly SuiteTest[] = [
  {
    name: 'what alerts need is kept under its name, for every operator, and not in the log',
    async run(session) {
      const control = await session.initialised();
      const keeper = keeperOf(control);
      assert.deepEqual(await keeper.read(['one', 'two']), new Map());
      assert.equal(await keeper.swap('one', null, TEXT), true);
      assert.equal(await keeper.swap('two-2', null, 'x'), true);
      const other = keeperOf(session.control());
      assert.deepEqual(
        await other.read(['two-2', 'one', 'three']),
        new Map([
          ['two-2', 'x'],
          ['one', TEXT],
        ]),
      );
      assert.deepEqual(await keeperOf(session.control('other')).read(['one']), new Map());
      for await (const event of control.log(0)) assert.equal(JSON.stringify(event).includes('hooks.test'), false);
    },
  },
  {
    name: 'of what alerts need only the text that was read is replaced, and removed',
    async run(session) {
      const keeper = keeperOf(await session.initialised());
      assert.equal(await keeper.swap('one', 'before', 'after'), false);
      assert.equal(await keeper.swap('one', null, 'a'), true);
      assert.equal(await keeper.swap('one', null, 'b'), false);
      assert.equal(await keeper.swap('one', 'b', null), false);
      assert.deepEqual(await keeper.read(['one']), new Map([['one', 'a']]));
      assert.equal(await keeper.swap('one', 'a', null), true);
      assert.deepEqual(await keeper.read(['one']), new Map());
      assert.equal(await keeper.swap('one', 'a', 'c'), false);
      assert.equal(await keeper.swap('one', null, 'c'), true);
      assert.deepEqual(await keeper.read(['one']), new Map([['one', 'c']]));
    },
  },
  {
    name: 'of several operators who replace the same of what alerts need, one does',
    async run(session) {
      const first = await session.initialised();
      const keepers = [first, ...Array.from({ length: 4 }, () => session.control())].map(keeperOf);
      let text: string | null = null;
      for (let round = 0; round < 10; round += 1) {
        const swapped = await Promise.all(keepers.map((each, index) => each.swap('one', text, `${round} ${index}`)));
        assert.deepEqual([round, swapped.filter(Boolean).length], [round, 1]);
        text = (await keeperOf(first).read(['one'])).get('one') ?? null;
        assert.equal(text, `${round} ${swapped.indexOf(true)}`);
      }
    },
  },
];
