import { type LogEvent, readEvent } from '../../flags/index.ts';
import type { Push } from '../ports.ts';
import { withDeadline } from '../with-deadline.ts';
import { RedisClient } from './client.ts';
import type { RedisEndpoint } from './endpoint.ts';
import { storeError } from './errors.ts';
import { asError } from '../as-error.ts';

export interface Subscription {
  readonly endpoint: RedisEndpoint;
  readonly channel: string;
  readonly requestTimeoutMs: number;
  readonly listener: (push: Push) => void;
}

/**
 * A connection of its own that hears what is published. It asks for a sign of life all the time, because a connection
 * that fell silent looks like one on which nothing happens. Tells a gap each time it begins to listen, the first time
 * too: what came before was missed. Ends with the returned function.
 */
export function subscribe({ endpoint, channel, requestTimeoutMs, listener }: Subscription): () => Promise<void> {
  let ended: Promise<void> | undefined;
  let troubled = false;
  let timer: NodeJS.Timeout | undefined;

  const trouble = (cause: Error): void => {
    if (ended || troubled) return; // once until it listens again, not for each attempt
    troubled = true;
    listener({ type: 'trouble', error: storeError(cause, 'read', endpoint) });
  };
  const later = (ms: number, work: () => void): void => {
    clearTimeout(timer);
    if (!ended) timer = setTimeout(work, ms);
  };
  const client = new RedisClient(endpoint, requestTimeoutMs, { onReady: () => void listen(), onError: trouble });
  const { redis } = client;

  const listen = async (): Promise<void> => {
    const { stream } = redis;
    try {
      await withDeadline(redis.subscribe(channel), requestTimeoutMs, 'subscribe');
    } catch (error) {
      trouble(asError(error));
      if (redis.stream === stream) later(1000, () => client.passOver()); // refused, perhaps by its ACL: tried anew
      return;
    }
    if (ended || redis.stream !== stream) return;
    troubled = false;
    listener({ type: 'gap' });
    later(requestTimeoutMs, () => void signOfLife());
  };
  const signOfLife = async (): Promise<void> => {
    const { stream } = redis;
    try {
      await withDeadline(redis.ping(), requestTimeoutMs, 'ping');
    } catch (error) {
      trouble(asError(error));
      if (redis.stream === stream) client.passOver();
      return;
    }
    if (redis.stream === stream) later(requestTimeoutMs, () => void signOfLife());
  };

  redis.on('close', () => {
    clearTimeout(timer);
    trouble(new Error('the connection was lost'));
  });
  redis.on('end', () => later(250, () => client.start())); // ioredis gave up, for instance because no Sentinel answers
  redis.on('message', (_channel: string, text: string) => {
    if (ended) return;
    let event: LogEvent;
    try {
      event = readEvent(text);
    } catch {
      listener({ type: 'gap' }); // whatever it was, a confirmation brings what is in the log
      return;
    }
    listener({ type: 'event', event });
  });
  client.start();

  return () => {
    if (!ended) {
      clearTimeout(timer);
      ended = client.end();
    }
    return ended;
  };
}
