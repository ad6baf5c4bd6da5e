import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import {
  type Entry,
  type EntryKey,
  type Head,
  killToAddTo,
  KillSwitchError,
  type LogEvent,
  parseEntry,
  placeOf,
  quoteId,
} from '../../flags/index.ts';
import { checkKeys } from '../../flags/options.ts';
import {
  awaitPrecedence,
  type Batch,
  controlView,
  precedenceMs,
  readBack,
  readsOnlyKills,
  unknownOutcome,
} from '../answers.ts';
import { readBeat, type ReportedBeat, unreadableBeat } from '../beats.ts';
import type { Append, ControlConnection, ControlScope, ControlStore } from '../ports.ts';
import { redisAlerts } from './alerts.ts';
import { redisApprovalKeeper } from './approvals.ts';
import { ENDPOINT_KEYS, type RedisEndpoint, type RedisEndpointOptions, redisEndpoint } from './endpoint.ts';
import { isReply, requireReplicated, stateIsGone } from './errors.ts';
import { evictionProblem } from './eviction.ts';
import { inspectRedis } from './inspection.ts';
import { redisDropper, requireNext } from './dropper.ts';
import { loadIoredis } from './ioredis.ts';
import { redisJournals } from './journal.ts';
import type { RedisKeys } from './keys.ts';
import { clearForks, forgetExecutor, readForks, readKept, writerOf } from './kept.ts';
import { redisLedgerReader } from './ledger.ts';
import { redisOperating } from './operating.ts';
import { atOneMoment, entriesBetween, redisReader } from './reader.ts';
import { headText, headTextAfter, logId, reply } from './replies.ts';
import { redisReplication } from './replication.ts';
import { APPEND, APPEND_WHEN_FULL, runScript, SETTLE, waitMs } from './scripts.ts';
import { redisShelfReader } from './shelf.ts';
import { redisStopReader } from './stops.ts';
import { redisTally } from './tally.ts';
import { Upkeep } from './upkeep.ts';
import { writersName } from '../writers.ts';

/** Which Redis, and under which user and prefix. */
export type RedisControlStoreOptions = RedisEndpointOptions;

const PAGE = 500;

