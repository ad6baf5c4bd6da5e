import { connect, createServer, type Server, type Socket } from 'node:net';
import { invalid, quoteId } from '../flags/index.ts';
import { checkKeys, checkType } from '../flags/options.ts';

/** The direction in which bytes are held back. */
export type StallDirection = 'both' | 'to-server' | 'to-client';

/** Which server the proxy stands before. */
export interface FaultProxyOptions {
  /** The server's port. */
  readonly port: number;
  /** The server's host. Default `127.0.0.1`. */
  readonly host?: string | undefined;
  /** Where the proxy listens, on 127.0.0.1. Default: any free port. */
  readonly listenPort?: number | undefined;
  /** How much later everything arrives, in each direction, in milliseconds. Default 0. */
  readonly delayMs?: number | undefined;
}

/** One client's connection through the proxy. */
export interface ProxiedConnection {
  /** Counts from 1 in the order of arrival. */
  readonly id: number;
  /** The first 64 KiB that the client sent, as Latin-1. */
  readonly sent: string;
  /** Whether `sent` contains this text, in any case: `hasSent('SUBSCRIBE')`. */
  hasSent(text: string): boolean;
  /** Bytes passed on so far. */
  readonly bytesToServer: number;
  readonly bytesToClient: number;
  readonly stalled: StallDirection | undefined;
}

/** Selects connections: by a text that the client has sent (in any case), or by a predicate. */
export type ConnectionMatch = string | ((connection: ProxiedConnection) => boolean);

/** A TCP proxy that can fail as networks do: it falls silent without closing, resets, or refuses. */
export interface FaultProxy {
  /** `127.0.0.1` */
  readonly host: string;
  readonly port: number;
  /** The open connections, in the order of arrival. */
  readonly connections: readonly ProxiedConnection[];
  /** All connections, also new ones, stay open and forward nothing; bytes on their way arrive after `resume()`. */
  stall(direction?: StallDirection): void;
  /**
   * As `stall`, for the connections that match now, or later by what they then send, which is not forwarded. Returns
   * how many match now.
   */
  stallWhere(match: ConnectionMatch, direction?: StallDirection): number;
  /** As `stall`, only for connections made from now on. */
  stallNew(direction?: StallDirection): void;
  /** Ends every stall and `refuse()`. */
  resume(): Promise<void>;
  /** Resets the connections that match, by default all. New ones are accepted. Returns how many. */
  cut(match?: ConnectionMatch): number;
  /** Resets all connections and refuses new ones until `resume()`. */
  refuse(): Promise<void>;
  /** Stops the proxy; idempotent. */
  stop(): Promise<void>;
}

interface Stall {
  readonly applies: (connection: ProxiedConnection) => boolean;
  readonly direction: StallDirection;
}

function checkPort(what: string, port: unknown, least: number): void {
  if (typeof port !== 'number' || !Number.isInteger(port) || port < least || port > 65_535)
    throw invalid(`${what} must be a whole number from ${least} to 65535, not ${quoteId(port)}.`);
}

/** Starts a proxy in front of a TCP server. @throws KillSwitchError INVALID_ARGUMENT */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const given = checkKeys('startFaultProxy', options, { port: true, host: true, listenPort: true, delayMs: true });
  const { port: target, host = '127.0.0.1', listenPort = 0, delayMs = 0 } = given;
  checkPort('port', target, 1);
  checkPort('listenPort', listenPort, 0);
  checkType('host', host, 'string');
  if (!(Number.isFinite(delayMs) && delayMs >= 0))
    throw invalid(`delayMs must be a number of milliseconds from 0, not ${quoteId(delayMs)}.`);
  const connections = new Map<number, Connection>();
  let stalls: Stall[] = [];
  let made = 0;
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    const upstream = connect({ port: target, host, allowHalfOpen: true });
    const connection = new Connection({ id: ++made, client, upstream, delayMs, stalls: () => stalls });
    connections.set(connection.id, connection);
    client.once('close', () => {
      if (upstream.closed) connections.delete(connection.id);
    });
    upstream.once('close', () => {
      if (client.closed) connections.delete(connection.id);
    });
  });
  const port = await listen(server, listenPort);

  const matching = (match: ConnectionMatch): Connection[] => [...connections.values()].filter(toPredicate(match));
  const addStall = (stall: Stall): void => {
    stalls.push(stall);
    for (const connection of connections.values()) connection.flow();
  };
  const cut = (match: ConnectionMatch = () => true): number => {
    const chosen = matching(match);
    for (const connection of chosen) connection.reset();
    return chosen.length;
  };
  const refuse = async (): Promise<void> => {
    const closed = server.listening ? new Promise((resolve) => server.close(resolve)) : undefined;
    cut();
    await closed;
  };

  return {
    host: '127.0.0.1',
    port,
    get connections() {
      return [...connections.values()];
    },
    stall: (direction = 'both') => addStall({ applies: () => true, direction }),
    stallWhere(match, direction = 'both') {
      addStall({ applies: toPredicate(match), direction });
      return matching(match).length;
    },
    stallNew(direction = 'both') {
      const known = made;
      addStall({ applies: ({ id }) => id > known, direction });
    },
    async resume() {
      stalls = [];
      for (const connection of connections.values()) connection.flow();
      if (!server.listening) await listen(server, port);
    },
    cut,
    refuse,
    stop: refuse,
  };
}

