import { z } from 'zod';
import {
  type EntryKey,
  type Head,
  headSchema,
  isKillSwitchError,
  type LogEvent,
  readEvent,
} from '../../flags/index.ts';
import { corrupt } from './errors.ts';
import type { RedisEndpoint } from './endpoint.ts';

/** What Redis answers, as ioredis hands it over; for any other answer the key is not ours. */
const text = z.string();
const textOrNil = z.string().nullable();
/** Checked without a copy: it may be a whole state. */
const flat = z.custom<string[]>((value) => Array.isArray(value) && value.every((item) => typeof item === 'string'));
const entries = z.array(z.tuple([z.string(), z.array(z.string())]));
const confirm = z.tuple([
  textOrNil,
  textOrNil,
  z.int(),
  entries,
  text,
  z.array(z.tuple([text, text, text, text])),
  textOrNil,
  z.int(),
  z.array(text),
]);
const kept = z.array(z.tuple([text, text, text, z.int()]));
const forks = z.tuple([z.array(z.tuple([text, text, text, text])), z.int()]);
const time = z.tuple([z.coerce.number(), z.coerce.number()]);
export const reply = {
  text,
  textOrNil,
  flat,
  entries,
  confirm,
  kept,
  forks,
  texts: z.array(textOrNil),
  swapped: z.union([z.literal(0), z.literal(1), z.literal(2)]),
};

export type StreamEntry = readonly [id: string, fields: readonly string[]];

/** The only text of a head: append compares texts, so members must always have the same order. */
export const headText = ({ epoch, generation, hash, recovered }: Head): string =>
  JSON.stringify({ epoch, generation, hash, recovered });

export const logId = (epoch: number): string => `${epoch}-0`;

/** Reads the answers of one endpoint. An answer that this package cannot have stored is CORRUPT. */
export class Replies {
  readonly #endpoint: RedisEndpoint;

  constructor(endpoint: RedisEndpoint) {
    this.#endpoint = endpoint;
  }

  /** Parses an answer, or the value of a JSON text. `what` ends the sentence "Redis at … holds …". */
  parse<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
    const parsed = schema.safeParse(value);
    if (!parsed.success) throw corrupt(this.#endpoint, `holds ${what}.`, parsed.error);
    return parsed.data;
  }

  json(stored: string, what: string): unknown {
    try {
      return JSON.parse(stored);
    } catch (error) {
      throw corrupt(this.#endpoint, `holds ${what}.`, error);
    }
  }

  /** The answer of TIME as RFC 3339 UTC. */
  time(answer: unknown): string {
    const [seconds, microseconds] = this.parse(time, answer, 'a time that cannot be read');
    return new Date(seconds * 1000 + Math.floor(microseconds / 1000)).toISOString();
  }

  head(stored: string | null): Head | null {
    if (stored === null) return null;
    const what = 'a head that cannot be read';
    return this.parse(headSchema, this.json(stored, what), what);
  }

  event([id, [field, stored]]: StreamEntry): LogEvent {
    if (field !== 'event' || stored === undefined)
      throw corrupt(this.#endpoint, `holds a log entry ${id} that is no event.`);
    try {
      const event = readEvent(stored);
      if (logId(event.seq) === id) return event;
    } catch (error) {
      if (isKillSwitchError(error))
        throw corrupt(this.#endpoint, `holds a log entry ${id} that was changed: ${error.message}`, error);
      throw error;
    }
    throw corrupt(this.#endpoint, `holds a log entry ${id} with another number in it.`);
  }

  /** Key, value, key, value: parsed only as they are asked for. */
  entries(keysAndValues: readonly string[]): Iterable<readonly [EntryKey, unknown]> {
    const read = (key: string, stored: string): unknown =>
      this.json(stored, `an unreadable entry ${JSON.stringify(key)}`);
    return {
      *[Symbol.iterator]() {
        for (let index = 0; index + 1 < keysAndValues.length; index += 2) {
          const key = keysAndValues[index];
          const stored = keysAndValues[index + 1];
          if (key !== undefined && stored !== undefined) yield [key, read(key, stored)] as const;
        }
      },
    };
  }
}
