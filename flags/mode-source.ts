import type { EvaluationContext, EvaluationDetails } from '@openfeature/core';
import type { Reversing } from './context.ts';
import type { Fault } from './faults.ts';

/** The method of an OpenFeature client by which the switch asks for the mode. */
export interface ModeClient {
  getStringDetails(
    flagKey: string,
    defaultValue: string,
    context?: EvaluationContext,
  ): Promise<EvaluationDetails<string>>;
}

/** The method by which it asks for the flags of limits. */
export interface LimitClient {
  getNumberDetails(
    flagKey: string,
    defaultValue: number,
    context?: EvaluationContext,
  ): Promise<EvaluationDetails<number>>;
}

/** What the switch needs of an OpenFeature client. */
export interface SwitchClient extends ModeClient, LimitClient {}

/** Who is asked for the mode: an OpenFeature client, and what is known of the provider behind it. */
export interface ModeSource {
  readonly client: ModeClient;
  /** Who is asked for the flags of limits; null where the local copy has all that there is to know of them. */
  readonly limits: LimitClient | null;
  /** Why what the client answers says nothing about this switch now; null when it does. */
  readonly fault: () => Fault | null;
  /**
   * The client as a reversal asks it, past the kills that its rollback names. Null: what answers knows no rollback, so
   * that under a kill nothing is undone here.
   */
  readonly reversing: ((reversing: Reversing) => ModeClient) | null;
  /**
   * Resolves when the initialisation of its provider has ended, also without success: then that is NOT_READY or ERROR,
   * which are `full_stop`, and may recover.
   */
  readonly initialised: Promise<void>;
  /**
   * Calls `onNews` when the answers may have changed, until the returned function is called. Null where they come from
   * the local copy, which has listeners of its own.
   */
  readonly watch: ((onNews: () => void) => () => void) | null;
  close(): Promise<void>;
}
