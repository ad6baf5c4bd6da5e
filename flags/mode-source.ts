import type { EvaluationContext, EvaluationDetails } from '@openfeature/core';
import type { Fault } from './faults.ts';

/** The one method of an OpenFeature client that the switch uses. */
export interface ModeClient {
  getStringDetails(
    flagKey: string,
    defaultValue: string,
    context?: EvaluationContext,
  ): Promise<EvaluationDetails<string>>;
}

/** Who is asked for the mode: an OpenFeature client, and what is known of the provider behind it. */
export interface ModeSource {
  readonly client: ModeClient;
  /** Why what the client answers says nothing about this switch now; null when it does. */
  readonly fault: () => Fault | null;
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
