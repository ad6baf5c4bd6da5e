import type { Redis } from 'ioredis';
import type { Head } from '../../flags/index.ts';
import type { Replication } from '../ports.ts';
import { SharedQuestion } from '../shared-question.ts';
import type { OperatorParts } from './kept.ts';
import { logId, reply } from './replies.ts';
import { SETTLE, sendScript } from './scripts.ts';

/** How long replicas are waited for, in milliseconds: a hung one must not hold up the next kill on this connection. */
const WAIT_MS = 100;
/** A replica that was not heard of for so many seconds is not waited for. */
const MOST_LAG_S = 1;

type Place = Pick<Head, 'epoch' | 'hash'>;
type Parts = Pick<OperatorParts, 'connection' | 'keys' | 'replies'>;

/** What was found on one server: its replicas, and which of the changes are in its log. */
interface Found extends Replication {
  readonly changes: ReadonlySet<Place>;
}

/** Says how many replicas have a change. Changes that are asked about together are waited for together. */
export function redisReplication(parts: Parts): (head: Place) => Promise<Replication | null> {
  let asked: Place[] = [];
  const question = new SharedQuestion({
    oneByOne: true,
    gather: () => new Promise<void>((resolve) => setImmediate(resolve)),
    send: () => {
      const places = asked;
      asked = [];
      return askAbout(parts, places);
    },
  });
  return async (head) => {
    asked.push(head);
    const found = await question.ask();
    // Not there: this is another server, which has lost it.
    return found?.changes.has(head) ? { replicas: found.replicas, replicated: found.replicated } : null;
  };
}

/**
 * What decides goes to the server in one turn, so that all of it is of one server: whether the changes are in its log,
 * and then, after one more write, how many replicas have all up to that.
 */
async function askAbout({ connection, keys, replies }: Parts, places: readonly Place[]): Promise<Found | null> {
  const found = await connection.request({ access: 'read', send: replicasOf });
  if (found === null) return null;
  const { replicas, near } = found;
  const [entries, { copies }] = await connection.request({
    access: 'write',
    send: (client) =>
      Promise.all([
        Promise.all(places.map(({ epoch }) => client.call('XRANGE', keys.log, logId(epoch), logId(epoch)))),
        sendScript(client, { script: SETTLE, keys: [keys.head], args: [], replicas: near, waitMs: WAIT_MS }),
      ]),
  });
  const changes = places.filter(({ hash }, index) => {
    const [entry] = replies.parse(reply.entries, entries[index], 'a log that cannot be read');
    return entry && replies.event(entry).hash === hash;
  });
  return { replicas, replicated: copies, changes: new Set(changes) };
}

/** How many replicas there are, and how many of them follow closely; null where this is no master. */
async function replicasOf(client: Redis): Promise<{ readonly replicas: number; readonly near: number } | null> {
  const info = String(await client.call('INFO', 'replication'));
  if (!/^role:master\r?$/m.test(info)) return null;
  const lags = [...info.matchAll(/^slave\d+:.*,state=(\w+),.*lag=(\d+)/gm)];
  const near = lags.filter(([, state, lag]) => state === 'online' && Number(lag) <= MOST_LAG_S);
  return { replicas: lags.length, near: near.length };
}
