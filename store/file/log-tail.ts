import type { FileHandle } from 'node:fs/promises';
import { isKillSwitchError, KillSwitchError, type LogEvent } from '../../flags/index.ts';
import { fileError } from './file-errors.ts';
import { LogChain } from './log-chain.ts';
import { type Line, openFile, readLines } from './read-lines.ts';

/** Takes the events of a log as they are read. */
export interface LogSink {
  /** Reading starts at the first line: what was taken before may be of another file. */
  begin(): void;
  /** `bytes`: how long its line is. */
  take(event: LogEvent, bytes: number): void;
}

/** Where reading stands, and the last line read: while those bytes are there, in the same file, so is all that was read before. */
interface Position {
  readonly ino: bigint;
  readonly dev: bigint;
  /** Both as they were before the lines were read: a file that changed without growing was not appended to. */
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly start: number;
  readonly line: Buffer;
  /** What has been read, and remembers its last lines: it is read on with it. */
  readonly chain: LogChain;
}

/** Reads a log file as it grows. One call at a time: the caller sees to that. */
export class LogTail {
  readonly path: string;
  readonly #sink: LogSink;
  readonly #reads: 'for writing' | 'for reading';
  #position: Position | null = null;

  /** Who reads for writing passes over torn lines at the end: what it appends comes after them. */
  constructor(path: string, sink: LogSink, reads: 'for writing' | 'for reading') {
    this.path = path;
    this.#sink = sink;
    this.#reads = reads;
  }

  /** True when the last lines are torn: nothing counts among them, and only what somebody appends will tell readers so. */
  get torn(): boolean {
    return this.#position?.chain.torn ?? false;
  }

  /** @throws KillSwitchError CORRUPT when the last lines are torn */
  checkWhole(): void {
    try {
      this.#position?.chain.finish();
    } catch (error) {
      throw explained(error, this.path);
    }
  }

  /**
   * Reads what was appended: `'further'`; or, when asked to or when this is not the file that was read before, everything from its first line: `'anew'`.
   * After an error the next call reads everything, except where the last lines were torn.
   * @throws KillSwitchError CORRUPT, STORE_UNREACHABLE, and what the sink throws
   */
  async advance(everything = false): Promise<'further' | 'anew'> {
    const before = everything ? null : this.#position;
    this.#position = null;
    const advance = await this.#read(before);
    if (this.#reads === 'for reading') this.checkWhole();
    return advance;
  }

  async #read(before: Position | null): Promise<'further' | 'anew'> {
    let file: FileHandle | null = null;
    try {
      file = await openFile(this.path);
      if (file && before && (await this.#further(file, before))) return 'further';
      this.#sink.begin();
      if (file) await this.#anew(file);
      return 'anew';
    } catch (error) {
      throw explained(error, this.path);
    } finally {
      await file?.close();
    }
  }

  /** False when it is another file, or has lines that only the whole of it can explain. */
  async #further(file: FileHandle, before: Position): Promise<boolean> {
    const { ino, dev, size, mtimeNs } = await file.stat({ bigint: true });
    if (ino !== before.ino || dev !== before.dev) return false;
    if (size === before.size && mtimeNs !== before.mtimeNs) return false;
    const { chain } = before;
    const events: Array<{ readonly event: LogEvent; readonly length: number }> = [];
    let position: Position | null = null;
    try {
      for await (const lines of readLines(file, before.start)) {
        for (const { start, bytes } of lines) {
          if (start > before.start) {
            const event = chain.take(bytes);
            if (event) events.push({ event, length: bytes.length });
          } else if (!bytes.equals(before.line)) return false;
        }
        position = after(lines, { ino, dev, size, mtimeNs }, chain) ?? position;
      }
      chain.finish('for writing');
    } catch (error) {
      if (isKillSwitchError(error) && error.code === 'CORRUPT') return false;
      throw error;
    }
    if (!position) return false;
    for (const { event, length } of events) this.#sink.take(event, length);
    this.#position = position;
    return true;
  }

  async #anew(file: FileHandle): Promise<void> {
    const { ino, dev, size, mtimeNs } = await file.stat({ bigint: true });
    const chain = new LogChain();
    let position: Position | null = null;
    for await (const lines of readLines(file, 0)) {
      for (const { bytes } of lines) {
        const event = chain.take(bytes);
        if (event) this.#sink.take(event, bytes.length);
      }
      position = after(lines, { ino, dev, size, mtimeNs }, chain) ?? position;
    }
    chain.finish('for writing');
    this.#position = position && { ...position, chain: chain.continued() };
  }
}

/** Where reading stands after these lines. An empty one would tell nothing apart. */
function after(
  lines: readonly Line[],
  file: Pick<Position, 'ino' | 'dev' | 'size' | 'mtimeNs'>,
  chain: LogChain,
): Position | null {
  const last = lines.findLast(({ bytes }) => bytes.length > 0);
  return last ? { ...file, start: last.start, line: Buffer.from(last.bytes), chain } : null;
}

/** What went wrong with reading the log, as it is told. */
export const explained = (error: unknown, path: string): KillSwitchError =>
  isKillSwitchError(error) && error.code === 'CORRUPT' ? damaged(path, error) : fileError(error, 'read', path);

/** What people are told about a log that cannot be trusted. */
const damaged = (path: string, error: KillSwitchError): KillSwitchError =>
  new KillSwitchError(
    'CORRUPT',
    `${path} is damaged. ${error.message} Keep a copy of it, put a good one in its place (or cut it off before the first bad line), then run: kill-switch recover --reason "…"`,
    { cause: error },
  );
