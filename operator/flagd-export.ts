import { notify } from '../flags/callbacks.ts';
import { type Clock, compileFlagd, type Instant, invalid, LONGEST_TIMER_MS, messageOf, State } from '../flags/index.ts';
import { Rounds } from '../store/rounds.ts';
import { systemClock } from '../store/system-clock.ts';
import { within } from '../store/with-deadline.ts';
import { validUntilFor } from './dead-man.ts';
import type { ExportSource } from './export-source.ts';
import { deadManOf, judgeFound } from './found-export.ts';
import { KeptFile } from './kept-file.ts';

export type FlagdExportEvent =
  | { readonly type: 'written'; readonly epoch: number; readonly validUntil: number }
  /** The file was written with safe values only. */
  | { readonly type: 'stopped'; readonly message: string }
  /** The file could not be written, and clients will stop at its end; the next reissue tries again. */
  | { readonly type: 'trouble'; readonly message: string };

export interface FlagdExportOptions {
  readonly source: ExportSource;
  /** The file that flagd watches; its name ends in `.json`. */
  readonly file: string;
  readonly organizationId?: string | undefined;
  /** How often the file is written again without a change, in milliseconds. At least 50, at most 2147483647. */
  readonly reissueMs: number;
  /**
   * How long clients may go on after a confirmation, in milliseconds. At least `deadManBound` of the times in use, else
   * they stop without cause.
   */
  readonly validMs: number;
  readonly onEvent?: ((event: FlagdExportEvent) => void) | undefined;
  readonly clock?: Clock | undefined;
}

export interface FlagdExport {
  /** The second until which the file is valid, as it was written last; null while this export has not written it. */
  readonly validUntil: number | null;
  /**
   * True when the file says what the source says now, or stops everyone: only then is every kill that the source knows
   * in the file. False also while the file is somebody else's.
   */
  readonly isWritten: boolean;
  /** Why the file is not being written; null where it is. */
  readonly trouble: string | null;
  /** Ends the export; waits at most a second for a write that is under way. The file stays, and ends by itself. */
  close(): Promise<void>;
}

const CLOSE_MS = 1000;
/** After this long a write that has not ended is reported as trouble. */
const WRITE_MS = 1000;

/**
 * Keeps a file current for flagd, with the dead man in it: each text is valid for `validMs` from when the source's last
 * confirmation was *sent*. So every client stops by itself when this process dies, or is cut off from its store. A
 * source whose state must not be used is exported as `full_stop` at once. Before the first confirmation, a file that
 * ends by itself is left alone; any other file, or none, is replaced by `full_stop`.
 *
 * @throws KillSwitchError INVALID_ARGUMENT for wrong options, or when the file cannot be written at the start
 */
export async function startFlagdExport(options: FlagdExportOptions): Promise<FlagdExport> {
  const { file, reissueMs, validMs } = options;
  if (!file.endsWith('.json')) throw invalid(`flagd takes a file's format from its name: ${file} must end in .json.`);
  if (!(reissueMs >= 50 && reissueMs <= LONGEST_TIMER_MS)) {
    throw invalid(`reissueMs must be at least 50 and at most ${LONGEST_TIMER_MS} milliseconds, not ${reissueMs}.`);
  }
  if (!(validMs >= reissueMs && Number.isFinite(validMs))) {
    throw invalid(
      `validMs must be a number of milliseconds, and not less than reissueMs (${reissueMs}), not ${validMs}.`,
    );
  }
  const exporter = new Exporter(options);
  try {
    await exporter.prepare();
  } catch (error) {
    throw invalid(`${file} cannot be written: ${messageOf(error)}`);
  }
  exporter.start();
  return exporter;
}

/** What this export has written last: a state, or a stop. */
type Written = { readonly is: 'state'; readonly hash: string } | { readonly is: 'stop' };

class Exporter implements FlagdExport {
  readonly #options: FlagdExportOptions;
  readonly #clock: Clock;
  readonly #file: KeptFile;
  /** The last confirmation. Kept when the source has none any more, so that nothing is renewed. */
  #sent: { readonly wall: number; readonly seen: Instant } | null = null;
  /** The last state seen. When it must not be used, its flags are exported with safe values. */
  #state = new State();
  #version = '';
  /** Null while the file is somebody else's, or not known. */
  #written: Written | null = null;
  #validUntil: number | null = null;
  #trouble: string | null = null;
  /** One write at a time, and one more for what changed meanwhile. A write that hangs renews nothing. */
  readonly #writes = new Rounds({ round: () => this.#write() });
  #timer: NodeJS.Timeout | undefined;
  #stopListening: (() => void) | null = null;

  constructor(options: FlagdExportOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#file = new KeptFile(options.file);
  }

  get validUntil(): number | null {
    return this.#validUntil;
  }

  get isWritten(): boolean {
    const written = this.#written;
    if (written === null) return false;
    return written.is === 'stop' || this.#options.source.state()?.hash === written.hash;
  }

