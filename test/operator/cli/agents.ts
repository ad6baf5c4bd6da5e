import { createInterface } from 'node:readline';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { owned } from '../../servers/lifetime.ts';

const SCRIPT = fileURLToPath(new URL('agents.mjs', import.meta.url));

export interface Agent {
  readonly id: string;
  readonly mission?: string;
  readonly action: string;
  readonly feature?: string;
  /** How long one action takes, in milliseconds. */
  readonly ms: number;
  readonly heeds: 'signal' | 'nothing' | 'blind' | 'idle';
}

export interface AgentsOptions {
  readonly redis?: string;
  readonly directory?: string;
  readonly name: string;
  readonly leaseMs: number;
  readonly agents: readonly Agent[];
}

export interface Agents {
  readonly pid: number;
  /** Resolves once that agent says so, after what it has said before this call. */
  until(agent: string, is: string): Promise<void>;
  /** Ends the process. */
  end(signal: NodeJS.Signals): Promise<void>;
}

/** Starts agents in a process of their own, which ends with the test. Resolves once each of them has begun to act. */
export async function startAgents(options: AgentsOptions): Promise<Agents> {
  const child = spawn(process.execPath, [SCRIPT, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  owned(async () => {
    child.kill('SIGKILL');
    await closed;
  });
  const watchers = new Set<(line: { agent: string; is: string }) => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    for (const watcher of watchers) watcher(JSON.parse(line) as { agent: string; is: string });
  });
  const until = (agent: string, is: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const watcher = (said: { agent: string; is: string }): void => {
        if (said.agent !== agent || said.is !== is) return;
        watchers.delete(watcher);
        resolve();
      };
      watchers.add(watcher);
      void closed.then(() => reject(new Error(`The agents have ended before ${agent} was ${is}.`)));
    });
  await Promise.all(options.agents.map(({ id }) => until(id, 'starting')));
  return {
    pid: child.pid ?? 0,
    until,
    async end(signal) {
      child.kill(signal);
      await closed;
    },
  };
}
