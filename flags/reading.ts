import {
  type AnswerDetails,
  type AnswerProblem,
  answerProblem,
  CATALOGUE,
  type FlagRow,
  MODE_FLAG,
} from './catalogue.ts';
import type { Cause, FaultCode } from './decision.ts';
import { messageOf } from './errors.ts';
import { type Mode, SAFE_MODE } from './modes.ts';

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

/** What is wrong with an answer, for machines and for people. */
export interface Fault {
  readonly code: FaultCode;
  readonly message: string;
}

/** The details of an evaluation, with the metadata that this package's providers attach. */
export interface FlagDetails extends AnswerDetails {
  readonly errorMessage?: string | undefined;
  readonly flagMetadata?: Readonly<Record<string, unknown>> | undefined;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** The epoch that an answer rests on, 0 when it names none. */
export const epochOf = ({ flagMetadata }: FlagDetails): number => {
  const epoch = flagMetadata?.['epoch'];
  return typeof epoch === 'number' ? epoch : 0;
};

/** Why the details of an evaluation of a kill-switch flag cannot be trusted, or null when they are a positive answer. */
export function faultOfAnswer(
  row: FlagRow,
  flagKey: string,
  details: FlagDetails,
  callerDefault: unknown,
): Fault | null {
  const metadata = details.flagMetadata;
  // A fault that one of our own providers or hooks has already named keeps its name.
  if (metadata?.['cause'] === 'fault' && typeof metadata['code'] === 'string') {
    return { code: metadata['code'] as FaultCode, message: messageOf(text(metadata['message'])) };
  }
  const problem = answerProblem(row, details, callerDefault);
  if (problem === null) return null;
  const { code, message } = problemFault(problem, row, flagKey, details);
  return { code, message: details.errorMessage ? `${message}: ${messageOf(details.errorMessage)}` : message };
}

function problemFault(problem: AnswerProblem, row: FlagRow, flagKey: string, details: FlagDetails): Fault {
  switch (problem) {
    case 'ERROR':
      return details.errorCode === 'PROVIDER_NOT_READY'
        ? { code: 'NOT_READY', message: `the provider of ${flagKey} is not ready` }
        : { code: 'PROVIDER_ERROR', message: `the evaluation of ${flagKey} failed` };
    case 'FLAG_DISABLED':
      return { code: 'FLAG_DISABLED', message: `the flag ${flagKey} is disabled` };
    case 'TYPE_MISMATCH':
      return { code: 'TYPE_MISMATCH', message: `the flag ${flagKey} is not a ${row.type}` };
    case 'INVALID_VALUE':
      return row.kind === 'mode'
        ? { code: 'INVALID_MODE', message: `the flag ${flagKey} has a value that is not a mode` }
        : { code: 'INVALID_VALUE', message: `the flag ${flagKey} has a value that means nothing` };
    case 'FLAG_NOT_FOUND':
      return { code: 'FLAG_NOT_FOUND', message: `the flag ${flagKey} is missing, or nothing answered for it` };
    default:
      return problem satisfies never;
  }
}

/** Reads the mode out of the details of one client evaluation. */
export function readingFromDetails(details: FlagDetails, callerDefault: unknown): Reading {
  const epoch = epochOf(details);
  const fault = faultOfAnswer(CATALOGUE.mode, MODE_FLAG, details, callerDefault);
  if (fault) return faultReading(fault.code, fault.message, epoch);
  return { mode: details.value as Mode, cause: causeFromMetadata(details.flagMetadata ?? {}), epoch };
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
