import type { ErrorCode, EvaluationDetails, FlagValue } from '@openfeature/core';
import { type Fault, openFeatureErrorCode } from '../flags/faults.ts';
import type { SafeAnswer } from '../flags/safe-answer.ts';

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * Puts the safe answer into the details that the application is about to get. Neither SDK lets a hook stop an
 * evaluation otherwise: one that throws makes the caller's own default come back. An error code that is there stays,
 * unless there was no fault. False where the details cannot be written.
 */
export function overwrite(details: EvaluationDetails<FlagValue>, safe: SafeAnswer, fault: Fault | null): boolean {
  try {
    const target = details as Writable<EvaluationDetails<FlagValue>>;
    target.value = safe.value as FlagValue;
    if (safe.variant === undefined) delete target.variant;
    else target.variant = safe.variant;
    target.reason = safe.reason;
    target.flagMetadata = safe.flagMetadata;
    if (fault) {
      target.errorCode ??= openFeatureErrorCode(fault.code) as ErrorCode;
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
