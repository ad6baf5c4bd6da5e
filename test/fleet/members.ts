import { fork } from 'node:child_process';
import cluster from 'node:cluster';
import { type EventEmitter, on, once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

const SCRIPT = join(import.meta.dirname, 'member.mjs');

export interface MemberOptions {
  readonly url: string;
  readonly lineage: string | undefined;
  readonly leaseMs: number;
}

/** A thread or process that acts beside others of its kind, with a switch of its own. */
export interface Member {
  /** The next message that it sends. */
  next(): Promise<unknown>;
  /** Closes its switch and ends. */
  leave(): Promise<void>;
  /** Kills it. */
  kill(): Promise<void>;
}

interface Started {
  readonly events: EventEmitter;
  readonly send: (message: string) => unknown;
  readonly end: () => unknown;
}

const START: Readonly<Record<string, (options: MemberOptions) => Started>> = {
  'worker threads'(options) {
    const worker = new Worker(SCRIPT, { workerData: options });
    return { events: worker, send: (message) => worker.postMessage(message), end: () => worker.terminate() };
  },
  'workers of a cluster'(options) {
    cluster.setupPrimary({ exec: SCRIPT });
    const worker = cluster.fork({ MEMBER: JSON.stringify(options) });
    return { events: worker, send: (message) => worker.send(message), end: () => worker.process.kill('SIGKILL') };
  },
  'forked children'(options) {
    const child = fork(SCRIPT, { env: { ...process.env, MEMBER: JSON.stringify(options) } });
    return { events: child, send: (message) => child.send(message), end: () => child.kill('SIGKILL') };
  },
};
export const KINDS = Object.keys(START);

/** Starts a member. */
export function startMember(kind: string, options: MemberOptions): Member {
  const started = START[kind]?.(options);
  if (!started) throw new Error(`There is no ${kind}.`);
  const { events, send, end } = started;
  const messages = on(events, 'message');
  let ended = false;
  const exit = once(events, 'exit').then(() => {
    ended = true;
  });
  const kill = async (): Promise<void> => {
    if (!ended) end();
    await exit;
  };
  return {
    next: async () => ((await messages.next()).value as unknown[])[0],
    async leave() {
      send('leave');
      await exit;
    },
    kill,
  };
}
