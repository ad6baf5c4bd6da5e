import { type LogEvent, readEvent } from '../../flags/index.ts';
import type { Push } from '../ports.ts';
import { withDeadline } from '../with-deadline.ts';
import { RedisClient } from './client.ts';
import type { RedisEndpoint } from './endpoint.ts';
import { storeError } from './errors.ts';
import { loadIoredis, type RedisClass } from './ioredis.ts';
import { asError } from '../as-error.ts';

export interface Subscription {
  readonly endpoint: RedisEndpoint;
  readonly channel: string;
  /** Whatever is said there, executors may have stopped something. */
  readonly stopsChannel: string;
  readonly requestTimeoutMs: number;
  readonly listener: (push: Push) => void;
}

/** `subscribe`, once ioredis has been loaded. Where it is not installed that is pushed as trouble. */
export function subscribeLazily(subscription: Subscription): () => Promise<void> {
  let end = async (): Promise<void> => {};
  let ended = false;
  void loadIoredis().then(
    (Redis) => {
      if (!ended) end = subscribe(Redis, subscription);
    },
    (error: unknown) => {
      if (!ended) subscription.listener({ type: 'trouble', error: asError(error) });
    },
  );
  return () => {
    ended = true;
    return end();
  };
}

/**
 * Subscribes on a connection of its own, and pushes what is published there. It sends a PING all the time, because a
 * dead connection looks like one on which nothing happens. It pushes a gap each time it begins to listen, the first
 * time too: earlier events were missed. The returned function ends it.
 */
function subscribe(
  library: RedisClass,
  { endpoint, channel, stopsChannel, requestTimeoutMs, listener }: Subscription,
): () => Promise<void> {
  let ended: Promise<void> | undefined;
  let troubled = false;
  let timer: NodeJS.Timeout | undefined;

  const trouble = (cause: Error): void => {
    if (ended || troubled) return; // pushed once until it listens again, not for each attempt
    troubled = true;
    listener({ type: 'trouble', error: storeError(cause, 'read', endpoint) });
  };
  const later = (ms: number, work: () => void): void => {
    clearTimeout(timer);
    if (!ended) timer = setTimeout(work, ms);
  };
  const client = new RedisClient(
    library,
    { endpoint, requestTimeoutMs },
    { onReady: () => void listen(), onError: trouble },
  );
  const { redis } = client;

  const listen = async (): Promise<void> => {
    const { stream } = redis;
    try {
      await withDeadline(redis.subscribe(channel), requestTimeoutMs, 'subscribe');
    } catch (error) {
      trouble(asError(error));
      if (redis.stream === stream) later(1000, () => client.passOver()); // refused, perhaps by an ACL: tried again
      return;
    }
    // A user whose rules are older may not hear it: each confirmation brings the stops too.
    void redis.subscribe(stopsChannel).catch(() => {});
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
  redis.on('end', () => later(250, () => client.start())); // ioredis has given up: no Sentinel answers
  redis.on('message', (from: string, text: string) => {
    if (ended) return;
    if (from === stopsChannel) return listener({ type: 'stops' });
    let event: LogEvent;
    try {
      event = readEvent(text);
    } catch {
      listener({ type: 'gap' }); // unreadable: a confirmation brings what is in the log
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
