import type { ChildProcess } from 'node:child_process';
import type { Worker } from 'node:worker_threads';
import { type Hold, type OpenPart, silence } from './part.ts';

/** A process or a thread that was started and not waited for: its steps cannot be looked at, but it can be counted, and ended. */
function count(started: ChildProcess | Worker, open: OpenPart, end: () => void): void {
  const part = open(end);
  part.begin();
  started.once('exit', () => part.drop());
}

export const holdChildProcess: Hold<ChildProcess> = (child, open) => {
  const { pid, exitCode, signalCode } = child;
  if (pid === undefined || exitCode !== null || signalCode !== null) return child; // it never began, or has ended
  count(child, open, () => {
    silence(child); // one that may not be killed says so by an event: it stays in flight
    child.kill();
  });
  return child;
};

/** The number that a thread has when it has ended. */
const ENDED = -1;

export const holdWorker: Hold<Worker> = (worker, open) => {
  if (worker.threadId !== ENDED) count(worker, open, () => void worker.terminate());
  return worker;
};
