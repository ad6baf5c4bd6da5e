import { ErrorCode, type EvaluationDetails, type FlagValue } from '@openfeature/core';
import { type Fault, openFeatureErrorCode } from '../flags/faults.ts';
import type { SafeAnswer } from '../flags/safe-answer.ts';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Writes the safe answer into the details that the application is about to get. Neither SDK offers a hook another way:
 * one that throws gives the caller its own default. With a fault the answer has an error code, its own or that of the
 * fault; without one the error code is removed. False where the details cannot be written.
 */
export function overwrite(details: EvaluationDetails<FlagValue>, safe: SafeAnswer, fault: Fault | null): boolean {
  try {
    const target = details as Writable<EvaluationDetails<FlagValue>>;
    target.value = safe.value;
    if (safe.variant === undefined) delete target.variant;
    else target.variant = safe.variant;
    target.reason = safe.reason;
    target.flagMetadata = safe.flagMetadata;
    if (fault) {
      target.errorCode ??= ErrorCode[openFeatureErrorCode(fault.code)];
      target.errorMessage ??= fault.message;
    } else {
      delete target.errorCode;
      delete target.errorMessage;
    }
    return true;
  } catch {
    return false;
  }
}
