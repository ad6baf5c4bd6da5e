import { invalid, quoteId } from '../flags/index.ts';
import { checkKeys } from '../flags/options.ts';
import { ALERT_TESTS } from './store/alerts.ts';
import { APPROVAL_TESTS } from './store/approvals.ts';
import { ANSWER_TESTS } from './store/answers.ts';
import { BEAT_TESTS } from './store/beats.ts';
import { CONFIRM_TESTS } from './store/confirm.ts';
import { JOURNAL_TESTS } from './store/journal.ts';
import { LEDGER_TESTS } from './store/ledger.ts';
import { LOG_TESTS } from './store/log.ts';
import { LOSS_TESTS } from './store/loss.ts';
import { SHELF_TESTS } from './store/shelf.ts';
import { OPERATING_TESTS } from './store/operating.ts';
import { STOP_TESTS } from './store/stops.ts';
import { type StoreHarness, StoreSession } from './store/session.ts';

export type { StoreHarness } from './store/session.ts';

/** One test for any test runner: `test(name, run)`. */
export interface ConformanceTest {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/** How the suite gets the store that it tests. */
export interface StoreConformanceOptions {
  /** Opens an empty store for each test, which closes it at its end. */
  open(): Promise<StoreHarness>;
}

const TESTS = [
  ...[...LOG_TESTS, ...ANSWER_TESTS, ...CONFIRM_TESTS, ...BEAT_TESTS, ...LOSS_TESTS, ...SHELF_TESTS],
  ...JOURNAL_TESTS,
  ...APPROVAL_TESTS,
  ...LEDGER_TESTS,
  ...STOP_TESTS,
  ...ALERT_TESTS,
  ...OPERATING_TESTS,
];

/**
 * What every driver must do behind the three ports: `for (const { name, run } of storeConformance({ open })) test(name,
 * run)`. A test fails by an AssertionError; each takes a few seconds at most.
 */
export function storeConformance(options: StoreConformanceOptions): readonly ConformanceTest[] {
  const { open } = checkKeys('storeConformance', options, { open: true });
  if (typeof open !== 'function') throw invalid(`open of storeConformance must be a function, not ${quoteId(open)}.`);
  return TESTS.map(({ name, run }) => ({
    name,
    async run() {
      const session = new StoreSession(await open());
      try {
        await run(session);
      } finally {
        await session.close();
      }
    },
  }));
}
