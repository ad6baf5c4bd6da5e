import { describe, expect, test, vi } from 'vitest';
import { ForgetJournals, JOURNAL_KEPT_MS } from '../../operator/forget-journals.ts';
import type { JournalKeeper } from '../../store/capabilities/journal.ts';

const NOW = Date.parse('2026-06-01T00:00:00.000Z');
const HOUR = 3_600_000;

const keeper = (forget: JournalKeeper['forget']): JournalKeeper => ({
  forget,
  runs: async () => ({ data: [], count: 0 }),
  entriesOf: async () => ({ data: [], count: 0 }),
  attemptsOf: async () => [],
});

describe('what nobody needs of journals any more', () => {
  test('is forgotten once an hour, by the earlier of two clocks', async () => {
    const forget = vi.fn(async () => 0);
    const journals = new ForgetJournals(keeper(forget));
    for (const mono of [0, 1000, HOUR - 1, HOUR, HOUR + 1]) await journals.look(mono, [NOW + 40 * 24 * HOUR, NOW]);
    expect(forget.mock.calls).toEqual(
      [1, 2].map(() => [
        {
          ended: new Date(NOW - JOURNAL_KEPT_MS.ended).toISOString(),
          intended: new Date(NOW - JOURNAL_KEPT_MS.intended).toISOString(),
        },
      ]),
    );
  });

  test('stays where a store keeps none', async () => {
    await expect(new ForgetJournals(null).look(0, [NOW])).resolves.toBeUndefined();
  });
});
