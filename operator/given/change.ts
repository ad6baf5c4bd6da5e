import { invalid, quoteId } from '../../flags/index.ts';
import type { Keys } from '../../flags/options.ts';
import type { Acknowledgements } from '../acknowledge.ts';
import type { ChangeAnswer } from '../answers.ts';
import type { CommandOf, CommandType } from '../commands/index.ts';
import { checkBoolean, checkFunction, checkSignal, wholeNumber } from './checks.ts';
import type { Matched } from '../matched.ts';
import { readReason } from '../reason.ts';
import type { Waiting } from '../stop-heard.ts';

/** Options of every change. */
export interface ChangeOptions {
  /**
   * At most 2000 characters; required where the change gives authority back. Where it takes authority away, any other
   * value is made into such a text.
   */
  readonly reason?: string | undefined;
  /**
   * The epoch that the operator had read when deciding; default: the epoch when this call began. What was restricted
   * since is not loosened.
   */
  readonly epoch?: number | undefined;
  /**
   * True: alone, in an emergency, without the other person, the steps and the drill that governance asks for. Only
   * where governance lets it be (`break_glass`), and loudly logged; default false.
   */
  readonly breakGlass?: boolean | undefined;
}

/** How a change that takes authority away is waited for. Any other change returns as soon as it is recorded. */
export interface WaitOptions<Told = ChangeAnswer> {
  /**
   * How long to wait for executors to stop and drain, in milliseconds. Default 0: the call returns with what is known
   * 300 ms after the append.
   */
  readonly waitMs?: number | undefined;
  /** Called once, as soon as the change is recorded, before any waiting. */
  readonly onRecorded?: ((recorded: Told) => void) | undefined;
  /** Called once, as soon as it is known what the change has hit. */
  readonly onMatched?: ((matched: Matched) => void) | undefined;
  /** Called while it waits, as executors obey. */
  readonly onProgress?: ((acknowledgements: Acknowledgements) => void) | undefined;
  /** Ends the waiting, not the change: the answer is then what is known, at the earliest 300 ms after the append. */
  readonly signal?: AbortSignal | undefined;
}

export const CHANGE_KEYS: Keys<ChangeOptions> = {
  reason: ['why', 'because'],
  epoch: true,
  breakGlass: ['alone', 'force', 'emergency'],
};

export const WAIT_KEYS: Keys<WaitOptions> = {
  waitMs: ['wait', 'timeout', 'timeoutMs'],
  onProgress: true,
  onRecorded: true,
  onMatched: true,
  signal: true,
};

export function change({ reason, epoch, breakGlass }: ChangeOptions) {
  checkBoolean('breakGlass', breakGlass);
  return {
    ...readReason(reason),
    epoch: epoch === undefined ? undefined : wholeNumber('epoch', epoch, 0),
    ...(breakGlass === true && { breakGlass }),
  };
}

/** How a stop is waited for, and who is told meanwhile. */
export type GivenWaiting<Told = ChangeAnswer> = Waiting & Pick<WaitOptions<Told>, 'onMatched' | 'onRecorded'>;

/** A change that may take authority away. */
export interface Given<T extends CommandType, Told = ChangeAnswer> {
  readonly command: CommandOf<T>;
  readonly waiting: GivenWaiting<Told>;
}

export function givenWaiting<Told>({
  waitMs = 0,
  onProgress,
  onRecorded,
  onMatched,
  signal,
}: WaitOptions<Told>): GivenWaiting<Told> {
  if (typeof waitMs !== 'number' || !(waitMs >= 0))
    throw invalid(`waitMs is a number of at least 0, in milliseconds, not ${quoteId(waitMs)}.`);
  for (const [what, callback] of Object.entries({ onProgress, onRecorded, onMatched })) checkFunction(what, callback);
  checkSignal(signal);
  return { waitMs, onProgress, onRecorded, onMatched, signal };
}
