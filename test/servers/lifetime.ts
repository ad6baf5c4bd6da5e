import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

type Stop = () => Promise<void>;

const running = new Set<Stop>();
let onStart: (stop: Stop) => void = () => {};

/** What happens to each thing that is started from now on, beside ending with the file; set once by each-file.ts. */
export function onEachStart(listener: (stop: Stop) => void): void {
  onStart = listener;
}

/** Makes `stop` happen once, by itself at the end of the test (or of the file) that started the thing. */
export function owned(stop: Stop): Stop {
  let ended: Promise<void> | undefined;
  const once = (): Promise<void> => {
    running.delete(once);
    ended ??= stop();
    return ended;
  };
  running.add(once);
  onStart(once);
  return once;
}

/** Ends all that is still running, the latest first. */
export async function stopAll(): Promise<void> {
  for (const stop of [...running].reverse()) await stop();
}

const exitSteps = new Set<() => void>();
process.once('exit', () => {
  for (const step of exitSteps) step();
});

/** Does `step` when this process exits, unless the returned disposer was called before. */
export function atExit(step: () => void): () => void {
  exitSteps.add(step);
  return () => void exitSteps.delete(step);
}

/**
 * A folder of its own under the system's temporary folder. It is removed at the end of the test (or of the file) that
 * made it, after all that was started in it, or when this process exits: vitest ends its workers with a signal.
 */
export function temporaryFolder(name: string): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `kill-switch-${name}-`));
  // Again where something that is being killed writes meanwhile.
  const empty = (): void => rmSync(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  const forget = atExit(empty);
  const remove = owned(async () => {
    forget();
    empty();
  });
  return { path, remove: () => void remove() };
}

/**
 * Ports of 127.0.0.1 that nothing listens on. They are free only until someone takes them: see {@link withFreePorts}.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listenAnywhere));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Starts something on free ports, and again on others when one of them was taken meanwhile (three times at most). */
export async function withFreePorts<T>(count: number, start: (ports: readonly number[]) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePorts(count));
    } catch (error) {
      if (attempt === 3 || !/address already in use/i.test(String(error))) throw error;
    }
  }
}

function listenAnywhere(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}