interface ConnectionOptions {
  readonly id: number;
  readonly client: Socket;
  readonly upstream: Socket;
  readonly delayMs: number;
  readonly stalls: () => readonly Stall[];
}

/** Two sockets joined by hand, because `pipe` could not look at the bytes before it passes them on. */
class Connection implements ProxiedConnection {
  readonly id: number;
  sent = '';
  bytesToServer = 0;
  bytesToClient = 0;
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #delayMs: number;
  readonly #stalls: () => readonly Stall[];
  /** Bytes that were read from a socket and are held back. */
  readonly #held = { 'to-server': [] as Buffer[], 'to-client': [] as Buffer[] };
  #ended = { 'to-server': false, 'to-client': false };

  constructor({ id, client, upstream, delayMs, stalls }: ConnectionOptions) {
    this.id = id;
    this.#client = client;
    this.#upstream = upstream;
    this.#delayMs = delayMs;
    this.#stalls = stalls;
    this.#join('to-server', client, upstream);
    this.#join('to-client', upstream, client);
    this.flow();
  }

  get stalled(): StallDirection | undefined {
    const directions = this.#stalls()
      .filter((stall) => stall.applies(this))
      .map((stall) => stall.direction);
    const [first] = directions;
    return directions.every((direction) => direction === first) ? first : 'both';
  }

  hasSent(text: string): boolean {
    return this.sent.toLowerCase().includes(text.toLowerCase());
  }

  reset(): void {
    this.#client.resetAndDestroy();
    this.#upstream.resetAndDestroy();
  }

  /** Passes on held bytes, and reads on, where no stall forbids it. */
  flow(): void {
    const { stalled } = this;
    this.#flowOneWay('to-server', stalled, this.#client, this.#upstream);
    this.#flowOneWay('to-client', stalled, this.#upstream, this.#client);
  }

  #flowOneWay(
    way: Exclude<StallDirection, 'both'>,
    stalled: StallDirection | undefined,
    from: Socket,
    to: Socket,
  ): void {
    if (stalled === 'both' || stalled === way) {
      from.pause();
      return;
    }
    for (const chunk of this.#held[way].splice(0)) {
      if (way === 'to-server') this.bytesToServer += chunk.length;
      else this.bytesToClient += chunk.length;
      to.write(chunk);
    }
    if (this.#ended[way]) to.end();
    if (to.writableNeedDrain) from.pause();
    else from.resume();
  }

  #later(arrive: () => void): void {
    const flow = (): void => {
      arrive();
      this.flow();
    };
    if (this.#delayMs > 0) setTimeout(flow, this.#delayMs);
    else flow();
  }

  #join(way: Exclude<StallDirection, 'both'>, from: Socket, to: Socket): void {
    from.setNoDelay(true);
    from.on('data', (chunk: Buffer) => {
      if (way === 'to-server' && this.sent.length < 65_536)
        this.sent += chunk.toString('latin1').slice(0, 65_536 - this.sent.length);
      this.#later(() => this.#held[way].push(chunk));
    });
    from.on('end', () => this.#later(() => (this.#ended[way] = true)));
    to.on('drain', () => this.flow());
    from.on('error', () => {}); // 'close' follows
    from.on('close', () => {
      if (!this.#ended[way]) to.destroy();
    });
  }
}

function toPredicate(match: ConnectionMatch): (connection: ProxiedConnection) => boolean {
  return typeof match === 'string' ? (connection) => connection.hasSent(match) : match;
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      const address = server.address();
      if (address === null || typeof address === 'string') reject(new Error('The fault proxy has no port.'));
      else resolve(address.port);
    });
  });
}
