import {
  type AnswerDetails,
  type AnswerProblem,
  answerProblem,
  CATALOGUE,
  type FlagRow,
  MODE_FLAG,
} from './catalogue.ts';
import { type Cause, causeFromMetadata, MODE_CAUSE } from './causes.ts';
import { messageOf } from './errors.ts';
import { type Fault, type FaultCode, isFaultCode } from './faults.ts';
import { isMode, type Mode, SAFE_MODE } from './modes.ts';

/** What was read of the switch for one subject: a mode with its cause, or a fault, which means `full_stop`. */
export type Reading =
  | { readonly mode: Mode; readonly cause: Cause; readonly epoch: number }
  | { readonly fault: FaultCode; readonly message: string; readonly epoch: number };

export const faultReading = (fault: FaultCode, message: string, epoch = 0): Reading => ({ fault, message, epoch });

/** The mode and cause that a reading stands for: a fault is `full_stop`. */
export const modeOf = (reading: Reading): { readonly mode: Mode; readonly cause: Cause } =>
  'fault' in reading
    ? { mode: SAFE_MODE, cause: { kind: 'fault', code: reading.fault, message: reading.message } }
    : reading;

/** The details of an evaluation, with the metadata that this package's providers attach. */
export interface FlagDetails extends AnswerDetails {
  readonly errorMessage?: string | undefined;
  readonly flagMetadata?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * The epoch that an answer rests on; 0 when it names none, or anything but a whole number: anybody may have written the
 * metadata.
 */
export const epochOf = ({ flagMetadata }: FlagDetails): number => {
  const epoch = flagMetadata?.['epoch'];
  return typeof epoch === 'number' && Number.isSafeInteger(epoch) && epoch >= 0 ? epoch : 0;
};

/**
 * Why the details of an evaluation of a kill-switch flag cannot be trusted, or null when they are a positive answer.
 */
export function faultOfAnswer(
  row: FlagRow,
  flagKey: string,
  details: FlagDetails,
  callerDefault: unknown,
): Fault | null {
  const metadata = details.flagMetadata;
  if (metadata?.['cause'] === 'fault') return namedFault(metadata);
  const problem = answerProblem(row, details, callerDefault);
  if (problem === null) return null;
  const { code, message } = problemFault(problem, row, flagKey, details);
  return { code, message: details.errorMessage ? `${message}: ${messageOf(details.errorMessage)}` : message };
}

/**
 * A fault that a provider or hook of this package has already named keeps its code. A code that this version does not
 * know, or cannot read, becomes PROVIDER_ERROR.
 */
function namedFault({ code, message }: Readonly<Record<string, unknown>>): Fault {
  const said = typeof message === 'string' ? message : '';
  if (isFaultCode(code)) return { code, message: messageOf(said) };
  const name = typeof code === 'string' ? messageOf(code).slice(0, MAX_CODE) : 'without a code';
  return {
    code: 'PROVIDER_ERROR',
    message: messageOf(`the provider names a fault that is not known here, ${name}: ${said}`),
  };
}

/** How much is shown of a fault code that this version does not know, in characters. */
const MAX_CODE = 100;

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

/**
 * Reads the mode out of the details of one client evaluation. Metadata without a readable cause does not make it a
 * fault: the cause is then the mode itself.
 */
export function readingFromDetails(details: FlagDetails, callerDefault: unknown): Reading {
  const epoch = epochOf(details);
  const fault = faultOfAnswer(CATALOGUE.mode, MODE_FLAG, details, callerDefault);
  if (fault) return faultReading(fault.code, fault.message, epoch);
  const cause = (details.flagMetadata && causeFromMetadata(details.flagMetadata)) ?? MODE_CAUSE;
  const { value } = details;
  return { mode: isMode(value) ? value : SAFE_MODE, cause, epoch }; // without a fault it is a mode
}
