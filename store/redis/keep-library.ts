import type { Redis } from 'ioredis';
import type { RedisConnection } from './connection.ts';
import { LIBRARY } from './report-scripts.ts';

/**
 * Puts the library where an operator works, once for each connection: it may lead to another Redis than the one before, or to one that has lost everything.
 * Nothing waits for it, and nothing fails because of it: a kill needs no library.
 */
export class LibraryKeeper {
  readonly #connection: RedisConnection;
  #stream: Redis['stream'] | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(connection: RedisConnection) {
    this.#connection = connection;
  }

  /** Something was answered, so there is a connection to where the keys are. Gives that answer. */
  readonly after = <T>(answer: T): T => {
    const looking = this.#connection.request({ access: 'write', send: (client) => this.#look(client) });
    const work = looking.catch(() => {}); // who asks again asks on the next connection
    this.#work = Promise.all([this.#work, work]).then(() => {});
    return answer;
  };

  /** Resolves when what was begun is done. */
  settled(): Promise<void> {
    return this.#work;
  }

  async #look(client: Redis): Promise<void> {
    if (this.#stream === client.stream) return;
    this.#stream = client.stream;
    const found = await client.call('FUNCTION', 'LIST', 'LIBRARYNAME', LIBRARY.name);
    if (Array.isArray(found) && found.length === 0) await client.call('FUNCTION', 'LOAD', LIBRARY.text);
  }
}
