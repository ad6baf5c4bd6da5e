import { hash } from 'node:crypto';
import { canonicalize } from 'json-canonicalize';
import { KillSwitchError } from './errors.ts';
import { type LogEvent, parseEvent } from './records.ts';

/** The hash that the first event of a log names as the one before it. */
export const GENESIS = '0'.repeat(64);

const digest = (prev: string, canonical: string): string => hash('sha256', prev + canonical, 'hex');

/** The event with its hash: `hash = SHA-256(prev + canonical event without its hash)`, canonical as in RFC 8785. */
export function sealEvent(event: Omit<LogEvent, 'hash'>): LogEvent {
  return { ...event, hash: digest(event.prev, canonicalize(event)) };
}

/** The one text of an event: canonical, so that its hash can be checked on the text as it was stored. */
export const serializeEvent = (event: LogEvent): string => canonicalize(event);

/**
 * Reads one event from its stored text and checks its own hash. The text must be what `serializeEvent` wrote:
 * then the hashed form is the text without its `hash` member, and nothing needs to be made canonical again.
 * @throws KillSwitchError CORRUPT when the text is not an event or was changed.
 */
export function readEvent(text: string): LogEvent {
  let event: LogEvent;
  try {
    event = parseEvent(JSON.parse(text));
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
