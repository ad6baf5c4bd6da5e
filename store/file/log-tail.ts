import type { FileHandle } from 'node:fs/promises';
import { isKillSwitchError, KillSwitchError, type LogEvent } from '../../flags/index.ts';
import { fileError } from './file-errors.ts';
import { BEFORE_FIRST, type ChainEnd, LogChain } from './log-chain.ts';
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
  readonly end: ChainEnd;
}

/** Reads a log file as it grows. One call at a time: the caller sees to that. */
export class LogTail {
  readonly path: string;
  readonly #sink: LogSink;
  #position: Position | null = null;

  constructor(path: string, sink: LogSink) {
    this.path = path;
    this.#sink = sink;
  }

  /**
   * Reads what was appended: `'further'`; or, when asked to or when this is not the file that was read before, everything from its first line: `'anew'`.
   * After an error the next call reads everything.
   * @throws KillSwitchError CORRUPT, STORE_UNREACHABLE, and what the sink throws
   */
  async advance(everything = false): Promise<'further' | 'anew'> {
    const before = everything ? null : this.#position;
    this.#position = null;
    let file: FileHandle | null = null;
    try {
      file = await openFile(this.path);
      if (file && before && (await this.#further(file, before))) return 'further';
      this.#sink.begin();
      if (file) await this.#anew(file);
      return 'anew';
    } catch (error) {
      this.#position = null;
      throw isKillSwitchError(error) && error.code === 'CORRUPT'
        ? damaged(this.path, error)
        : fileError(error, 'read', this.path);
    } finally {
      await file?.close();
    }
  }

  /** False when it is another file, or has lines that only the whole of it can explain. */
  async #further(file: FileHandle, before: Position): Promise<boolean> {
    const { ino, dev, size, mtimeNs } = await file.stat({ bigint: true });
    if (ino !== before.ino || dev !== before.dev) return false;
    if (size === before.size && mtimeNs !== before.mtimeNs) return false;
    const chain = new LogChain(before.end);
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
        position = after(lines, { ino, dev, size, mtimeNs }, chain.end) ?? position;
      }
      chain.finish();
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
    const chain = new LogChain(BEFORE_FIRST);
    let position: Position | null = null;
    for await (const lines of readLines(file, 0)) {
      for (const { bytes } of lines) {
        const event = chain.take(bytes);
        if (event) this.#sink.take(event, bytes.length);
      }
      position = after(lines, { ino, dev, size, mtimeNs }, chain.end) ?? position;
    }
    chain.finish();
    this.#position = position;
  }
}

/** Where reading stands after these lines. An empty one would tell nothing apart. */
function after(
  lines: readonly Line[],
  file: Pick<Position, 'ino' | 'dev' | 'size' | 'mtimeNs'>,
  end: ChainEnd,
): Position | null {
  const last = lines.findLast(({ bytes }) => bytes.length > 0);
  return last ? { ...file, start: last.start, line: Buffer.from(last.bytes), end } : null;
}

/** What people are told about a log that cannot be trusted. */
export const damaged = (path: string, error: KillSwitchError): KillSwitchError =>
  new KillSwitchError(
    'CORRUPT',
    `${path} is damaged. ${error.message} Keep a copy of it, put a good one in its place (or cut it off before the first bad line), then run: kill-switch recover --reason "…"`,
    { cause: error },
  );
