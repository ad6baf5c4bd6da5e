import type { ReadableWritablePair } from 'node:stream/web';
import { dropped, type Hold, type Part, passed } from './part.ts';

/** A stream that is read: each piece is looked at before it is asked for, and none is asked for in advance. */
export const holdReadableStream: Hold<ReadableStream<unknown>> = (source, open) => {
  const cancelAtOnce = isOfBytes(source);
  const reader = source.getReader();
  let own: WeakRef<ReadableStreamDefaultController<unknown>> | undefined;
  let underWay: Promise<unknown> | undefined;
  const part: Part = open((reason) => {
    fail(() => own?.deref()?.error(reason));
    // What is cancelled can no longer say when its step is over: so the step ends first, as that of a generator does.
    const before = cancelAtOnce ? undefined : underWay?.catch(() => {});
    void end(part, async () => {
      await before;
      await reader.cancel(reason);
    }).catch(() => {});
  });
  const held = new ReadableStream<unknown>(
    {
      start(controller) {
        own = new WeakRef(controller);
      },
      async pull(controller) {
        const { done, value } = await passed(part, () => {
          const reading = reader.read();
          underWay = reading;
          return reading;
        });
        if (!done) return controller.enqueue(value);
        part.end();
        controller.close();
      },
      cancel: (reason) => end(part, () => reader.cancel(reason)),
    },
    { highWaterMark: 0 },
  );
  dropped.register(held, part);
  return held;
};

/** A stream that is written: each piece is looked at before it is handed on, and so is its end, which may be what commits. */
export const holdWritableStream: Hold<WritableStream<unknown>> = (source, open) => {
  const writer = source.getWriter();
  let own: WeakRef<WritableStreamDefaultController> | undefined;
  const part: Part = open((reason) => {
    fail(() => own?.deref()?.error(reason));
    end(part, () => writer.abort(reason)).catch(() => {});
  });
  const held = new WritableStream<unknown>({
    start(controller) {
      own = new WeakRef(controller);
    },
    write: (piece) => passed(part, () => writer.write(piece)),
    close: () => passed(part, () => end(part, () => writer.close())),
    abort: (reason) => end(part, () => writer.abort(reason)),
  });
  dropped.register(held, part);
  return held;
};

/** Both sides of a transformation: what `pipeThrough` takes. */
export const holdTransformStream: Hold<ReadableWritablePair<unknown, unknown>> = ({ readable, writable }, ...how) => ({
  readable: holdReadableStream(readable, ...how),
  writable: holdWritableStream(writable, ...how),
});

/** Such as the body of an HTTP answer: to read it does nothing in the world, and its connection is to be closed at once, also while nothing comes. */
function isOfBytes(stream: ReadableStream<unknown>): boolean {
  try {
    stream.getReader({ mode: 'byob' }).releaseLock();
    return true;
  } catch {
    return false;
  }
}

async function end(part: Part, work: () => Promise<void>): Promise<void> {
  try {
    await work();
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
