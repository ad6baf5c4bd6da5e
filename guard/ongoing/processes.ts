import type { EventEmitter } from 'node:events';
import type { Hold } from './part.ts';

/** A process or a thread that was started and not waited for: its steps cannot be looked at, but it can be counted, and ended. */
const hold =
  <T extends EventEmitter>(end: (started: T) => void): Hold<T> =>
  (started, open) => {
    const part = open(() => end(started));
    started.once('exit', () => part.end());
    started.once('error', () => part.end()); // it never began
    return started;
  };

export const holdChildProcess = hold<EventEmitter & { kill(): boolean }>((child) => void child.kill());

export const holdWorker = hold<EventEmitter & { terminate(): Promise<number> }>((worker) => void worker.terminate());
