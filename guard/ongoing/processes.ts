import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Worker } from 'node:worker_threads';
import { type Hold, makeRoom, silence } from './part.ts';
import { type HoldTogether, holdTogether } from './together.ts';

/** Counts a process or a thread that was started and not awaited. Its steps cannot be checked, but it can be ended. */
function count(started: ChildProcess | Worker, how: HoldTogether): void {
  const part = holdTogether(started, how);
  if (!part) return;
  part.begin();
  makeRoom(started);
  started.once('exit', () => part.drop());
}

export const holdChildProcess: Hold<ChildProcess> = (child, open, action) => {
  const { pid, exitCode, signalCode } = child;
  if (pid === undefined || exitCode !== null || signalCode !== null) return child; // it was never started, or has ended
  const stop = (reason: Error): void => {
    silence(child); // a process that may not be killed emits `error`, and stays in flight
    for (const said of [child.stdout, child.stderr]) failAtEnd(said, reason);
    child.kill();
  };
  count(child, { open, stop, action });
  return child;
};

/** The threadId of a thread that has ended. */
const ENDED = -1;

export const holdWorker: Hold<Worker> = (worker, open, action) => {
  const stop = (reason: Error): void => {
    for (const said of [worker.stdout, worker.stderr]) failAtEnd(said, reason);
    void worker.terminate();
  };
  if (worker.threadId !== ENDED) count(worker, { open, stop, action });
  return worker;
};

/** Its last output is still read; then the stream fails instead of ending as if it were complete. */
function failAtEnd(said: Readable | null, reason: Error): void {
  if (!said) return;
  const { push } = said;
  said.push = (piece: unknown, encoding) => {
    if (piece !== null) return push.call(said, piece, encoding);
    silence(said);
    said.destroy(reason);
    return false;
  };
}
