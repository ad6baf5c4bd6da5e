import { openReadable, openWritable } from './web-insides.ts';
import { holdReads, holdWrites, type StepPart } from './web-steps.ts';

let trial: Promise<void> | undefined;
let proven = false;

/** Whether Node's web streams work here as this code expects. Else no web stream of the application is let through. */
export const isProven = (): boolean => proven;

/**
 * Node's internal state of web streams may change with any version. So once per process, streams of our own are tried:
 * whether the switch is checked before each step, and whether each end is seen.
 */
export function tryWebStreams(): Promise<void> {
  trial ??= Promise.all(TRIALS.map(isAsExpected)).then((all) => {
    proven = all.every(Boolean);
  });
  return trial;
}

interface Trial {
  readonly use: (part: StepPart, log: string[]) => Promise<void>;
  readonly expected: string;
}

/** More turns than any trial takes. A trial that never ends must not keep the application from starting. */
const TURNS = 50;

async function isAsExpected({ use, expected }: Trial): Promise<boolean> {
  const log: string[] = [];
  let hasWaited = false;
  const part: StepPart = {
    pass() {
      log.push('pass');
      if (hasWaited) return null;
      hasWaited = true;
      return { until: turn().then(() => void log.push('waited')), isFresh: false };
    },
    within: (step) => step(),
    begin: () => void log.push('begin'),
    rest: () => void log.push('rest'),
    end: () => void log.push('end'),
  };
  use(part, log).catch(() => {
    log.push('failed');
  });
  for (let turns = 0; turns < TURNS; turns += 1) await turn();
  return log.join(' ') === expected;
}

/** Lets everything that is queued already run. */
const turn = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

/** Reads a stream once, and cancels it. */
const read =
  (make: (log: string[]) => ReadableStream): Trial['use'] =>
  async (part, log) => {
    const stream = make(log);
    holdReads(stream, openReadable(stream, ''), part);
    const reader = stream.getReader();
    await reader.read();
    await turn();
    await reader.cancel();
  };

/** A source with `pull` and `cancel`. */
const sourceOf = <Piece>(log: string[], piece: Piece) => ({
  pull(controller: { enqueue: (piece: Piece) => void }) {
    log.push('pull');
    controller.enqueue(piece);
  },
  cancel: () => void log.push('cancel'),
});

const READ = 'pass waited pass begin pull rest begin cancel end rest';

const TRIALS: readonly Trial[] = [
  { use: read((log) => new ReadableStream(sourceOf(log, 1), { highWaterMark: 0 })), expected: READ },
  { use: read((log) => new ReadableStream({ type: 'bytes', ...sourceOf(log, new Uint8Array(1)) })), expected: READ },
  {
    use: read((log) =>
      ReadableStream.from({
        [Symbol.asyncIterator]: () => ({
          next: async () => ({ done: false, value: log.push('pull') }),
          return: async () => ({ done: true, value: log.push('cancel') }),
        }),
      }),
    ),
    expected: READ,
  },
  {
    use: read((log) => {
      const transform = (piece: unknown, controller: TransformStreamDefaultController): void => {
        log.push('pull');
        controller.enqueue(piece);
      };
      const { readable, writable } = new TransformStream({ transform });
      writable
        .getWriter()
        .write(1)
        .catch(() => {});
      return readable;
    }),
    expected: 'pass waited pass begin pull rest begin end rest',
  },
  {
    // A pull is under way when the stream is held.
    async use(part, log) {
      const stream = new ReadableStream({
        async pull(controller) {
          log.push('pull');
          await turn();
          controller.close();
        },
      });
      await turn();
      holdReads(stream, openReadable(stream, ''), part);
    },
    expected: 'pull begin rest',
  },
  {
    async use(part, log) {
      const stream = new WritableStream({ write: () => void log.push('write'), close: () => void log.push('close') });
      holdWrites(stream, openWritable(stream, ''), part);
      const writer = stream.getWriter();
      await writer.write(1);
      await turn();
      await writer.close();
    },
    expected: 'pass waited pass begin write rest pass begin close rest',
  },
  {
    // A piece is being written when the stream is held.
    async use(part, log) {
      const stream = new WritableStream({ write: () => turn(), abort: () => void log.push('abort') });
      const writer = stream.getWriter();
      const written = writer.write(1);
      await turn();
      holdWrites(stream, openWritable(stream, ''), part);
      await written;
      await turn();
      await writer.abort();
    },
    expected: 'begin rest begin abort end rest',
  },
];
