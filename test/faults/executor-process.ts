import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { serverProcess } from '../servers/server-process.ts';
import type { StoreAddress } from './drivers.ts';
import type { Scene } from './scene.ts';
import { PATIENCE_MS } from './witness.ts';

const SCRIPT = fileURLToPath(new URL('executor-process.mjs', import.meta.url));

/** What came of one attempt to act. */
export interface Attempt {
  readonly status: string;
  /** The code of a fault, else the kind of the cause. */
  readonly cause: string;
}

export interface ExecutorProcess {
  /** All that it has printed so far, in order. */
  readonly attempts: readonly Attempt[];
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Holds up its event loop, for longer than its lease and until `goOn`. */
  holdUp(): Promise<void>;
  goOn(): void;
  /**
   * Steps its wall clock to that many milliseconds from the true time; resolves with how many attempts it had printed
   * before.
   */
  stepClock(ms: number): Promise<number>;
  /** Resolves once an attempt after the first `after` ones `fits`. */
  until(fits: (attempt: Attempt) => boolean, after?: number): Promise<void>;
}

export const executed = ({ status }: Attempt): boolean => status === 'executed';
export const blockedBy =
  (cause: string) =>
  (attempt: Attempt): boolean =>
    attempt.status === 'blocked' && attempt.cause === cause;

/** Starts an executor that acts all the time in a process of its own, and ends with the test. */
export async function startExecutorProcess(
  scene: Scene,
  options: { readonly store: StoreAddress; readonly leaseMs: number; readonly name: string },
): Promise<ExecutorProcess> {
  const attempts: Attempt[] = [];
  const cwd = scene.folder('executor');
  const child = serverProcess({
    command: process.execPath,
    args: [SCRIPT, JSON.stringify(options)],
    cwd,
    isReady: async () => attempts.length > 0,
  });
  scene.own(child, () => child.kill());
  const started = child.start();
  const { stdout } = child.process;
  if (!stdout) throw new Error('The executor has no standard output.');
  createInterface({ input: stdout }).on('line', (line) => attempts.push(JSON.parse(line) as Attempt));
  await started;
  return {
    attempts,
    freeze: child.freeze,
    thaw: child.thaw,
    async holdUp() {
      child.process.kill('SIGUSR2');
      await until(({ status }) => status === 'held up');
    },
    goOn: () => writeFileSync(join(cwd, 'go-on'), ''),
    async stepClock(ms) {
      writeFileSync(join(cwd, 'clock'), String(ms));
      const before = attempts.length;
      child.process.kill('SIGHUP');
      await until(({ status }) => status === 'stepped', before);
      return attempts.findIndex(({ status }, index) => index >= before && status === 'stepped');
    },
    until,
  };

  async function until(fits: (attempt: Attempt) => boolean, after = 0): Promise<void> {
    const until = performance.now() + PATIENCE_MS;
    while (!attempts.slice(after).some(fits)) {
      if (performance.now() > until) {
        throw new Error(`Not within ${PATIENCE_MS} ms. Last: ${JSON.stringify(attempts.slice(-3))} ${child.output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
