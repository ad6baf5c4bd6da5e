import type { LogEvent } from '../../flags/index.ts';
import { atTime, claimId, endIn, endText, isSameRequest, readRequest, requestText, timeIn } from '../approvals.ts';
import {
  type ApprovalEnd,
  type ApprovalKeeper,
  type Approvals,
  APPROVALS_KEPT_MS,
  MOST_OPEN_APPROVALS,
  type ReportedApproval,
} from '../capabilities/approvals.ts';
import type { RedisEndpoint } from './endpoint.ts';
import { requireReplicated } from './errors.ts';
import { nameOf } from './keys.ts';
import { type Kept, type OperatorParts, readApprovals, readNames, writerOf } from './kept.ts';
import { allOf, type RedisReader } from './reader.ts';
import { logId, reply } from './replies.ts';
import { LIBRARY } from './report-scripts.ts';
import { runScript, type Script, waitMs } from './scripts.ts';

/** How much is asked for in one request. */
const PAGE = 1000;
/** How long Redis is not asked again after a name was found full, in milliseconds: looking through all takes time. */
const FULL_FOR_MS = 2000;

const WHAT = 'something that is not an approval';

/** An executor's side, but for the claim, which is a confirmation. */
export function redisApprovals(
  endpoint: RedisEndpoint,
  { connection, keys, replies }: RedisReader,
  executorName: string,
): Omit<Approvals, 'claim'> {
  const own = keys.executor(executorName);
  let fullUntil = 0;
  /** What this writes counts once it is replicated. */
  const write = (script: Script, onKeys: readonly string[], args: readonly (string | number)[]): Promise<unknown> =>
    connection.request({
      access: 'write',
      send: async (client, leftMs) => {
        const { replicas } = endpoint;
        const result = await runScript(client, { script, keys: onKeys, args, replicas, waitMs: waitMs(leftMs) });
        return requireReplicated(result, endpoint, 'It does not count, and may be asked for again.');
      },
    });
  return {
    async request(asked) {
      const text = requestText(asked);
      if (performance.now() < fullUntil) return { is: 'too many', most: MOST_OPEN_APPROVALS };
      const answer = await write(
        LIBRARY.scripts.requestApproval,
        [own.approvals, own.approvalTimes, keys.names, keys.claims],
        [asked.id, text, asked.expires_ms, MOST_OPEN_APPROVALS, APPROVALS_KEPT_MS, own.escaped, keys.executorPrefix],
      );
      const kept = replies.parse(reply.text, answer, WHAT);
      if (kept === '') {
        fullUntil = performance.now() + FULL_FOR_MS;
        return { is: 'too many', most: MOST_OPEN_APPROVALS };
      }
      return isSameRequest(kept, text) ? { is: 'open', at_ms: timeIn(kept) } : { is: 'taken' };
    },
    async find(id) {
      const answer = await connection.request({
        access: 'read',
        send: async (client) =>
          (
            await runScript(client, {
              script: LIBRARY.scripts.findApproval,
              keys: [keys.claims, keys.names],
              args: [id, keys.executorPrefix],
            })
          ).reply,
      });
      const [claim, expires] = replies.parse(reply.found, answer, WHAT);
      if (claim !== '') return { is: 'ended', as: endIn(claim) };
      return expires === '' ? { is: 'missing' } : { is: 'open', expires_at: new Date(Number(expires)).toISOString() };
    },
    async end(id, as): Promise<ApprovalEnd> {
      const answer = await write(LIBRARY.scripts.endApproval, [keys.claims], [id, endText(as, executorName)]);
      return endIn(replies.parse(reply.text, answer, WHAT));
    },
    async events(after, upTo, most) {
      const events: LogEvent[] = [];
      for (let from = logId(after.epoch); ; ) {
        const entries = replies.parse(
          reply.entries,
          await connection.request({
            access: 'read',
            send: (client) => client.call('XRANGE', keys.log, `(${from}`, logId(upTo), 'COUNT', PAGE),
          }),
          'a log that cannot be read',
        );
        for (const entry of entries) events.push(replies.event(entry));
        if (events.length > most) return null;
        const last = entries.at(-1);
        if (!last || entries.length < PAGE) return events;
        [from] = last;
      }
    },
  };
}

