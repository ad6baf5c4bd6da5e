import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Worker } from 'node:worker_threads';
import { type Hold, makeRoom, silence } from './part.ts';
import { type HoldTogether, holdTogether } from './together.ts';

/**
 * A process or a thread that was started and not waited for: its steps cannot be looked at, but it can be counted, and
 * ended.
 */
function count(started: ChildProcess | Worker, how: HoldTogether): void {
  const part = holdTogether(started, how);
  if (!part) return;
  part.begin();
  makeRoom(started);
  started.once('exit', () => part.drop());
}

export const holdChildProcess: Hold<ChildProcess> = (child, open, action) => {
  const { pid, exitCode, signalCode } = child;
  if (pid === undefined || exitCode !== null || signalCode !== null) return child; // it never began, or has ended
  const stop = (reason: Error): void => {
    silence(child); // one that may not be killed says so by an event: it stays in flight
    for (const said of [child.stdout, child.stderr]) failAtEnd(said, reason);
    child.kill();
  };
  count(child, { open, stop, action });
  return child;
};

/** The number that a thread has when it has ended. */
const ENDED = -1;

export const holdWorker: Hold<Worker> = (worker, open, action) => {
  const stop = (reason: Error): void => {
    for (const said of [worker.stdout, worker.stderr]) failAtEnd(said, reason);
    void worker.terminate();
  };
  if (worker.threadId !== ENDED) count(worker, { open, stop, action });
  return worker;
};

/** What it says while it ends is still heard; that it says no more is no complete end. */
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
