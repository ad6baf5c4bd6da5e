import type { Redis } from 'ioredis';
import type { RedisReader } from './reader.ts';
import { isReply } from './errors.ts';
import { areManyNames, MOST_NAME_BYTES } from './names.ts';
import { forgetCall, LIBRARY } from './report-scripts.ts';
import { runScript } from './scripts.ts';

/**
 * What executors may not do for themselves, and any operator's connection does for them, once: it puts the library there, and takes out names of which nothing is
 * left before there are too many. Once for each connection: it may lead to another Redis than the one before, or to one that has lost everything.
 * Nothing waits for it, and nothing fails because of it: a kill needs none of it.
 */
export class Upkeep {
  readonly #parts: Pick<RedisReader, 'connection' | 'keys'>;
  #stream: Redis['stream'] | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(parts: Pick<RedisReader, 'connection' | 'keys'>) {
    this.#parts = parts;
  }

  /** Something was answered, so there is a connection to where the keys are. Gives that answer. */
  readonly after = <T>(answer: T): T => {
    const looking = this.#parts.connection.request({ access: 'write', send: (client) => this.#look(client) });
    const work = looking.catch(() => {}); // refused: nor may this user do it on the next request
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
    const { keys } = this.#parts;
    const [found, names] = await Promise.all([
      client.call('FUNCTION', 'LIST', 'LIBRARYNAME', LIBRARY.name),
      client.getrange(keys.names, 0, MOST_NAME_BYTES - 1).catch((error: unknown) => {
        if (isReply(error) && error.message.startsWith('WRONGTYPE')) return null; // made anew: executors enter themselves with their next beat
        throw error;
      }),
    ]);
    if (Array.isArray(found) && found.length === 0) await client.call('FUNCTION', 'LOAD', LIBRARY.text);
    if (names !== null && !areManyNames(names)) return;
    await runScript(client, forgetCall(keys, '*'));
  }
}
