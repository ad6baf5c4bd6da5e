import { EventEmitter, once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/**
 * Something that several runs share, and that calls back each of them; the ways in which a callback comes to run as
 * somebody else.
 */
export interface Shared {
  readonly name: string;
  /** Hands in a callback, which is called a moment later. */
  use(callback: () => void): void;
  close(): void;
}

/** An old-style pool of one connection: whoever comes first opens it, and its replies call back everybody. */
async function callbackPool(): Promise<Shared> {
  const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const waiting: Array<() => void> = [];
  let connection: Socket | undefined;
  return {
    name: 'a callback pool',
    use(callback) {
      waiting.push(callback);
      connection ??= connect((server.address() as AddressInfo).port, '127.0.0.1').on('data', (replies) => {
        for (let reply = 0; reply < replies.length; reply += 1) waiting.shift()?.();
      });
      connection.write('?');
    },
    close() {
      connection?.destroy();
      server.close();
    },
  };
}

/** Whoever comes first has it flushed for all. */
function nextTickBatcher(): Shared {
  let batch: Array<() => void> = [];
  return {
    name: 'a nextTick batcher',
    use(callback) {
      if (batch.push(callback) > 1) return;
      process.nextTick(() => {
        const full = batch;
        batch = [];
        for (const each of full) each();
      });
    },
    close: () => {},
  };
}

/** A listener runs as whoever emits. */
function emitter(): Shared {
  const bus = new EventEmitter();
  return {
    name: 'an emitter',
    use(callback) {
      const isFirst = bus.listenerCount('done') === 0;
      bus.once('done', callback);
      if (isFirst) setImmediate(() => bus.emit('done'));
    },
    close: () => {},
  };
}

/** A timer that was set when the module was loaded works through what everybody has put there. */
export function timerOfTheModule(): Shared {
  const waiting: Array<() => void> = [];
  const timer = setInterval(() => {
    for (const callback of waiting.splice(0)) callback();
  }, 5);
  return {
    name: 'a timer of the module',
    use: (callback) => void waiting.push(callback),
    close: () => clearInterval(timer),
  };
}

export const sharedByRuns = async (): Promise<readonly Shared[]> => [
  await callbackPool(),
  nextTickBatcher(),
  emitter(),
];

/** As DataLoader does it: one call for all keys that were asked for in one turn, made as whoever asked first. */
export function loader<Key, Value>(loadAll: (keys: readonly Key[]) => Promise<readonly Value[]>) {
  let batch: Array<{ readonly key: Key; readonly settle: (value: Promise<Value>) => void }> = [];
  return (key: Key): Promise<Value> =>
    new Promise((settle) => {
      if (batch.push({ key, settle }) > 1) return;
      process.nextTick(() => {
        const full = batch;
        batch = [];
        const values = loadAll(full.map((each) => each.key));
        for (const [index, each] of full.entries()) each.settle(values.then((all) => all[index] as Value));
      });
    });
}
