import { z } from 'zod';
import type { Journal, JournalEntry, JournalKeeper, JournalReader } from '../capabilities/journal.ts';
import {
  endedEntry,
  type ForgottenBefore,
  isOver,
  jsonIn,
  pageOf,
  parseEnd,
  parseIntent,
  unreadableIntent,
} from '../journal-entries.ts';
import type { ExecutorScope } from '../ports.ts';
import type { RedisEndpoint } from './endpoint.ts';
import { corrupt, requireReplicated } from './errors.ts';
import { REMOVE, SHORTEN } from './journal-scripts.ts';
import { escapeId, nameOf } from './keys.ts';
import { allOf, type RedisReader } from './reader.ts';
import { LIBRARY } from './report-scripts.ts';
import { runScript, type ScriptCall, waitMs } from './scripts.ts';

/** How many entries are asked for at once, and how many fields of a list. */
const [ENTRIES, FIELDS] = [100, 10_000];

/** How many attempts of a key are looked for at once. */
const ATTEMPTS = 8;

const textOrNil = z.string().nullable();
const intended = z.union([
  z.tuple([z.literal(1)]),
  z.tuple([z.literal(0), z.string(), z.string(), z.string(), z.string()]),
]);
const texts = z.array(z.string());
const nullable = z.array(textOrNil);

/** What is kept of one attempt: the field and the value in the hash of all intents, and what its executor says. */
interface Kept {
  readonly field: string;
  readonly value: string;
  readonly landed: string | null;
  readonly ended: string | null;
}

/** An intent's value, read. `name`, escaped, says under which keys its ends are. */
interface KeptIntent {
  readonly name: string;
  readonly id: string;
  readonly executorId: string;
  readonly at: string;
  readonly json: string;
}

const fieldOf = (key: string, attempt: number): string => `${key}\n${attempt}`;

const timeOf = (ms: string): string => new Date(Math.min(Number(ms), 8.64e15)).toISOString();

function intentIn(value: string): KeptIntent | null {
  const [, name, id, executorId, ms, json] = /^(\S+) (\S+) (\S+) (\d+) (.*)$/s.exec(value) ?? [];
  if (name === undefined || id === undefined || executorId === undefined) return null;
  return { name, id, executorId: nameOf(executorId), at: timeOf(ms ?? ''), json: json ?? '' };
}

/** Any executor may have written it: what cannot be read is shown as an attempt of which nothing is known. */
function entryOf({ field, value, landed, ended }: Kept, runId: string | null): JournalEntry {
  const [key = '', attempt = ''] = field.split('\n');
  const kept = intentIn(value);
  const intent = kept && parseIntent(jsonIn(kept.json));
  const at = kept?.at ?? new Date(0).toISOString();
  const readable = intent?.idempotency_key === key && String(intent.attempt) === attempt && intent.id === kept?.id;
  let entry: JournalEntry = {
    ...(readable ? intent : unreadableIntent(key, { attempt: Number(attempt) || 1, run_id: runId })),
    state: 'intended',
    ...{ executor_id: kept?.executorId ?? '', executor_name: nameOf(kept?.name ?? '') },
    ...{ intended_at: at, at },
  };
  for (const stored of [landed, ended]) {
    const [, ms, json] = /^(\d+) (.*)$/s.exec(stored ?? '') ?? [];
    const end = json === undefined ? null : parseEnd(jsonIn(json));
    if (end && ms !== undefined) entry = endedEntry(entry, end, timeOf(ms));
  }
  return entry;
}

/** A run's list, as it was read last. */
interface ListedRun {
  readonly key: string;
  /** Each once: a list may name one several times. */
  readonly fields: Set<string>;
  /** How long the list is, and what is at its end. */
  readonly length: number;
  readonly end: string;
}

