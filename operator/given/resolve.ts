import { invalid, quoteId } from '../../flags/index.ts';
import { checkKeys } from '../../flags/options.ts';
import { change, CHANGE_KEYS, type ChangeOptions } from './change.ts';
import { givenRun } from '../runs.ts';

/** Of which intent an operator says whether it has landed. */
export interface ResolveOptions extends Pick<ChangeOptions, 'reason' | 'epoch'> {
  /** The run in which it was intended; null: outside any run. */
  readonly run: string | null;
  readonly key: string;
  readonly landed: boolean;
}

/** What is to be said of an intent; which one that is, the journal knows. */
export function givenResolve(options: ResolveOptions) {
  const given = checkKeys('resolve', options, {
    reason: CHANGE_KEYS.reason,
    epoch: CHANGE_KEYS.epoch,
    run: ['runId', 'run_id'],
    key: ['idempotencyKey', 'idempotency_key'],
    landed: true,
  });
  const { run, key, landed } = given;
  if (typeof landed !== 'boolean') throw invalid(`landed is true or false, not ${quoteId(landed)}.`);
  if (typeof key !== 'string' || key === '') throw invalid(`key is an idempotency key, not ${quoteId(key)}.`);
  return { run: givenRun('resolve', run), key, landed, ...change(given) };
}
