import { type AlertKind, isAlertKind } from '../../flags/index.ts';
import { redactedStart } from '../../flags/secret-texts.ts';

/** One thing that people are told of. `test`: nothing has happened, somebody only tries whether it arrives. */
export interface Alert {
  /** The same for each attempt, also of another process: so receivers can drop doubles. */
  readonly id: string;
  readonly type: AlertKind | 'test';
  /** When it happened, by the store's clock. */
  readonly at: string;
  readonly data: AlertData;
}

/** What a receiver is told. Texts are bounded, and without secrets that are recognised as such. */
export interface AlertData {
  /** One short sentence for a person. */
  readonly text: string;
  readonly organization_id: string;
  /** The number of the change in the log; null: no change says so. */
  readonly epoch: number | null;
  readonly target: string | null;
  readonly mode: string | null;
  readonly by: string | null;
  readonly reason: string | null;
  /** What to type next. */
  readonly next: string;
  /** What else belongs to it: plain values. */
  readonly details: Readonly<Record<string, string | number | boolean | null>>;
}

/** The longest text of an alert, in characters. */
const LONGEST_TEXT = 500;

/** A text as an alert has it: short, and without secrets that are recognised as such. */
export const bounded = (text: string, longest = LONGEST_TEXT): string => {
  const start = redactedStart(text, longest + 1);
  return start.length > longest ? `${start.slice(0, longest - 1).toWellFormed()}…` : start;
};

/** Whether a target is told of it. */
export const isWanted = ({ type }: Pick<Alert, 'type'>, events: readonly AlertKind[]): boolean =>
  isAlertKind(type) && events.includes(type);