/** Reads the journals in Redis; executors and operators read alike. */
function journalReader({ connection, keys, replies }: RedisReader): JournalReader & {
  readonly keptAttempts: (key: string) => Promise<Kept[]>;
  readonly listOf: (key: string) => Promise<string[]>;
  readonly keptOf: (fields: readonly string[]) => Promise<Kept[]>;
} {
  const unreadable = 'a journal that cannot be read';
  const hmget = async (key: string, fields: readonly string[]): Promise<(string | null)[]> =>
    replies.parse(
      nullable,
      await connection.request({ access: 'read', send: (client) => client.hmget(key, ...fields) }),
      unreadable,
    );

  /** The intents of these fields, with their ends; what is there no longer is left out. */
  const keptOf = async (fields: readonly string[]): Promise<Kept[]> => {
    if (fields.length === 0) return [];
    const values = await hmget(keys.journal, fields);
    const found = fields.flatMap((field, index) => {
      const value = values[index] ?? null;
      return value === null ? [] : [{ field, value, intent: intentIn(value) }];
    });
    const asked = new Map<string, string[]>();
    for (const { intent } of found) {
      if (!intent) continue;
      const of = asked.get(intent.name) ?? [];
      if (of.length === 0) asked.set(intent.name, of);
      of.push(`${intent.id}\nlanded`, `${intent.id}\nended`);
    }
    const answers =
      asked.size === 0
        ? []
        : await connection.request({
            access: 'read',
            send: (client) => {
              const pipeline = client.pipeline();
              for (const [name, of] of asked) pipeline.hmget(keys.executorEscaped(name).journal, ...of);
              return allOf(pipeline);
            },
          });
    const ends = new Map<string, string | null>();
    for (const [index, [name, of]] of [...asked].entries())
      for (const [at, end] of replies.parse(nullable, answers[index] ?? [], unreadable).entries())
        ends.set(`${name} ${of[at]}`, end);
    const endOf = (intent: KeptIntent | null, end: 'landed' | 'ended'): string | null =>
      (intent && ends.get(`${intent.name} ${intent.id}\n${end}`)) ?? null;
    return found.map(({ field, value, intent }) => ({
      ...{ field, value, landed: endOf(intent, 'landed'), ended: endOf(intent, 'ended') },
    }));
  };

  const listOf = async (key: string, start = 0): Promise<string[]> => {
    const all: string[] = [];
    for (;;) {
      const from = start + all.length;
      const answer = await connection.request({
        access: 'read',
        send: (client) => client.lrange(key, from, from + FIELDS - 1),
      });
      const part = replies.parse(texts, answer, unreadable);
      all.push(...part);
      if (part.length < FIELDS) return all;
    }
  };

  let last: ListedRun | null = null;

  /** The fields of a run's list. Whoever reads it in parts gets what has come since the part before, and no more. */
  const fieldsOf = async (key: string): Promise<ReadonlySet<string>> => {
    if (last?.key === key) {
      const { fields, length, end } = last;
      const [first, ...more] = await listOf(key, length - 1);
      // It only grows at its end. Where something else is there, an operator has shortened it at its beginning.
      if (first === end) {
        for (const field of more) fields.add(field);
        last = { key, fields, length: length + more.length, end: more.at(-1) ?? end };
        return fields;
      }
    }
    const all = await listOf(key);
    const fields = new Set(all);
    const end = all.at(-1);
    last = end === undefined ? null : { key, fields, length: all.length, end };
    return fields;
  };

  const keptAttempts = async (key: string): Promise<Kept[]> => {
    const found: Kept[] = [];
    for (let from = 1; ; from += ATTEMPTS) {
      const fields = Array.from({ length: ATTEMPTS }, (_, index) => fieldOf(key, from + index));
      const kept = await keptOf(fields);
      found.push(...kept);
      if (kept.length < ATTEMPTS) return found;
    }
  };

  return {
    keptAttempts,
    listOf,
    keptOf,
    async runs(page) {
      const runs = new Set(await listOf(keys.journalRuns));
      return pageOf(
        [...runs].reverse().map((run) => (run === '' ? null : run)),
        page,
      );
    },
    async entriesOf(runId, page) {
      const { data: fields, count } = pageOf([...(await fieldsOf(keys.run(runId).journalRun))], page);
      if (page.skip + page.limit >= count) last = null;
      const data: JournalEntry[] = [];
      for (let from = 0; from < fields.length; from += ENTRIES)
        for (const kept of await keptOf(fields.slice(from, from + ENTRIES))) {
          const entry = entryOf(kept, runId);
          if (entry.run_id === runId) data.push(entry); // any executor may have put another run's into the list
        }
      return { data, count };
    },
    attemptsOf: async (key) => (await keptAttempts(key)).map((kept) => entryOf(kept, null)),
  };
}

