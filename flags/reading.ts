import { type AnswerDetails, answerProblem, CATALOGUE } from './catalogue.ts';
import type { Cause, FaultCode } from './decision.ts';
import { isMode, type Mode, SAFE_MODE } from './modes.ts';

/** What was read of the switch for one call: a mode with its cause, or a fault, which means `full_stop`. */
export type Reading =
  | { readonly mode: Mode; readonly cause: Cause; readonly epoch: number }
  | { readonly fault: FaultCode; readonly message: string; readonly epoch: number };

export const faultReading = (fault: FaultCode, message: string, epoch = 0): Reading => ({ fault, message, epoch });

/** The mode and cause that a reading stands for: a fault is `full_stop`. */
export const modeOf = (reading: Reading): { readonly mode: Mode; readonly cause: Cause } =>
  'fault' in reading
    ? { mode: SAFE_MODE, cause: { kind: 'fault', code: reading.fault, message: reading.message } }
    : reading;

const PROBLEMS = {
  ERROR: ['PROVIDER_ERROR', 'the evaluation of kill-switch.mode failed'],
  FLAG_DISABLED: ['FLAG_DISABLED', 'the flag kill-switch.mode is disabled'],
  TYPE_MISMATCH: ['TYPE_MISMATCH', 'the flag kill-switch.mode is not a string'],
  INVALID_VALUE: ['INVALID_MODE', 'the flag kill-switch.mode has a value that is not a mode'],
  FLAG_NOT_FOUND: ['FLAG_NOT_FOUND', 'the flag kill-switch.mode is missing, or nothing answered for it'],
} as const satisfies Record<string, readonly [FaultCode, string]>;

/** The details of an evaluation, with the metadata that this package's providers attach. */
export interface ModeDetails extends AnswerDetails {
  readonly errorMessage?: string | undefined;
  readonly flagMetadata?: Readonly<Record<string, unknown>> | undefined;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Reads the mode out of the details of one client evaluation. */
export function readingFromDetails(details: ModeDetails, callerDefault: unknown): Reading {
  const metadata = details.flagMetadata ?? {};
  const epoch = typeof metadata['epoch'] === 'number' ? metadata['epoch'] : 0;
  // A fault that one of our own providers or hooks has already named keeps its name.
  if (metadata['cause'] === 'fault' && typeof metadata['code'] === 'string') {
    return faultReading(metadata['code'] as FaultCode, text(metadata['message']), epoch);
  }
  const problem = answerProblem(CATALOGUE.mode, details, callerDefault);
  if (problem !== null || !isMode(details.value)) {
    if (details.errorCode === 'PROVIDER_NOT_READY') {
      return faultReading('NOT_READY', 'the provider of kill-switch.mode is not ready', epoch);
    }
    const [code, message] = PROBLEMS[problem ?? 'INVALID_VALUE'];
    return faultReading(code, details.errorMessage ? `${message}: ${details.errorMessage}` : message, epoch);
  }
  return { mode: details.value, cause: causeFromMetadata(metadata), epoch };
}

/** The cause that `causeMetadata` had put into an answer's metadata; the base mode where there is none. */
function causeFromMetadata(metadata: Readonly<Record<string, unknown>>): Cause {
  switch (metadata['cause']) {
    case 'kill':
      return {
        kind: 'kill',
        killId: text(metadata['killId']),
        target: text(metadata['target']),
        killedBy: text(metadata['killedBy']),
        reason: typeof metadata['reason'] === 'string' ? metadata['reason'] : null,
      };
    case 'feature':
      return { kind: 'feature', feature: text(metadata['feature']), stage: (metadata['stage'] ?? 'dark') as 'dark' };
    case 'autonomy':
      return {
        kind: 'autonomy',
        action: text(metadata['action']),
        stage: (metadata['stage'] ?? 'human_in_the_loop') as 'human_in_the_loop',
      };
    case 'identity':
      return { kind: 'identity', message: text(metadata['message']) };
    default:
      return { kind: 'mode' };
  }
}
