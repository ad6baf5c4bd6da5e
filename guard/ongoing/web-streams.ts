import type { ReadableWritablePair } from 'node:stream/web';
import { type Hold, type Part, passed } from './part.ts';

/** A stream that is read: each piece is looked at before it is asked for, and none is asked for in advance. */
export const holdReadableStream: Hold<ReadableStream<unknown>> = (source, open) => {
  const reader = source.getReader();
  let controller: ReadableStreamDefaultController<unknown> | undefined;
  const part: Part = open((reason) => {
    fail(() => controller?.error(reason));
    end(reader.cancel(reason), part).catch(() => {});
  });
  part.rest();
  return new ReadableStream<unknown>(
    {
      start(own) {
        controller = own;
      },
      async pull(own) {
        let taken = false; // else it was refused, and ends by being stopped
        try {
          const { done, value } = await passed(part, () => {
            taken = true;
            return reader.read();
          });
          if (!done) return own.enqueue(value);
          own.close();
          part.end();
        } catch (error) {
          if (taken) part.end();
          throw error;
        } finally {
          part.rest();
        }
      },
      cancel: (reason) => end(reader.cancel(reason), part),
    },
    { highWaterMark: 0 },
  );
};

/** A stream that is written: each piece is looked at before it is handed on. */
export const holdWritableStream: Hold<WritableStream<unknown>> = (source, open) => {
  const writer = source.getWriter();
  let controller: WritableStreamDefaultController | undefined;
  const part: Part = open((reason) => {
    fail(() => controller?.error(reason));
    end(writer.abort(reason), part).catch(() => {});
  });
  part.rest();
  return new WritableStream<unknown>({
    start(own) {
      controller = own;
    },
    write: (piece) => passed(part, () => writer.write(piece)).finally(() => part.rest()),
    close: () => end(writer.close(), part),
    abort: (reason) => end(writer.abort(reason), part),
  });
};

/** Both sides of a transformation: what `pipeThrough` takes. */
export const holdTransformStream: Hold<ReadableWritablePair<unknown, unknown>> = (
  { readable, writable },
  open,
  action,
) => ({
  readable: holdReadableStream(readable, open, action),
  writable: holdWritableStream(writable, open, action),
});

async function end(work: Promise<void>, part: Part): Promise<void> {
  try {
    await work;
  } finally {
    part.end();
  }
}

/** A stream that has ended already takes no error. */
function fail(work: () => void): void {
  try {
    work();
  } catch {
    // It has ended, and that was what was wanted.
  }
}
