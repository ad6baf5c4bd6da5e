import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { owned, temporaryFolder, withFreePorts } from './lifetime.ts';
import { type ServerProcess, serverProcess } from './server-process.ts';
import { serverPaths } from './server-paths.ts';

/** An entry of flagd's `--sources`. */
export interface FlagdSource {
  /** A path for `file`, a URL for `http`, `host:port` for `grpc`. */
  readonly uri: string;
  readonly provider: 'file' | 'http' | 'grpc';
  /** Seconds between two polls of an `http` source. flagd's default is 5. */
  readonly interval?: number;
  readonly [option: string]: unknown;
}

export interface FlagdOptions {
  /** A definition (or, as text, anything else) that is written to a file of its own, which flagd watches. */
  readonly flags?: unknown;
  /** An existing definition file that flagd watches; its name ends in `.json`. */
  readonly file?: string;
  readonly sources?: readonly FlagdSource[];
  /**
   * What to wait for: `/readyz` (`ready`, the default), the evaluation port only (`port`), or nothing (`started`): a
   * flagd whose sources are broken opens no port, and ends after some seconds.
   */
  readonly until?: 'ready' | 'port' | 'started';
  /** Further arguments of `flagd start`. */
  readonly args?: readonly string[];
}

/** A flagd of its own, on four free ports. */
export interface FlagdServer extends Pick<ServerProcess, 'process' | 'output' | 'kill' | 'freeze' | 'thaw'> {
  readonly host: '127.0.0.1';
  /** Evaluation: what the rpc resolver connects to. */
  readonly port: number;
  readonly managementPort: number;
  /** What the in-process resolver connects to. */
  readonly syncPort: number;
  readonly ofrepPort: number;
  /** The watched file: `file`, or where `flags` was written (empty when it has neither). */
  readonly file: string;
  /** Replaces what the watched file holds; flagd notices by itself, within about a second. */
  write(flags: unknown): void;
  /** Kills it if it runs and starts it on the same ports with the same sources. */
  restart(): Promise<void>;
  /** Ends it; happens by itself at the end of the test or file that started it. */
  stop(): Promise<void>;
}

export function startFlagd(options: FlagdOptions): Promise<FlagdServer> {
  return withFreePorts(4, (ports) => startOn(ports as [number, number, number, number], options));
}

async function startOn(
  [port, managementPort, syncPort, ofrepPort]: readonly [number, number, number, number],
  { flags, file, sources = [], until = 'ready', args = [] }: FlagdOptions,
): Promise<FlagdServer> {
  const folder = temporaryFolder('flagd');
  const watched = file ?? (flags === undefined ? '' : join(folder.path, 'flags', 'flags.json'));
  function write(definition: unknown): void {
    if (watched === '') throw new Error('This flagd watches no file: start it with `flags` or `file`.');
    writeFileSync(watched, typeof definition === 'string' ? definition : JSON.stringify(definition));
  }
  if (flags !== undefined) {
    mkdirSync(join(folder.path, 'flags'));
    write(flags);
  }
  const all = [...(watched ? [{ uri: watched, provider: 'file' }] : []), ...sources];

  const isReady = {
    ready: () => answersOk(`http://127.0.0.1:${managementPort}/readyz`),
    port: () => accepts(port),
    started: async () => true,
  }[until];
  const server = serverProcess({
    command: serverPaths.flagd,
    args: [
      'start',
      '--port',
      String(port),
      '--management-port',
      String(managementPort),
      '--sync-port',
      String(syncPort),
      '--ofrep-port',
      String(ofrepPort),
      '--sources',
      JSON.stringify(all),
      ...args,
    ],
    cwd: folder.path,
    isReady,
  });
  const stop = owned(async () => {
    await server.kill();
    folder.remove();
  });
  try {
    await server.start();
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    host: '127.0.0.1',
    port,
    managementPort,
    syncPort,
    ofrepPort,
    file: watched,
    get process() {
      return server.process;
    },
    get output() {
      return server.output;
    },
    kill: server.kill,
    freeze: server.freeze,
    thaw: server.thaw,
    write,
    async restart() {
      await server.kill();
      await server.start();
    },
    stop,
  };
}

async function answersOk(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(1000) })).ok;
  } catch {
    return false;
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
