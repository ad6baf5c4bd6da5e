import { type EvaluationContext, type EvaluationDetails } from '@openfeature/core';
import {
  type Call,
  contextFromCall,
  faultReading,
  MODE_FLAG,
  messageOf,
  type FlagDetails,
  type Reading,
  readingFromDetails,
  SAFE_MODE,
} from '../flags/index.ts';

/** What is asked of an OpenFeature client. */
export interface ModeClient {
  getStringDetails(
    flagKey: string,
    defaultValue: string,
    context?: EvaluationContext,
  ): Promise<EvaluationDetails<string>>;
}

/** How long one evaluation may take, in milliseconds. */
const EVALUATION_TIMEOUT_MS = 1000;

/** One OpenFeature evaluation of the mode, with a deadline and a default of our own. It never rejects: whatever goes wrong is a fault. */
export async function evaluateMode(
  client: ModeClient,
  call: Call,
  timeoutMs = EVALUATION_TIMEOUT_MS,
): Promise<Reading> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), timeoutMs);
  });
  try {
    const details = await Promise.race([
      client.getStringDetails(MODE_FLAG, SAFE_MODE, contextFromCall(call)),
      deadline,
    ]);
    return details === null
      ? faultReading('DEADLINE_EXCEEDED', `the evaluation of ${MODE_FLAG} took longer than ${timeoutMs} ms`)
      : readingFromDetails(details as FlagDetails, SAFE_MODE);
  } catch (error) {
    return faultReading('PROVIDER_ERROR', `the evaluation of ${MODE_FLAG} failed: ${messageOf(error)}`);
  } finally {
    clearTimeout(timer);
  }
}
