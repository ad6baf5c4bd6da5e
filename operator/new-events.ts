import { follows, type Head, type LogEvent } from '../flags/index.ts';
import { CATCH_UP_EVENTS } from '../store/answers.ts';
import type { ControlConnection } from '../store/ports.ts';

/** The events between two heads; null when there are too many, or they do not link the two. */
export async function newEvents(
  { log }: Pick<ControlConnection, 'log'>,
  from: Head,
  to: Head,
): Promise<LogEvent[] | null> {
  if (from.generation !== to.generation || to.epoch - from.epoch > CATCH_UP_EVENTS) return null;
  const events: LogEvent[] = [];
  let end = { hash: from.hash, epoch: from.epoch };
  for await (const event of log(from.epoch)) {
    if (event.seq > to.epoch) break;
    if (!follows(event, end.hash, end.epoch)) return null;
    events.push(event);
    end = { hash: event.hash, epoch: event.seq };
  }
  return end.hash === to.hash ? events : null;
}
