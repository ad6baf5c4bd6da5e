import { isJsonObject } from './json-object.ts';
import { quoteId } from './printable.ts';
import type { Scope } from './rule-attributes.ts';

/** What is wrong with the arguments of `fractional` in a base mode's rule; null when nothing is. */
export function fractionalProblem(given: unknown, scope: Scope): string | null {
  if (!Array.isArray(given)) return 'has "fractional" without a list of its arguments';
  const [by, ...rest]: readonly unknown[] = given;
  const shares = Array.isArray(by) ? given : rest;
  const wrong = shares.find((share) => !isShare(share));
  if (shares.length === 0 || wrong !== undefined)
    return `has "fractional" with ${quoteId(wrong)}, which is not a share such as ["live", 50]`;
  if (Array.isArray(by)) return scope.name('targetingKey', { kinds: ['text'] });
  if (typeof by === 'string') return null;
  if (isJsonObject(by) && 'cat' in by) return catProblem(by['cat'], scope);
  return isJsonObject(by) && 'var' in by ? nameProblem(by['var'], scope) : `has "fractional" by ${quoteId(by)}`;
}

/** A mode, and how much of the whole has it: a constant whole number. */
function isShare(share: unknown): boolean {
  if (!Array.isArray(share) || share.length === 0 || share.length > 2) return false;
  const [answer, weight = 1]: readonly unknown[] = share;
  return typeof answer === 'string' && Number.isInteger(weight) && Number(weight) >= 0;
}

const nameProblem = (given: unknown, scope: Scope): string | null =>
  scope.name(given, { kinds: ['text'], isThere: true });

/** flagd takes the white space off both ends of what it joins, flagd-core does not: so there must be none. */
function catProblem(parts: unknown, scope: Scope): string | null {
  if (!Array.isArray(parts)) return 'has "cat" without a list of texts';
  for (const part of parts) {
    const problem =
      typeof part === 'string'
        ? null
        : isJsonObject(part) && 'var' in part
          ? nameProblem(part['var'], scope)
          : `has "cat" of ${quoteId(part)}`;
    if (problem !== null) return problem;
  }
  const [start, end] = [parts[0], parts.at(-1)];
  return isSolid(start) && isSolid(end)
    ? null
    : 'has "cat" that does not begin and end with $flagd.flagKey or a constant text: flagd takes white space off its ends';
}

const isSolid = (part: unknown): boolean =>
  typeof part === 'string'
    ? part !== '' && part.trim() === part
    : isJsonObject(part) && part['var'] === '$flagd.flagKey';
