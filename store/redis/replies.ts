import { z } from 'zod';
import {
  type EntryKey,
  type Head,
  headSchema,
  isKillSwitchError,
  KillSwitchError,
  type LogEvent,
  readEvent,
  UNKNOWN,
  unknownParts,
} from '../../flags/index.ts';
import { corrupt } from './errors.ts';
import type { RedisEndpoint } from './endpoint.ts';

/** What Redis answers, as ioredis hands it over; for any other answer the key is not ours. */
const text = z.string();
const textOrNil = z.string().nullable();
/** Checked without a copy: it may be a whole state. */
const flat = z.custom<string[]>((value) => Array.isArray(value) && value.every((item) => typeof item === 'string'));
const entries = z.array(z.tuple([z.string(), z.array(z.string())]));
const stops = z.array(z.tuple([text, text]));
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
  stops.nullable(),
  z.int(),
]);
const kept = z.array(z.tuple([text, text, text, z.int()]));
const forks = z.tuple([z.array(z.tuple([text, text, text, text])), z.int()]);
const isNumeral = (value: unknown): boolean => typeof value === 'number' || /^\d+$/.test(String(value));
const time = z.tuple([z.coerce.number(), z.coerce.number()]);
export const reply = {
  text,
  textOrNil,
  flat,
  entries,
  confirm,
  claim: z.tuple([z.unknown(), text, z.int()]),
  found: z.tuple([text, text]),
  kept,
  forks,
  texts: z.array(textOrNil),
  stops,
  reserved: z.custom<readonly (number | string)[]>((value) => Array.isArray(value) && value.every(isNumeral)),
  swapped: z.union([z.literal(0), z.literal(1), z.literal(2)]),
};

export type StreamEntry = readonly [id: string, fields: readonly string[]];

const NO_HEAD = 'a head that cannot be read';

/** What a head must have so that a change can be appended behind it. */
const linkSchema = z.looseObject({
  epoch: headSchema.shape.epoch,
  hash: headSchema.shape.hash,
  generation: z.unknown(),
  recovered: z.unknown(),
});

/** The only text of a head of this version: append compares texts, so members must always have the same order. */
export const headText = ({ epoch, generation, hash, recovered }: Head): string =>
  JSON.stringify({ epoch, generation, hash, recovered });

const jsonObject = z.record(z.string(), z.unknown());

/**
 * The text of the head after a change, where the head before it was stored as `before`: what another version says in it
 * stays, in its place.
 */
export function headTextAfter(before: string | null, expected: Head | null, head: Head): string {
  if (before === null || expected === null || before === headText(expected)) return headText(head);
  const { epoch, hash, generation, recovered } = head;
  const begun = generation !== expected.generation || recovered !== expected.recovered;
  return JSON.stringify({
    ...jsonObject.parse(JSON.parse(before)),
    epoch,
    hash,
    ...(begun && { generation, recovered }),
  });
}

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

  /** @throws KillSwitchError UNKNOWN_ENTRY where a newer version wrote it, CORRUPT */
  head(stored: string | null): Head | null {
    if (stored === null) return null;
    const value = this.json(stored, NO_HEAD);
    const { success, data, error } = headSchema.safeParse(value);
    if (success) return data;
    if (!linkSchema.safeParse(value).success) throw corrupt(this.#endpoint, `holds ${NO_HEAD}.`, error);
    const the = `Redis at ${this.#endpoint.location} holds a head with`;
    throw new KillSwitchError('UNKNOWN_ENTRY', `${the} ${unknownParts(error)}, which ${UNKNOWN}`, { cause: error });
  }

  /** A head that is read only to append a kill behind it: of any version that says which event the log ends in. */
  headToAddTo(stored: string | null): Head | null {
    if (stored === null) return null;
    const value = this.json(stored, NO_HEAD);
    const { success, data } = headSchema.safeParse(value);
    if (success) return data;
    const { epoch, hash, generation, recovered } = this.parse(linkSchema, value, NO_HEAD);
    return { epoch, hash, generation: String(generation), recovered: recovered === true };
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
