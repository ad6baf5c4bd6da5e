import { z } from 'zod';
import { idProblem, invalid, LONGEST_TIMER_MS, quoteId } from '../../flags/index.ts';

// The arguments of callers, checked before the store is asked: a wrong value is the caller's own mistake. It must
// neither look like an outage of the store nor hold up the changes of others. Each option is read once.

/** Refuses options where there are none: they would be ignored silently. */
export function takesNone(what: string, given: readonly unknown[]): void {
  if (given[0] !== undefined) throw invalid(`${what} takes no options, and was given ${quoteId(given[0])}.`);
}

export function named(what: string, id: unknown): string {
  const problem = idProblem(id);
  if (problem === null) return String(id);
  throw invalid(`${what} ${problem}, and is ${quoteId(id)}.`);
}

export function names(what: string, given: unknown): readonly string[] | undefined {
  if (given === undefined) return undefined;
  if (!Array.isArray(given)) throw invalid(`${what} is a list of names, not ${quoteId(given)}.`);
  return given.map((name: unknown) => {
    const problem = idProblem(name);
    if (problem === null) return String(name);
    throw invalid(`${what} has ${quoteId(name)}, which is not the name of an executor: it ${problem}.`);
  });
}

export function checkName(what: string, name: unknown): void {
  if (typeof name !== 'string') throw invalid(`${quoteId(name)} is not the name of ${what}: it must be a text.`);
}

export function oneOf<T extends string>(
  what: string,
  value: T,
  is: (value: unknown) => boolean,
  all: readonly string[],
): T {
  if (!is(value)) throw invalid(`${quoteId(value)} is not ${what}: it must be one of ${all.join(', ')}.`);
  return value;
}

const rfc3339 = z.iso.datetime({ offset: true });

/**
 * Whether a text is a time that names one instant. JavaScript would make another day of one that there is not (30
 * February), and would read one without a zone by the clock of this machine.
 */
export const isTimeText = (text: string): boolean => rfc3339.safeParse(text).success;

/** @throws KillSwitchError INVALID_ARGUMENT */
export function isoTime(value: unknown): string {
  const isTime = value instanceof Date || (typeof value === 'string' && isTimeText(value));
  const date = isTime ? new Date(value) : null;
  if (date === null || Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999) {
    throw invalid(
      `${quoteId(value)} is not a time up to the year 9999: write it as RFC 3339 with its zone, for instance 2026-12-24T18:00:00Z.`,
    );
  }
  return date.toISOString();
}

export function wholeNumber(what: string, value: unknown, least: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least)
    throw invalid(`${what} is a whole number of at least ${least}, not ${quoteId(value)}.`);
  return value;
}

/** A duration in milliseconds. */
export function milliseconds(what: string, value: unknown): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= LONGEST_TIMER_MS))
    throw invalid(`${what} is a number of milliseconds from 0 to ${LONGEST_TIMER_MS}, not ${quoteId(value)}.`);
  return value;
}

export function checkBoolean(what: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'boolean')
    throw invalid(`${what} is true or false, not ${quoteId(value)}.`);
}

export function checkFunction(what: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function')
    throw invalid(`${what} is a function, not ${quoteId(value)}.`);
}

export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal !== undefined && typeof signal?.aborted !== 'boolean')
    throw invalid(`signal is an AbortSignal, not ${quoteId(signal)}.`);
}
