import assert from 'node:assert/strict';
import type { SuiteTest } from './log.ts';

/** What an operating process says of itself, in a store whose control plane is initialised. */
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
];
