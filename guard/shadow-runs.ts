import { randomUUID } from 'node:crypto';
import type { Decision, ShadowRun } from '../flags/index.ts';
import { ActionInputError } from './errors.ts';
import { readPlain } from './plain-data.ts';
import { redactRecord, type RedactInput } from './redact-record.ts';
import type { GuardedSubject } from './subject.ts';
import type { ExecutorReports } from '../store/reports.ts';

/** Where shadow runs go. */
export type ShadowSink = Pick<ExecutorReports, 'executorId' | 'executorName' | 'recordShadow'>;

/** A shadow run before its draft is made: what the call was given, as it was then. */
export interface BegunShadowRun {
  /** Resolves when the store has it. @throws the store's error, or one that says that there is no store */
  keep(made: { readonly draft: unknown; readonly proposalId: string | null }): Promise<void>;
}

/** The feature whose shadow is why this is drafted; null where something else is. */
const shadowed = ({ verdict, cause }: Decision): string | null =>
  verdict === 'draft' && cause.kind === 'feature' && cause.stage === 'shadow' ? cause.feature : null;

/** Records what writes of features in shadow would have done. */
export class ShadowRuns {
  readonly #sink: ShadowSink | null;
  readonly #redactInput: RedactInput | undefined;

  constructor(sink: ShadowSink | null, redactInput?: RedactInput) {
    this.#sink = sink;
    this.#redactInput = redactInput;
  }

  /** Takes the input down, before a handler of the application may change it; null where nothing is in shadow. */
  begin(decision: Decision, subject: GuardedSubject, input: unknown): BegunShadowRun | null {
    const feature = shadowed(decision);
    if (feature === null || subject.action === undefined) return null;
    const { action } = subject;
    const given = { input: redactRecord(input, action, this.#redactInput), input_hash: hashOf(action, input) };
    return {
      keep: async ({ draft, proposalId }) => {
        const sink = this.#sink;
        if (!sink) throw new Error('this switch has no store to record it in.');
        const run: ShadowRun = {
          kind: 'shadow',
          id: randomUUID(),
          at: new Date().toISOString(),
          executor_id: sink.executorId,
          executor_name: sink.executorName,
          feature,
          action,
          agent_id: subject.agentId ?? null,
          run_id: subject.runId ?? null,
          mission_id: subject.missionId ?? null,
          epoch: decision.epoch,
          ...given,
          draft: redactRecord(draft, action, this.#redactInput),
          proposal_id: proposalId,
        };
        await sink.recordShadow(run);
      },
    };
  }
}

/** The hash of an input; null for one that is no plain data: in shadow nobody has to approve exactly this one. */
function hashOf(action: string, input: unknown): string | null {
  try {
    return readPlain(action, input).hash;
  } catch (error) {
    if (error instanceof ActionInputError) return null;
    throw error;
  }
}
