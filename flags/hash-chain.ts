import { hash } from 'node:crypto';
import { canonicalize } from 'json-canonicalize';
import { z } from 'zod';
import { KillSwitchError } from './errors.ts';
import {
  actorSchema,
  epochSchema,
  hashSchema,
  type LogEvent,
  logEventSchema,
  parseEvent,
  timeSchema,
} from './records.ts';
import { unknownParts } from './unknown-parts.ts';

/** The hash that the first event of a log names as the one before it. */
export const GENESIS = '0'.repeat(64);

const digest = (prev: string, canonical: string): string => hash('sha256', prev + canonical, 'hex');

/** The event with its hash: `hash = SHA-256(prev + canonical event without its hash)`, canonical as in RFC 8785. */
export function sealEvent(event: Omit<LogEvent, 'hash'>): LogEvent {
  return { ...event, hash: digest(event.prev, canonicalize(event)) };
}

/** The one text of an event: canonical, so that its hash can be checked on the text as it was stored. */
export const serializeEvent = (event: LogEvent): string => canonicalize(event);

const { type, data, reason } = logEventSchema.shape;

/**
 * An event of any version: what links it to others must be there. Of the rest, what this version cannot read is
 * replaced.
 */
const linkedSchema = z.looseObject({
  seq: epochSchema,
  prev: hashSchema,
  hash: hashSchema,
  at: timeSchema.catch('1970-01-01T00:00:00.000Z'),
  actor: actorSchema.catch('unknown'),
  type: type.catch('unknown'),
  data: data.catch({}),
  reason: reason.catch(null),
});

/** @throws ZodError for what cannot be linked to other events */
function parseLinked(value: unknown): LogEvent {
  try {
    return parseEvent(value);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    return { ...linkedSchema.parse(value), unknown: unknownParts(error) };
  }
}

/**
 * Reads one event from its stored text and checks its own hash. The text must be what `serializeEvent` wrote: then the
 * hashed form is the text without its `hash` member, and nothing needs to be made canonical again. That proves an event
 * of any version; `unknown` says what of it this one does not know.
 * @throws KillSwitchError CORRUPT when the text is not an event or was changed.
 */
export function readEvent(text: string): LogEvent {
  let event: LogEvent;
  try {
    event = parseLinked(JSON.parse(text));
  } catch (error) {
    throw new KillSwitchError('CORRUPT', `The log holds something that is not an event: ${text.slice(0, 60)}…`, {
      cause: error,
    });
  }
  if (digest(event.prev, text.replace(`"hash":"${event.hash}",`, '')) !== event.hash) {
    throw new KillSwitchError('CORRUPT', `Event ${event.seq} of the log was changed after it was written.`);
  }
  return event;
}
