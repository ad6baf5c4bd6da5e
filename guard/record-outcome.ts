import { randomUUID } from 'node:crypto';
import {
  actionNameProblem,
  idProblem,
  invalid,
  KillSwitchError,
  MAX_REASON_LENGTH,
  quoteId,
  redactText,
  type ShadowOutcome,
} from '../flags/index.ts';
import { checkKeys, type Keys } from '../flags/options.ts';
import type { ShadowSink } from './shadow-runs.ts';

/** What a person did, beside what a feature in shadow would have done. */
export interface OutcomeOptions {
  readonly feature: string;
  /** The run in which the action was called. */
  readonly runId: string;
  readonly action: string;
  /** True where the person did the same as shadow would have done. */
  readonly agreed: boolean;
  /** At most 2000 characters; secrets in it are not recorded. */
  readonly note?: string | undefined;
}

const OUTCOME_KEYS: Keys<OutcomeOptions> = {
  feature: ['name'],
  runId: ['run', 'run_id'],
  action: true,
  agreed: ['agrees', 'agreement'],
  note: ['comment', 'reason'],
};

/** Takes down what people did. */
export const recordOutcomeOf =
  (sink: ShadowSink | null, isClosed: () => boolean) =>
  async (options: OutcomeOptions): Promise<void> => {
    const { feature, runId, action, agreed, note } = checkKeys('recordOutcome', options, OUTCOME_KEYS);
    for (const [what, id, problemOf] of [
      ['feature', feature, idProblem],
      ['runId', runId, idProblem],
      ['action', action, actionNameProblem],
    ] as const) {
      const problem = problemOf(id);
      if (problem !== null) throw invalid(`The ${what} of an outcome ${problem}.`);
    }
    if (typeof agreed !== 'boolean')
      throw invalid(`agreed must be true or false: whether the person did the same, not ${quoteId(agreed)}.`);
    if (note !== undefined && (typeof note !== 'string' || note.length > MAX_REASON_LENGTH))
      throw invalid(
        `The note of an outcome is a text of at most ${MAX_REASON_LENGTH} characters, not ${quoteId(note)}.`,
      );
    if (isClosed())
      throw new KillSwitchError('CLOSED', 'This switch has been closed, so the outcome was not recorded.');
    if (!sink)
      throw new KillSwitchError(
        'INVALID_STATE',
        'An outcome is kept in the store, and this switch has none: give createKillSwitch a store.',
      );
    const { executorId, executorName } = sink;
    const outcome: ShadowOutcome = {
      kind: 'outcome',
      id: randomUUID(),
      at: new Date().toISOString(),
      executor_id: executorId,
      executor_name: executorName,
      feature,
      action,
      run_id: runId,
      agreed,
      note: note === undefined ? null : redactText(note),
    };
    await sink.recordShadow(outcome);
  };
