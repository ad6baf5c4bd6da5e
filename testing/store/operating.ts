import assert from 'node:assert/strict';
import { HIGHEST_TALLY, MOST_TALLIED } from '../../store/capabilities/tally.ts';
import type { SuiteTest } from './log.ts';

/** What operators note beside the log: that one operates, and how often what was refused was tried, in a store whose control plane is initialised. */
export const OPERATING_TESTS: readonly SuiteTest[] = [
  {
    name: 'shows when an operating process last said that it runs, by the store’s clock, to every operator',
    async run(session) {
      await session.initialised();
      const { operating } = session.control();
      assert.ok(operating, 'this driver has no notes of operating processes');
      assert.equal(await operating.last(), null);
      await operating.note();
      const other = session.control();
      const last = Date.parse((await other.operating?.last()) ?? '');
      const now = Date.parse((await other.read([])).time);
      assert.ok(last <= now && now - last < 60_000, `noted at ${last}, now it is ${now}`);
      await operating.note();
      assert.ok(Date.parse((await operating.last()) ?? '') >= last);
    },
  },
  {
    name: 'adds up what is counted of a name, gives it once, and keeps neither too many nor too much',
    async run(session) {
      await session.initialised();
      const [one, other] = [session.control().tally, session.control().tally];
      assert.ok(one && other, 'this driver has no tally');
      const name = 'revive agent:“x”\n../..';
      assert.equal(await one.take(name), 0);
      await one.add(name, 2);
      await other.add(name, 3);
      await other.add('kill', 1);
      assert.deepEqual([await one.take(name), await other.take(name), await other.take('kill')], [5, 0, 1]);
      await one.add(name, HIGHEST_TALLY + 5);
      await one.add(name, 5);
      assert.equal(await one.take(name), HIGHEST_TALLY);
      for (let i = 0; i < MOST_TALLIED; i += 1) await one.add(`n${i}`, 1);
      await one.add('one too many', 1);
      assert.deepEqual([await one.take('one too many'), await one.take('n0')], [0, 1]);
    },
  },
];
