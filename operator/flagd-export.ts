import { readFile } from 'node:fs/promises';
import { compileFlagd, type FaultCode, invalid, MODE_FLAG, messageOf, State } from '../flags/index.ts';
import type { Replica } from '../store/replica.ts';
import { within } from '../store/with-deadline.ts';
import { validUntilFor } from './dead-man.ts';
import { replaceFile } from './replace-file.ts';

/** The live copy of a switch, as the export sees it. */
export interface ExportSource {
  /** The folded state; null where it must not be acted on, which is exported as `full_stop`. */
  state(): State | null;
  /** The wall time in milliseconds at which the last confirmation was sent, less the age it had through a hop; null without one. */
  confirmedAt(): number | null;
  /** Calls the listener after each change of state or standing; the returned function ends it. */
  onChange(listener: () => void): () => void;
  /** Confirms anew before each reissue, within `timeoutMs`; without it the export takes the confirmations as they come. */
  confirm?(timeoutMs: number): Promise<unknown>;
}

export type FlagdExportEvent =
  | { readonly type: 'written'; readonly epoch: number; readonly validUntil: number }
  /** Everything in the file has its safe value from now on. */
  | { readonly type: 'stopped'; readonly message: string }
  /** The file could not be written, and clients will stop at its end; the next reissue tries again. */
  | { readonly type: 'trouble'; readonly message: string };

export interface FlagdExportOptions {
  readonly source: ExportSource;
  /** What flagd watches; its name ends in `.json`. */
  readonly file: string;
  readonly organizationId?: string | undefined;
  /** How often the file is written anew, in milliseconds, beside each change. At least 50. */
  readonly reissueMs: number;
  /** For how long after a confirmation clients may go on, in milliseconds: at least `deadManBound` of the times at hand, else they stop without cause. */
  readonly validMs: number;
  readonly onEvent?: ((event: FlagdExportEvent) => void) | undefined;
  /** The wall clock, in milliseconds. */
  readonly now?: (() => number) | undefined;
}

export interface FlagdExport {
  /** The second until which the file as it was written last is valid; null while it still is what was found at the start. */
  readonly validUntil: number | null;
  /** Ends it and waits for a write that is under way, for at most a second. The file stays as it is, and ends by itself. */
  close(): Promise<void>;
}

const CLOSE_MS = 1000;
/** After this long a write that has not ended is told of. */
const WRITE_MS = 1000;

/**
 * Keeps a file current for flagd, with the dead man in it: each text is valid for `validMs` from when the source's last confirmation was
 * *sent*, so when this process dies, or is alive but cut off from its store, every client stops by itself. A source that must not be
 * acted on is exported as `full_stop` at once. Until the first confirmation a file that ends by itself is left alone; any other, or none, becomes `full_stop`.
 *
 * @throws KillSwitchError INVALID_ARGUMENT for wrong options, or when the file cannot be written at the start
 */
