import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { AgentOrders, Report } from './agent.ts';

type Refusal = Extract<Report, { type: 'refused' }>;

/** An agent, seen from the tour. Times are wall time in milliseconds. */
export class AgentProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #ready: Promise<void>;
  #isWorking = false;
  readonly #refusals: Refusal[] = [];
  #letGo = false;

  /** @param onFailure called when it ends or fails by itself, which is never part of the story */
  constructor(script: URL, name: string, orders: AgentOrders, onFailure: (message: string) => void) {
    this.name = name;
    const child = fork(fileURLToPath(script), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child = child;
    child.send(orders);
    this.#exited = new Promise((resolve) => {
      const ended = (what: string): void => {
        resolve();
        if (!this.#letGo) onFailure(`${name} ${what}`);
      };
      child.once('exit', (code, signal) => ended(`ended by itself (${signal ?? `code ${code}`})`));
      child.once('error', (error) => ended(`could not be started: ${error.message}`));
    });
    this.#ready = new Promise((resolve) => {
      child.on('message', (report: Report) => {
        if (report.type === 'ready') resolve();
        if (report.type === 'failed') onFailure(`${name} failed: ${report.message}`);
        if (report.type === 'done') this.#isWorking = true;
        if (report.type !== 'refused') return;
        this.#isWorking = false;
        this.#refusals.push(report);
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether its last piece of work was done, by what it says. */
  get isWorking(): boolean {
    return this.#isWorking;
  }

  get refused(): number {
    return this.#refusals.length;
  }

  /** Resolves when it has registered with the switch, or has ended. */
  ready(): Promise<void> {
    return Promise.race([this.#ready, this.#exited]);
  }

  /** Its first refusal from that time on that had this cause. */
  firstRefusalAfter(time: number, cause: Refusal['cause']): Refusal | undefined {
    return this.#refusals.find((refusal) => refusal.at >= time && refusal.cause === cause);
  }

  /** Lets go of it, which it takes as the order to close and end; kills it when it does not. */
  async end(): Promise<void> {
    this.#letGo = true;
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 3000);
    await this.#exited;
    clearTimeout(timer);
  }
}
