import type { ChildProcess } from 'node:child_process';
import type { Worker } from 'node:worker_threads';
import { type Hold, makeRoom, silence } from './part.ts';
import { type HoldTogether, holdTogether } from './together.ts';

/** A process or a thread that was started and not waited for: its steps cannot be looked at, but it can be counted, and ended. */
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
  const stop = (): void => {
    silence(child); // one that may not be killed says so by an event: it stays in flight
    child.kill();
  };
  count(child, { open, stop, action });
  return child;
};

/** The number that a thread has when it has ended. */
const ENDED = -1;

export const holdWorker: Hold<Worker> = (worker, open, action) => {
  if (worker.threadId !== ENDED) count(worker, { open, stop: () => void worker.terminate(), action });
  return worker;
};
