import {
  DRILL_KINDS,
  DRILL_WINDOW_MS,
  type DrillKind,
  idProblem,
  invalid,
  parseTarget,
  quoteId,
} from '../../flags/index.ts';
import { checkKeys, type Keys } from '../../flags/options.ts';
import type { CommandOf } from '../commands/index.ts';
import { drillTarget, NOBODY } from '../drill/kinds.ts';
import { readDrillTimes } from '../drill/times.ts';
import { checkFunction, checkSignal, named, oneOf } from './checks.ts';

/** What is exercised. */
export interface DrillScopeOptions {
  /** Default `stop`. */
  readonly kind?: DrillKind | undefined;
  /** What is stopped; default: everything (`stop`), or what the drill does itself. */
  readonly target?: string | undefined;
  /** How long executors have to obey, in milliseconds, 100 to 600,000; default 5000. */
  readonly windowMs?: number | undefined;
  /** With `exfiltration`: whom it tries to send something to; default: an address that nobody can have. */
  readonly recipient?: string | undefined;
}

/** How a drill is run. */
export interface DrillOptions extends DrillScopeOptions {
  /** Called with what is done, as it begins. */
  readonly onProgress?: ((line: string) => void) | undefined;
  /** Ends the drill: what it has stopped by then stays stopped. */
  readonly signal?: AbortSignal | undefined;
}

/** A drill that comes back. Setting a schedule of the same name replaces it. */
export interface DrillScheduleOptions extends DrillScopeOptions {
  readonly name: string;
  /** Days, a time of day and a time zone: `Mon 10:00 Europe/Berlin`. */
  readonly at: string;
}

const SCOPE_KEYS: Keys<DrillScopeOptions> = {
  kind: true,
  target: true,
  windowMs: ['window', 'window_ms'],
  recipient: ['to'],
};

/** What is exercised, read. */
export interface GivenScope {
  readonly kind: DrillKind;
  /** Null: what its kind stops. */
  readonly target: string | null;
  readonly windowMs: number;
  readonly recipient: string | null;
}

const isKind = (value: unknown): value is DrillKind => (DRILL_KINDS as readonly unknown[]).includes(value);

function scopeOf({
  kind = 'stop',
  target,
  windowMs = DRILL_WINDOW_MS.byDefault,
  recipient,
}: DrillScopeOptions): GivenScope {
  oneOf('a kind of drill', kind, isKind, DRILL_KINDS);
  if (target !== undefined) {
    parseTarget(target);
    drillTarget(kind, target, '');
  }
  const { least, most } = DRILL_WINDOW_MS;
  if (!Number.isSafeInteger(windowMs) || windowMs < least || windowMs > most)
    throw invalid(`windowMs is a whole number of milliseconds from ${least} to ${most}, not ${quoteId(windowMs)}.`);
  if (
    recipient !== undefined &&
    (kind !== 'exfiltration' || typeof recipient !== 'string' || !/^.{1,200}$/su.test(recipient))
  )
    throw invalid(
      `recipient is for drills of the kind exfiltration, and a text of at most 200 characters, not ${quoteId(recipient)}.`,
    );
  return {
    ...{ kind, target: target ?? null, windowMs },
    recipient: kind === 'exfiltration' ? (recipient ?? NOBODY) : null,
  };
}

/** @throws KillSwitchError INVALID_ARGUMENT */
export const givenDrillScope = (what: string, options: DrillScopeOptions): GivenScope =>
  scopeOf(checkKeys(what, options, SCOPE_KEYS));

/** How a drill is run, read. */
interface GivenDrill extends GivenScope {
  readonly onProgress: (line: string) => void;
  readonly signal: AbortSignal;
}

/** @throws KillSwitchError INVALID_ARGUMENT */
export function givenDrill(options: DrillOptions): GivenDrill {
  const given = checkKeys('drill', options, {
    ...SCOPE_KEYS,
    onProgress: true,
    signal: true,
  } satisfies Keys<DrillOptions>);
  const { onProgress = () => {}, signal } = given;
  checkFunction('onProgress', onProgress);
  checkSignal(signal);
  return { ...scopeOf(given), onProgress, signal: signal ?? new AbortController().signal };
}

/** @throws KillSwitchError INVALID_ARGUMENT */
export function givenDrillSchedule(options: DrillScheduleOptions): CommandOf<'drill_schedule'> {
  const keys: Keys<DrillScheduleOptions> = { ...SCOPE_KEYS, name: true, at: ['when', 'times', 'window'] };
  const given = checkKeys('scheduleDrill', options, keys);
  const name = scheduleName(given.name);
  const { kind, target, windowMs, recipient } = scopeOf(given);
  const { words, periodMs } = readDrillTimes(given.at);
  const schedule = { name, kind, target, window_ms: windowMs, recipient, words, period_ms: periodMs };
  return { type: 'drill_schedule', name, schedule };
}

/** @throws KillSwitchError INVALID_ARGUMENT */
export function scheduleName(name: unknown): string {
  const problem = idProblem(name);
  if (problem !== null) throw invalid(`The name of a schedule ${problem}.`);
  return String(name);
}

/** @throws KillSwitchError INVALID_ARGUMENT */
export const givenDrillId = (id: unknown): string => named('The id of a drill', id);
