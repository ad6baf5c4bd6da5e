import type { Redis } from 'ioredis';
import { z } from 'zod';
import { isReply } from './errors.ts';
import { areManyNames, MOST_NAME_BYTES } from './names.ts';
import type { RedisReader } from './reader.ts';
import { forgetCall, LIBRARY } from './report-scripts.ts';
import { doNotCall, runScript } from './scripts.ts';

/** How often a connection that is in use looks again, in milliseconds. */
const LOOK_EVERY_MS = 5000;

/**
 * What an operator's connection does for executors, since they may not: it puts the library into Redis where it is
 * missing or not ours, and takes out names without keys before there are too many. It does so once for each connection,
 * which may lead to another Redis or to one that has lost everything, and again after a while, since functions can be
 * flushed at any time. No kill needs it, and no request fails because of it.
 */
export class Upkeep {
  readonly #parts: Pick<RedisReader, 'connection' | 'keys'>;
  #stream: Redis['stream'] | undefined;
  #look: Promise<void> = Promise.resolve();
  #lookedAt = 0;
  #begun: Promise<void> = Promise.resolve();

  constructor(parts: Pick<RedisReader, 'connection' | 'keys'>) {
    this.#parts = parts;
  }

  /** Begins to look after the connection, which has just answered a request. Nothing waits for it. */
  begin(): void {
    this.#begun = Promise.all([this.#begun, this.ensure()]).then(() => {});
  }

  /** Resolves when all that `begin` has begun is done. */
  settled(): Promise<void> {
    return this.#begun;
  }

  /** Resolves when the library on this connection is ours, as far as this user may put it there. Never rejects. */
  async ensure(): Promise<void> {
    const send = (client: Redis): Promise<void> => {
      if (this.#stream !== client.stream || performance.now() - this.#lookedAt > LOOK_EVERY_MS) {
        this.#stream = client.stream;
        this.#lookedAt = performance.now();
        this.#look = this.#lookAfter(client);
      }
      return this.#look;
    };
    // the next request fails as well, and says why
    await this.#parts.connection.request({ access: 'write', send }).catch(() => {});
  }

  async #lookAfter(client: Redis): Promise<void> {
    await Promise.all([putLibrary(client), this.#takeOutNames(client)]);
  }

  async #takeOutNames(client: Redis): Promise<void> {
    const { keys } = this.#parts;
    const names = await client.getrange(keys.names, 0, MOST_NAME_BYTES - 1).catch((error: unknown) => {
      // something else is in its place: the list is made anew, and executors enter themselves with their next beat
      if (isReply(error) && error.message.startsWith('WRONGTYPE')) return null;
      throw error;
    });
    if (names === null || areManyNames(names)) await runScript(client, forgetCall(keys, '*'));
  }
}

const listSchema = z.array(z.array(z.unknown()));

/** The text of the library of that name; null where there is none. */
function textIn(list: unknown): string | null {
  const [library] = listSchema.parse(list);
  return library === undefined ? null : String(library[library.indexOf('library_code') + 1]);
}

/**
 * Puts the library into Redis where it is missing or not ours. Where this user may not, or another library has the
 * names of its functions, they are not called on this connection.
 */
async function putLibrary(client: Redis): Promise<void> {
  let found: string | null | undefined;
  try {
    found = textIn(await client.call('FUNCTION', 'LIST', 'LIBRARYNAME', LIBRARY.name, 'WITHCODE'));
    if (found !== LIBRARY.text) await client.call('FUNCTION', 'LOAD', 'REPLACE', LIBRARY.text);
  } catch (error) {
    const isTaken = isReply(error) && /already exists/.test(error.message);
    if (found === undefined) doNotCall(client, 'unknown');
    else if (found !== null || isTaken) doNotCall(client, 'missing');
    throw error;
  }
}