/**
 * A switch in Redis 7 or newer, as an operator holds it. What it has appended is as durable as Redis makes it:
 * `appendonly yes` with `appendfsync always` keeps it when Redis dies, `replicas` keeps it when the machine dies.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export function redisControlStore(options: RedisControlStoreOptions): ControlStore {
  const endpoint = redisEndpoint(checkKeys('redisControlStore', options, ENDPOINT_KEYS));
  return {
    location: endpoint.location,
    side: 'operator',
    ownClock: true,
    async loadPackages() {
      await loadIoredis();
    },
    open: (scope) => openControl(endpoint, scope),
  };
}

function openControl(endpoint: RedisEndpoint, { organizationId, requestTimeoutMs }: ControlScope): ControlConnection {
  const reading = redisReader(endpoint, { organizationId, requestTimeoutMs, executor: null });
  const upkeep = new Upkeep(reading);
  const parts = { ...reading, upkeep };
  const { connection, keys, replies, reader } = parts;
  const log = async function* (after: number): AsyncGenerator<LogEvent> {
    for (let last = after; ; ) {
      const entries = await entriesBetween(parts, { from: `(${logId(last)}`, to: '+', most: PAGE });
      const [first] = entries;
      if (first) {
        const { seq: next } = replies.event(first);
        await requireNext(endpoint, parts, { after: last, next, since: after });
      }
      for (const entry of entries) {
        const event = replies.event(entry);
        last = event.seq;
        yield event;
      }
      if (entries.length < PAGE) return;
    }
  };

  const parsed = (key: EntryKey, text: string): Entry =>
    parseEntry(key, replies.json(text, `an unreadable entry ${JSON.stringify(key)}`));

  const me = randomUUID();
  /** The texts of the heads that were read: append compares texts, and another version may write other ones. */
  const headTexts = new WeakMap<Head, string>();
  const readHead = (stored: string | null, onlyKills: boolean): Head | null => {
    const head = onlyKills ? replies.headToAddTo(stored) : replies.head(stored);
    if (head && stored !== null) headTexts.set(head, stored);
    return head;
  };

  /** When the state was read on which the changes were planned, by `performance.now()`. */
  let readAt = 0;

  /** The last append that may not be on the replicas: before they have it, a read must not take it for done. */
  let unsettled: readonly Append[] | null = null;
  const settle = async (): Promise<void> => {
    const appended = unsettled;
    if (!appended || endpoint.replicas === 0) return;
    await connection.request({
      access: 'write',
      send: async (client, leftMs) => {
        const call = {
          script: SETTLE,
          keys: [keys.head],
          args: [],
          replicas: endpoint.replicas,
          waitMs: waitMs(leftMs),
        };
        requireReplicated(await runScript(client, call), endpoint, 'What was appended there may yet be lost.');
      },
    });
    if (unsettled === appended) unsettled = null;
  };

  /** The appends that are not answered yet. */
  const appending = new Set<Promise<unknown>>();

  return {
    ...reader,
    shelf: redisShelfReader(parts),
    async load(held, nonce) {
      const snapshot = await reader.load(held, nonce);
      upkeep.begin();
      return snapshot;
    },
    async close() {
      // An append that is cut off is answered by no one: each ends within its time.
      await Promise.allSettled(appending);
      await upkeep.settled();
      await reader.close();
    },
    async read(entryKeys) {
      readAt = performance.now();
      await settle();
      const asked = [...new Set(entryKeys)];
      const onlyKills = readsOnlyKills(asked);
      const [headReply, timeReply, hasState, values] = await connection.request({
        access: 'read',
        send: (client) =>
          atOneMoment(keys, () => {
            const reads = client.pipeline().get(keys.head).time().hexists(keys.state, 'control');
            return asked.length > 0 ? reads.hmget(keys.state, ...asked) : reads;
          }),
      });
      const head = readHead(replies.parse(reply.textOrNil, headReply, 'a head that cannot be read'), onlyKills);
      if (head && hasState !== 1) throw stateIsGone(endpoint, keys);
      const texts = replies.parse(reply.texts, values ?? [], 'a state that cannot be read');
      const entries = asked.map((key, index) => {
        const text = head ? (texts[index] ?? null) : null; // without a head the entries that are left are no state
        return [key, text === null ? undefined : onlyKills ? storedKill(key, text) : parsed(key, text)] as const;
      });
      upkeep.begin();
      return controlView(new Map(entries), head, replies.time(timeReply));
    },
    async append(...changes) {
      const batch = readBack(changes);
      const { expected, head } = batch;
      const { epoch } = head;
      const before = expected && (headTexts.get(expected) ?? headText(expected));
      const heads = { before: before ?? '', after: headTextAfter(before, expected, head) };
      const change: { outcome: 'not sent' | 'unknown' | 'known' } = { outcome: 'not sent' };
      const send = async (client: Redis, leftMs: number): Promise<unknown> => {
        // Authority is given only where what is used of it is kept; taken it is anywhere.
        const problem = batch.loosens || batch.recovers || expected === null ? await evictionProblem(client) : null;
        if (problem !== null) throw evicts(endpoint, problem);
        change.outcome = 'unknown';
        try {
          const result = await runScript(client, {
            script: batch.loosens ? APPEND : APPEND_WHEN_FULL,
            keys: [keys.head, keys.state, keys.log, keys.changes, keys.precedence],
            args: appendArgs(changes, batch, { keys, heads, me, needsMs: precedenceMs(performance.now() - readAt) }),
            replicas: endpoint.replicas,
            waitMs: waitMs(leftMs),
          });
          change.outcome = 'known';
          if (result.reply !== 1) return result.reply;
          unsettled = result.replicated ? null : changes;
          return requireReplicated(result, endpoint, `Change ${epoch} is in the log there, but may yet be lost.`);
        } catch (error) {
          if (isReply(error)) change.outcome = 'known';
          throw error;
        }
      };
      try {
        const answered = connection.request({ access: 'write', send });
        appending.add(answered);
        const answer = await answered.finally(() => appending.delete(answered));
        upkeep.begin();
        const swapped = replies.parse(reply.swapped, answer, 'something that is not the switch');
        if (swapped === 2) await awaitPrecedence(batch);
        const appended = swapped === 1;
        // Reports that cannot be removed now are against a generation that is over.
        if (appended && batch.recovers) await clearForks(parts).catch(() => {});
        return appended;
      } catch (error) {
        if (change.outcome !== 'unknown') throw error;
        unsettled = changes;
        throw unknownOutcome(error, epoch);
      }
    },
    executors: async () =>
      (await readKept(parts, 'beats')).map(({ name, id, text, problem }): ReportedBeat => {
        const beat = problem ? unreadableBeat(id || (name ?? ''), text) : readBeat(id, text, { isStamped: true });
        // A user who may write this key may write under this name only. The name in the beat itself may be another
        // executor's.
        const foreign = name !== null && beat.problem === undefined && beat.name !== name;
        return {
          ...beat,
          ...writerOf(name),
          ...(foreign && { problem: `it is kept under the name ${quoteId(name)}, and says ${quoteId(beat.name)}` }),
        };
      }),
    async forget(executorId, writer) {
      const name = writer === undefined ? undefined : (writersName(writer) ?? undefined);
      // this store names no other writers
      if (writer === undefined || name !== undefined) await forgetExecutor(parts, executorId, name);
    },
    journals: redisJournals(parts),
    forks: { read: (generation) => readForks(parts, generation) },
    approvals: redisApprovalKeeper(parts),
    ledger: redisLedgerReader(parts),
    stops: redisStopReader(parts),
    alerts: redisAlerts(endpoint, parts),
    tally: redisTally(parts),
    operating: redisOperating(parts, endpoint),
    replication: redisReplication(parts),
    inspect: () => inspectRedis(parts, endpoint),
    problem: async () => {
      const problem = await connection.request({ access: 'read', send: evictionProblem });
      return problem === null ? null : `Redis at ${endpoint.location} ${problem}.`;
    },
    anchors: null,
    snapshots: null,
    owns: () => false,
    dropper: redisDropper(endpoint, { ...parts, organizationId }, log),
    log,
  };
}