  get trouble(): string | null {
    return this.#trouble;
  }

  /** Makes sure that a file which is served before the first confirmation ends by itself. */
  async prepare(): Promise<void> {
    const { source, validMs } = this.#options;
    for (;;) {
      const found = await this.#file.look();
      this.#state = source.state() ?? this.#state;
      if (found === null) return;
      const now = this.#clock().wall;
      if (this.#judge(found, now).is === 'kept') return; // reported with the first write
      const end = deadManOf(found);
      if (end !== null && end * 1000 <= now + validMs) return;
      if (await this.#file.replace(this.#stopped())) return;
    }
  }

  start(): void {
    this.#stopListening = this.#options.source.onChange(() => this.#writes.ask());
    this.#writes.ask();
    void this.#reissue();
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#stopListening?.();
    try {
      await within(this.#writes.close(), CLOSE_MS, () => new Error('late'));
    } catch {
      // Whether a hanging write lands does not matter: its text ends by itself.
    }
  }

  async #reissue(): Promise<void> {
    const { source, reissueMs } = this.#options;
    this.#timer = setTimeout(() => void this.#reissue(), reissueMs);
    try {
      await within(source.confirm(reissueMs), reissueMs, () => new Error('late'));
    } catch {
      // Not confirmed: the write below renews nothing.
    }
    this.#writes.ask();
  }

  async #write(): Promise<void> {
    const { file } = this.#options;
    const slow = setTimeout(() => this.#say(`${file} is still not written after ${WRITE_MS} ms.`), WRITE_MS);
    try {
      await this.#replace();
    } catch (error) {
      this.#say(`${file} could not be written: ${messageOf(error)}`);
    } finally {
      clearTimeout(slow);
    }
  }

  #say(message: string): void {
    this.#trouble = message;
    this.#notify({ type: 'trouble', message });
  }

  async #replace(): Promise<void> {
    const { source, organizationId, validMs } = this.#options;
    const found = await this.#file.look();
    // From here on nothing is awaited before the text is made: the state changes in place.
    const now = this.#clock();
    const state = source.state();
    if (state) this.#state = state;
    const sent = this.#lastSent(now);
    if (sent === null) return; // nothing is known yet
    if (found !== null && !this.#takes(found, now.wall)) return;
    const validUntil = state ? validUntilFor({ sentWallMs: sent, validMs }) : 0;
    const version = `${state?.hash} ${state?.epoch} ${validUntil}`;
    if (version === this.#version && found === null) {
      this.#trouble = null;
      return;
    }
    const written: Written = state ? { is: 'state', hash: state.hash } : { is: 'stop' };
    const epoch = state?.epoch;
    const text = state ? JSON.stringify(compileFlagd(state, { organizationId, validUntil })) : this.#stopped();
    if (!(await this.#file.replace(text))) {
      this.#writes.ask(); // somebody else has written the file since it was read
      return;
    }
    this.#version = version;
    this.#written = written;
    this.#validUntil = validUntil;
    this.#trouble = null;
    this.#notify(
      epoch === undefined
        ? { type: 'stopped', message: 'the state of the switch must not be used: everyone is stopped' }
        : { type: 'written', epoch, validUntil },
    );
  }

  /** Whether this export may replace the file that it found changed. Until it has, nothing counts as written. */
  #takes(found: string, now: number): boolean {
    const { file } = this.#options;
    const wasWritten = this.#written !== null;
    this.#written = null;
    const judged = this.#judge(found, now);
    if (judged.is === 'kept') this.#say(`${file} is not written: ${judged.why}.`);
    if (judged.is === 'replaceable' && wasWritten)
      this.#say(`${file} has been changed by somebody else. It is written again.`);
    return judged.is !== 'kept';
  }

  #judge(found: string, now: number) {
    return judgeFound(found, { organizationId: this.#options.organizationId, state: this.#state, now });
  }

  /**
   * The wall time at which the last confirmation was sent, by the wall clock as it is now. A clock that was set back
   * since must not prolong the file by that much. The earlier of both counts: a clock that was set forward ends the
   * file sooner.
   */
  #lastSent(now: Instant): number | null {
    const wall = this.#options.source.confirmedAt();
    if (wall !== null && wall !== this.#sent?.wall) this.#sent = { wall, seen: now };
    if (this.#sent === null) return null;
    const { wall: sent, seen } = this.#sent;
    const ageMs = Math.max(0, seen.wall - sent) + (now.mono - seen.mono);
    return Math.min(sent, now.wall - Math.floor(ageMs));
  }

  #stopped(): string {
    return JSON.stringify(compileFlagd(this.#state, { organizationId: this.#options.organizationId, validUntil: 0 }));
  }

  #notify(event: FlagdExportEvent): void {
    notify(this.#options.onEvent, event); // a listener that throws must not end the renewal
  }
}