/** The journal of one executor in Redis. */
export function redisJournal(
  endpoint: RedisEndpoint,
  parts: RedisReader,
  { executorId, executorName }: Pick<ExecutorScope, 'executorId' | 'executorName'>,
): Journal {
  const { connection, keys, replies } = parts;
  const { runs, entriesOf, attemptsOf } = journalReader(parts);
  const own = keys.executor(executorName);
  const call = (consequence: string, asked: Pick<ScriptCall, 'script' | 'keys' | 'args'>): Promise<unknown> =>
    connection.request({
      access: 'write',
      send: async (client, leftMs) => {
        const { replicas } = endpoint;
        return requireReplicated(
          await runScript(client, { ...asked, replicas, waitMs: waitMs(leftMs) }),
          endpoint,
          consequence,
        );
      },
    });
  return {
    ...{ runs, entriesOf, attemptsOf },
    async intend(intent) {
      const { idempotency_key: key, attempt, id, run_id } = intent;
      const answer = await call('The intent does not count.', {
        script: LIBRARY.scripts.intend,
        keys: [keys.journal, keys.journalRuns, keys.run(run_id).journalRun],
        args: [
          ...[key, attempt, id, own.escaped, escapeId(executorId)],
          ...[JSON.stringify(intent), run_id ?? '', keys.executorPrefix],
        ],
      });
      const parsed = replies.parse(intended, answer, 'a journal that cannot be read');
      if (parsed[0] === 1) return { is: 'new' };
      const [, field, value, landed, ended] = parsed;
      const entry = entryOf({ field, value, landed: landed || null, ended: ended || null }, null);
      if (entry.id === 'unreadable')
        throw corrupt(endpoint, `holds an intent under this idempotency key that cannot be read.`);
      return { is: 'existing', entry };
    },
    async end({ id, idempotency_key, attempt, run_id }, end) {
      const found = await call('It may yet be lost.', {
        script: LIBRARY.scripts.end,
        keys: [keys.journal, own.journal, keys.run(run_id).journalRun],
        args: [
          ...[idempotency_key, attempt, id, own.escaped, escapeId(executorId)],
          ...[end.state === 'landed' ? 1 : 0, JSON.stringify(end)],
        ],
      });
      return found === 1;
    },
  };
}

/** The operator's side of the journals in Redis. */
export function redisJournals(parts: RedisReader): JournalKeeper {
  const { connection, keys } = parts;
  const { runs, entriesOf, attemptsOf, keptAttempts, listOf, keptOf } = journalReader(parts);
  const run = (call: ScriptCall): Promise<unknown> =>
    connection.request({ access: 'write', send: (client) => runScript(client, call) });

  /** The attempts of a key that nobody needs any more: all of them, or none. */
  const overOf = async (key: string, before: ForgottenBefore): Promise<Kept[]> => {
    const attempts = await keptAttempts(key);
    const last = attempts.at(-1);
    return last && isOver(entryOf(last, null), before) ? attempts : [];
  };

  /** Forgets what may be of the intents of one run. Notes in `runs` those whose lists name what is gone. */
  const forgetIn = async (runId: string | null, before: ForgottenBefore, runs: Set<string | null>): Promise<number> => {
    let forgotten = 0;
    const fields = [...new Set(await listOf(keys.run(runId).journalRun))];
    for (let from = 0; from < fields.length; from += ENTRIES) {
      const some = fields.slice(from, from + ENTRIES);
      const kept = await keptOf(some);
      if (kept.length < some.length) runs.add(runId);
      for (const each of kept) {
        if (!isOver(entryOf(each, runId), before)) continue;
        const over = await overOf(each.field.slice(0, each.field.lastIndexOf('\n')), before);
        if (over.length === 0) continue;
        for (const attempt of over) runs.add(entryOf(attempt, runId).run_id);
        const args = over.flatMap(({ field, value }) => {
          const intent = intentIn(value);
          return [field, intent ? keys.executorEscaped(intent.name).journal : '', intent?.id ?? ''];
        });
        await run({ script: REMOVE, keys: [keys.journal], args });
        forgotten += over.length;
      }
    }
    return forgotten;
  };

  /** Shortens the list of a run by what is gone at its beginning. */
  const shorten = async (runId: string | null): Promise<void> => {
    const list = keys.run(runId).journalRun;
    const fields = await listOf(list);
    let gone = 0;
    for (let from = 0; from === gone && from < fields.length; from += ENTRIES) {
      const some = fields.slice(from, from + ENTRIES);
      const left = new Set((await keptOf(some)).map(({ field }) => field));
      const first = some.findIndex((field) => left.has(field));
      gone += first < 0 ? some.length : first;
    }
    if (gone > 0) await run({ script: SHORTEN, keys: [list, keys.journalRuns], args: [gone, runId ?? ''] });
  };

  return {
    ...{ runs, entriesOf, attemptsOf },
    async forget(before) {
      let forgotten = 0;
      const changed = new Set<string | null>();
      for (const runId of new Set(await listOf(keys.journalRuns)))
        forgotten += await forgetIn(runId === '' ? null : runId, before, changed);
      for (const runId of changed) await shorten(runId);
      return forgotten;
    },
  };
}