const evicts = ({ location }: RedisEndpoint, problem: string): KillSwitchError =>
  new KillSwitchError(
    'INVALID_STATE',
    `Nothing is given back over Redis at ${location}, which ${problem}. Whatever stops or tightens goes on.`,
  );

/** A kill as it is stored, to be added to; a text that is no JSON counts as something that this version cannot read. */
function storedKill(key: EntryKey, text: string): Entry<'kill'> {
  let value: unknown = text;
  try {
    value = JSON.parse(text);
  } catch {
    // the text itself is set aside
  }
  return killToAddTo(placeOf(key)[1] ?? '', value);
}

interface Appending {
  readonly keys: RedisKeys;
  /** The texts of the head before and after; '' before the first event. */
  readonly heads: { readonly before: string; readonly after: string };
  readonly me: string;
  readonly needsMs: number;
}

function appendArgs(
  changes: readonly Append[],
  { texts, goesFirst, recovers }: Batch,
  { keys, heads, me, needsMs }: Appending,
): (string | number)[] {
  const entries = new Map<EntryKey, string | null>();
  for (const { patch } of changes) {
    for (const key of patch.remove) entries.set(key, null);
    for (const [key, entry] of patch.set) entries.set(key, JSON.stringify(entry));
  }
  const set = [...entries].filter((each): each is [EntryKey, string] => each[1] !== null);
  return [
    heads.before,
    heads.after,
    keys.channel,
    recovers ? 1 : 0,
    goesFirst ? 1 : 0,
    me,
    needsMs,
    texts.length,
    ...changes.flatMap(({ event }, index) => [logId(event.seq), texts[index] ?? '']),
    set.length,
    ...set.flat(),
    ...[...entries].filter(([, entry]) => entry === null).map(([key]) => key),
  ];
}
