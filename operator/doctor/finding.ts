import type { Inspection } from '../../store/capabilities/inspection.ts';
import type { State } from '../../flags/index.ts';
import type { ForksAnswer, Status } from '../answers.ts';
import type { FlagdValidation } from '../flagd-validate.ts';
import type { HeldStopRow } from '../held-stops.ts';
import type { Heard } from '../hearing.ts';
import type { Finding } from './answer.ts';

/** A finding before its check is named. */
export type Found = Omit<Finding, 'check'>;

/** What could be read, or why it could not. */
export type Read<T> = { readonly value: T } | { readonly problem: string };

/** The switch as its store has it. */
export interface ReadSwitch {
  readonly state: State;
  /** The store's clock, RFC 3339 UTC, and this machine's right before and after it was asked, in milliseconds. */
  readonly time: string;
  readonly askedAt: number;
  readonly answeredAt: number;
  /** Whether the store has a clock of its own. */
  readonly ownClock: boolean;
}

/** All that the checks judge. */
export interface Examined {
  readonly switch: Read<ReadSwitch>;
  readonly heard: Read<Heard>;
  readonly forks: Read<ForksAnswer>;
  readonly stops: Read<readonly HeldStopRow[]>;
  readonly operating: Read<Status['operating']>;
  readonly store: Read<Inspection>;
  /** Up to which epoch the log is archived and still there; null where nothing is left of what is archived. */
  readonly undropped: Read<number | null>;
  /** Definitions of flagd that were given. */
  readonly flagd: ReadonlyArray<{ readonly file: string; readonly validation: FlagdValidation }>;
}

/** One check: judges, and does nothing else. Without a finding all is well. */
export interface Check {
  readonly name: string;
  /** What is well where nothing is found. */
  readonly well: string;
  readonly judge: (examined: Examined) => readonly Found[];
}

export const unsafe = (says: string, mend: string): Found => ({ level: 'unsafe', says, mend });
export const warning = (says: string, mend: string): Found => ({ level: 'warning', says, mend });
export const unknown = (says: string, mend: string): Found => ({ level: 'unknown', says, mend });

/** Judges what could be read; what could not is unknown. */
export const judging = <T>(read: Read<T>, judge: (value: T) => readonly Found[]): readonly Found[] =>
  'value' in read
    ? judge(read.value)
    : [unknown(`It could not be read: ${read.problem}`, 'Mend what the check "store" says, and ask again.')];

/** Names in a sentence, at most ten of them. */
export function named(names: readonly string[]): string {
  const left = names.length - 10;
  return `${names.slice(0, 10).join(', ')}${left > 0 ? ` and ${left} more` : ''}`;
}
