import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A process of its own for one file of the benchmark; what it sends is awaited in turn. */
export class Worker {
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  constructor(file: string) {
    const path = fileURLToPath(new URL(`./${file}`, import.meta.url));
    this.#child = fork(path, { execArgv: ['--expose-gc'], stdio: ['ignore', 2, 2, 'ipc'] }); // stdout is for the result
    this.#ended = new Promise((_, reject) => {
      this.#child.once('error', reject);
      this.#child.once('exit', (code, signal) => reject(new Error(`${file} ended: ${signal ?? code}.`)));
    });
    this.#ended.catch(() => {});
  }

  /** Sends, and gives the next message that comes back. */
  async ask<T>(message: unknown): Promise<T> {
    const answer = this.next<T>();
    this.#child.send(message as object);
    return answer;
  }

  next<T>(): Promise<T> {
    const message = new Promise<T>((resolve) => {
      this.#child.once('message', resolve as (message: unknown) => void);
    });
    return Promise.race([message, this.#ended]);
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}