/** The operator's side. */
export function redisApprovalKeeper(parts: OperatorParts): ApprovalKeeper {
  const { connection, keys, replies } = parts;
  const endsOf = async (ids: readonly string[]): Promise<ReadonlyMap<string, ApprovalEnd>> => {
    const ends = new Map<string, ApprovalEnd>();
    for (let from = 0; from < ids.length; from += PAGE) {
      const some = ids.slice(from, from + PAGE);
      const answer = await connection.request({ access: 'read', send: (client) => client.hmget(keys.claims, ...some) });
      replies.parse(reply.texts, answer, WHAT).forEach((text, index) => {
        if (text !== null) ends.set(some[index] ?? '', endIn(text));
      });
    }
    return ends;
  };
  const remove = async (ids: readonly string[]): Promise<void> => {
    for (let from = 0; from < ids.length; from += PAGE) {
      const some = ids.slice(from, from + PAGE);
      await connection.request({ access: 'write', send: (client) => client.hdel(keys.claims, ...some) });
    }
  };
  return {
    own: null,
    async all() {
      const kept = await readApprovals(parts);
      const requests = kept.filter(({ problem }) => !problem);
      const ends = await endsOf([...new Set(requests.map(({ id }) => id))]);
      return {
        requests: withoutDoubles(requests.map((each) => reported(each, ends.get(each.id) ?? null))),
        problems: kept.filter(({ problem }) => problem).map(({ name, text }) => `${name ?? ''}: ${text}`),
      };
    },
    async get(id) {
      const found = (await valuesOf(parts, id)).map(({ name, text }) => ({ name, id, text, problem: false }));
      if (found.length === 0) return null;
      const end = (await endsOf([id])).get(id) ?? null;
      return withoutDoubles(found.map((each) => reported(each, end)))[0] ?? null;
    },
    async uses(id, times) {
      const ids = Array.from({ length: times }, (_, use) => claimId({ id, times }, use + 1));
      return (await endsOf(ids)).size;
    },
    async expire(ids) {
      for (let from = 0; from < ids.length; from += PAGE) {
        const some = ids.slice(from, from + PAGE);
        await connection.request({
          access: 'write',
          send: (client) => {
            const pipeline = client.pipeline();
            for (const id of some) pipeline.hsetnx(keys.claims, id, atTime(endText('expired', 'system'), Date.now()));
            return allOf(pipeline);
          },
        });
      }
    },
    async forget(ids, standing = []) {
      for (const escaped of ids.length === 0 ? [] : await readNames(parts)) {
        const { approvals, approvalTimes } = keys.executorEscaped(escaped);
        for (let from = 0; from < ids.length; from += PAGE) {
          const some = ids.slice(from, from + PAGE);
          await connection.request({
            access: 'write',
            send: (client) =>
              allOf(
                client
                  .pipeline()
                  .hdel(approvals, ...some)
                  .zrem(approvalTimes, ...some),
              ),
          });
        }
      }
      await remove(ids);
      for (const one of standing) await remove(Array.from({ length: one.times }, (_, use) => claimId(one, use + 1)));
    },
  };
}

/** What is kept under this id, under each name. */
async function valuesOf(
  parts: OperatorParts,
  id: string,
): Promise<ReadonlyArray<{ readonly name: string; readonly text: string }>> {
  const { connection, keys, replies } = parts;
  const names = await readNames(parts);
  const found: { name: string; text: string }[] = [];
  for (let from = 0; from < names.length; from += PAGE) {
    const some = names.slice(from, from + PAGE);
    const answer = await connection.request({
      access: 'read',
      send: async (client) => {
        const pipeline = client.pipeline();
        for (const escaped of some) pipeline.hget(keys.executorEscaped(escaped).approvals, id);
        const answers = await pipeline.exec();
        // something else in the place of one key hides no others
        return (answers ?? []).map(([error, text]) => {
          if (error && !error.message.startsWith('WRONGTYPE')) throw error;
          return error ? null : text;
        });
      },
    });
    replies.parse(reply.texts, answer, WHAT).forEach((text, index) => {
      if (text !== null) found.push({ name: nameOf(some[index] ?? ''), text });
    });
  }
  return found;
}

/** A user who may write this key may write under its name only; the name in the request may be another executor's. */
function reported({ name, id, text }: Kept, end: ApprovalEnd | null): ReportedApproval {
  const found = readRequest(id, text, { writer: writerOf(name).writer ?? null, end });
  return found.request && found.request.requested_by !== name
    ? { ...found, problem: 'it is kept under another name than that of the executor that it names' }
    : found;
}

/** One id has one request: where several names say that it is theirs, nobody can tell which was shown. */
function withoutDoubles(found: readonly ReportedApproval[]): ReportedApproval[] {
  const byId = new Map<string, ReportedApproval>();
  for (const each of found)
    byId.set(each.id, byId.has(each.id) ? { ...each, problem: 'several requests have this id' } : each);
  return [...byId.values()];
}
