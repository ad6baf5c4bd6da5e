import { SAFE_MODE } from '../flags/index.ts';

/** How long each step from a confirmation to the clients takes at most, in milliseconds. */
export interface DeadManTimes {
  /** Between two writes of the file. */
  readonly reissueMs: number;
  /** From the moment a confirmation is sent until the file that rests on it is written. */
  readonly writeMs: number;
  /** Until flagd, or whatever distributes the file, has read it: flagd looks at a file every second. */
  readonly pollMs: number;
  /** How far the clocks of the exporter and of the clients may be apart. */
  readonly skewMs: number;
}

/**
 * The shortest validity, in milliseconds, with which clients never stop without cause. It includes one second because
 * flagd's targeting counts whole seconds. When the exporter dies or is cut off, clients stop within the chosen validity
 * plus the skew.
 */
export const deadManBound = ({ reissueMs, writeMs, pollMs, skewMs }: DeadManTimes): number =>
  reissueMs + writeMs + pollMs + skewMs + 1000;

/** What the end of a definition's validity is computed from, in milliseconds. */
export interface ValidityBasis {
  /**
   * The wall time at which the exporter's last confirmation was sent; not when it was answered, and not when the file
   * is written.
   */
  readonly sentWallMs: number;
  /** How old that confirmation's answer was when it came through a hop. Default 0. */
  readonly hopAgeMs?: number | undefined;
  readonly validMs: number;
}

/** The second, since 1970, from which a definition says `full_stop`. */
export const validUntilFor = ({ sentWallMs, hopAgeMs = 0, validMs }: ValidityBasis): number =>
  Math.floor((sentWallMs - hopAgeMs + validMs) / 1000);

type Json = Readonly<Record<string, unknown>>;

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null;

/**
 * The second from which a flag has its safe value, whatever else its rule says: its targeting must first test whether
 * that second has come, and then return the safe value. Null for a flag that does not end by itself.
 */
export function endOf(flag: unknown, safeValue: unknown = SAFE_MODE): number | null {
  if (!isJson(flag) || !isJson(flag['targeting']) || !isJson(flag['variants'])) return null;
  const clauses = flag['targeting']['if'];
  if (!Array.isArray(clauses) || clauses.length < 2) return null;
  const [condition, variant] = clauses as unknown[];
  const isSafe =
    typeof variant === 'string' && Object.hasOwn(flag['variants'], variant) && flag['variants'][variant] === safeValue;
  return isSafe ? secondOf(condition) : null;
}

/** The second from which a condition (a time test, or an `or` with one) holds for ever; null where there is none. */
function secondOf(condition: unknown): number | null {
  if (!isJson(condition) || Object.keys(condition).length !== 1) return null;
  const [operator, operands] = Object.entries(condition)[0] ?? [];
  if (!Array.isArray(operands)) return null;
  if (operator === 'or') {
    const seconds = operands.map(secondOf).filter((second) => second !== null);
    return seconds.length === 0 ? null : Math.min(...seconds);
  }
  if (operands.length !== 2) return null;
  const [left, right]: unknown[] = operands;
  const isLater = operator === '>=' || operator === '>';
  const isEarlier = operator === '<=' || operator === '<';
  if (isLater && isTime(left) && isFiniteNumber(right)) return right;
  if (isEarlier && isFiniteNumber(left) && isTime(right)) return left;
  return null;
}

const isFiniteNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

const isTime = (value: unknown): boolean => {
  if (!isJson(value)) return false;
  const name = Object.keys(value).length === 1 ? value['var'] : undefined;
  return name === '$flagd.timestamp' || (Array.isArray(name) && name.length === 1 && name[0] === '$flagd.timestamp');
};
