import { type FlagRow, type FlagType, safeValueAs } from './catalogue.ts';
import { type Cause, causeMetadata } from './causes.ts';

/**
 * The answer for a kill-switch flag where there is no positive one; fits the SDKs' ResolutionDetails and
 * EvaluationDetails.
 */
export interface SafeAnswer {
  readonly value: ReturnType<typeof safeValueAs>;
  /**
   * The safe value's own name, so that nobody takes it for a caller's default; absent where the flag was asked with the
   * wrong type.
   */
  readonly variant: string | undefined;
  readonly reason: 'ERROR' | 'TARGETING_MATCH';
  readonly flagMetadata: Readonly<Record<string, string | number>>;
}

/**
 * The safe value with its cause. It has no error code: with one, a client returns what its caller passed as default.
 */
export const safeAnswer = (row: FlagRow, askedType: FlagType, cause: Cause, epoch = 0): SafeAnswer => ({
  value: safeValueAs(row, askedType),
  variant: askedType === row.type ? String(row.safeValue) : undefined,
  reason: cause.kind === 'fault' ? 'ERROR' : 'TARGETING_MATCH',
  flagMetadata: causeMetadata(cause, epoch),
});
