import {
  type AskedApproval,
  askedApprovalSchema,
  invalid,
  isKeptApproval,
  keptApprovalSchema,
  messageOf,
} from '../flags/index.ts';
import type { ClaimAnswer, ClaimAsked, ReportedApproval } from './capabilities/approvals.ts';

/** The longest request that is kept, in characters: a longer one is refused, and none is read. */
export const LONGEST_REQUEST = 262_144;

/**
 * The text of a request, without the time that the driver adds.
 * @throws KillSwitchError INVALID_ARGUMENT for what nobody could read
 */
export function requestText(asked: AskedApproval): string {
  const parsed = askedApprovalSchema.safeParse(asked);
  const text = parsed.success ? JSON.stringify(parsed.data) : '';
  if (!parsed.success) throw invalid(`This cannot be asked for: ${messageOf(parsed.error)}`);
  if (text.length <= LONGEST_REQUEST) return text;
  throw invalid(`A request has at most ${LONGEST_REQUEST} characters, not ${text.length}.`);
}

/** The same with the time at which it was asked. Redis does this in Lua, by its own clock. */
export const atTime = (text: string, ms: number): string => `${text.slice(0, -1)},"at_ms":${Math.floor(ms)}}`;

/** Whether two kept requests are the same one, asked twice. */
export const isSameRequest = (kept: string, asked: string): boolean =>
  kept.startsWith(`${asked.slice(0, -1)},"at_ms":`);

/** The time in the text of a request. */
export const timeIn = (kept: string): number => Number(/,"at_ms":(\d+)\}$/.exec(kept)?.[1] ?? Number.NaN);

/** A request that was found under this id, whatever it holds. */
export function readRequest(
  id: string,
  text: string,
  { writer, end }: Pick<ReportedApproval, 'writer' | 'end'>,
): ReportedApproval {
  const unreadable = (problem: string): ReportedApproval => ({ id, request: null, writer, end, problem });
  try {
    const value: unknown = JSON.parse(text);
    if (!isKeptApproval(value)) {
      const { error } = keptApprovalSchema.safeParse(value);
      return unreadable(`it cannot be read${error ? `: ${messageOf(error).slice(0, 200)}` : ''}`);
    }
    return value.id === id
      ? { id, request: value, writer, end, problem: null }
      : unreadable('it is kept under another id');
  } catch {
    return unreadable('it cannot be read');
  }
}

/** A claim as it is kept, but for when it came. */
export const claimText = (
  { use }: Pick<ClaimAsked, 'use'>,
  by: { readonly name: string; readonly id: string },
): string => JSON.stringify({ is: 'used', use, by: by.name, executor: by.id });

/** Ends a request without using it. */
export const endText = (as: 'cancelled' | 'expired', by: string): string => JSON.stringify({ is: as, by });

/** How something has ended, by the text that was claimed first. One that cannot be read was used by somebody. */
export function endIn(text: string): 'used' | 'cancelled' | 'expired' {
  const is = /^\{"is":"(cancelled|expired)"/.exec(text)?.[1];
  return is === 'cancelled' || is === 'expired' ? is : 'used';
}

/** Whether a kept claim is this one. */
const isThisClaim = (kept: string, claim: string): boolean => kept.startsWith(claim.slice(0, -1));

/** The ids under which something can be claimed, in the order in which they are taken. */
export const claimId = ({ id, times }: Pick<ClaimAsked, 'id' | 'times'>, use: number): string =>
  times === null ? id : `${id}.${use}`;

/** The answer for a claim by what has the place. */
export const answerOf = (kept: string, claim: string, use: number): ClaimAnswer =>
  isThisClaim(kept, claim) ? { is: 'claimed', use } : { is: 'ended', as: endIn(kept) };