export async function startFlagdExport(options: FlagdExportOptions): Promise<FlagdExport> {
  const { file, reissueMs, validMs } = options;
  if (!file.endsWith('.json')) throw invalid(`flagd tells the format from the name: ${file} must end in .json.`);
  if (!(reissueMs >= 50)) throw invalid(`reissueMs must be at least 50 milliseconds, not ${reissueMs}.`);
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

class Exporter implements FlagdExport {
  readonly #options: FlagdExportOptions;
  /** The last time at which a confirmation was sent: it stays when the source has none any more, so that nothing is renewed. */
  #sent: number | null = null;
  /** The last state seen, whose flags keep their names with safe values when it must not be acted on. */
  #state = new State();
  #written = '';
  #validUntil: number | null = null;
  #writing: Promise<void> | null = null;
  #again = false;
  #timer: NodeJS.Timeout | undefined;
  #stopListening: (() => void) | null = null;
  #closed = false;

  constructor(options: FlagdExportOptions) {
    this.#options = options;
  }

  get validUntil(): number | null {
    return this.#validUntil;
  }

  /** Whatever is served before anything is confirmed must end by itself. */
  async prepare(): Promise<void> {
    const { file, validMs, now = Date.now } = this.#options;
    const end = deadManOf(await readIfPresent(file));
    if (end === null || end * 1000 > now() + validMs) await replaceFile(file, this.#stopped());
  }

  start(): void {
    this.#stopListening = this.#options.source.onChange(() => this.#write());
    this.#write();
    void this.#reissue();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#stopListening?.();
    if (!this.#writing) return;
    try {
      await within(this.#writing, CLOSE_MS, () => new Error('late'));
    } catch {
      // A write that hangs lands or not: its text ends by itself like every other.
    }
  }

  async #reissue(): Promise<void> {
    const { source, reissueMs } = this.#options;
    this.#timer = setTimeout(() => void this.#reissue(), reissueMs);
    try {
      if (source.confirm) await within(source.confirm(reissueMs), reissueMs, () => new Error('late'));
    } catch {
      // Not confirmed: the write below renews nothing.
    }
    this.#write();
  }

  /** One write at a time, and once more at once for what changed meanwhile; one that hangs renews nothing. */
  #write(): void {
    if (this.#closed) return;
    if (this.#writing) {
      this.#again = true;
      return;
    }
    this.#again = false;
    const { file } = this.#options;
    const slow = setTimeout(() => this.#trouble(`${file} is still not written after ${WRITE_MS} ms.`), WRITE_MS);
    this.#writing = this.#writeOnce()
      .catch((error: unknown) => this.#trouble(`${file} could not be written: ${messageOf(error)}`))
      .then(() => {
        clearTimeout(slow);
        this.#writing = null;
        if (this.#again) this.#write();
      });
  }

  #trouble(message: string): void {
    this.#tell({ type: 'trouble', message });
  }

  async #writeOnce(): Promise<void> {
    const { source, file, organizationId, validMs } = this.#options;
    const state = source.state();
    this.#sent = source.confirmedAt() ?? this.#sent;
    if (this.#sent === null) return; // nothing is known yet
    if (state) this.#state = state;
    const validUntil = state ? validUntilFor({ sentWallMs: this.#sent, validMs }) : 0;
    const version = `${state?.hash} ${state?.epoch} ${validUntil}`;
    if (version === this.#written) return;
    await replaceFile(
      file,
      state ? JSON.stringify(compileFlagd(state, { organizationId, validUntil })) : this.#stopped(),
    );
    this.#written = version;
    this.#validUntil = validUntil;
    this.#tell(
      state
        ? { type: 'written', epoch: state.epoch, validUntil }
        : { type: 'stopped', message: 'the switch must not be acted on: everyone is stopped' },
    );
  }

  #stopped(): string {
    return JSON.stringify(compileFlagd(this.#state, { organizationId: this.#options.organizationId, validUntil: 0 }));
  }

  #tell(event: FlagdExportEvent): void {
    try {
      this.#options.onEvent?.(event);
    } catch {
      // A listener that throws must not end the renewal.
    }
  }
}

async function readIfPresent(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** The second at which a definition that `compileFlagd` made ends; null for one that does not end by itself. */
function deadManOf(text: string): number | null {
  try {
    const { flags } = JSON.parse(text);
    const [condition, variant] = flags[MODE_FLAG].targeting.if;
    const [time, end] = condition.or[0]['>='];
    const isDeadMan = time.var === '$flagd.timestamp' && Number.isFinite(end) && variant === 'full_stop';
    return isDeadMan && flags[MODE_FLAG].variants.full_stop === 'full_stop' ? end : null;
  } catch {
    return null; // whatever else it is, it does not end by itself
  }
}

/** These say that the store cannot be reached, not that it is wrong: the file that is there runs out by itself. */
const CUT_OFF: ReadonlySet<FaultCode> = new Set([
  'NOT_READY',
  'STALE',
  'STORE_UNREACHABLE',
  'STORE_READ_ONLY',
  'CLOSED',
]);

/** A replica as the source of an export. */
export const replicaSource = (replica: Replica): ExportSource => ({
  state() {
    const fault = replica.fault();
    return fault === null || CUT_OFF.has(fault.code) ? replica.state : null;
  },
  confirmedAt: () => replica.confirmedAt(),
  onChange: (listener) => replica.on(listener),
  confirm: (timeoutMs) => replica.permit(timeoutMs),
});
