import { type FoundReport, quoteId } from '../../flags/index.ts';
import type { FoundReports } from '../capabilities/forks.ts';
import type { ListName } from '../ports.ts';
import { readForkReport } from '../read-fork-report.ts';
import { CLEAR_FORKS } from './fork-scripts.ts';
import { escapeId, nameOf } from './keys.ts';
import { MOST_NAME_BYTES, namesOf } from './names.ts';
import type { RedisReader } from './reader.ts';
import type { Upkeep } from './upkeep.ts';
import { reply } from './replies.ts';
import { forgetCall, LIBRARY } from './report-scripts.ts';
import { runScript, type ScriptCall } from './scripts.ts';
import { nameWriter } from '../writers.ts';

/** What operators need to read reports. */
export interface OperatorParts extends RedisReader {
  readonly upkeep: Upkeep;
}

/**
 * One thing that an executor has left; where it is a `problem`, `text` says what is wrong. `name`: the executor's,
 * whose key it is in; null for a problem with the list of names.
 */
export interface Kept {
  readonly name: string | null;
  readonly id: string;
  readonly text: string;
  readonly problem: boolean;
}

const run = ({ connection }: RedisReader, access: 'read' | 'write', call: ScriptCall): Promise<unknown> =>
  connection.request({
    access,
    send: async (client) => (await runScript(client, call)).reply,
  });

/** Calls a function of the library, after making sure that it is ours. */
const readBy = async (parts: OperatorParts, call: ScriptCall): Promise<unknown> => {
  await parts.upkeep.ensure();
  return run(parts, 'read', call);
};

const keptOf = ({ replies }: RedisReader, answer: unknown): Kept[] =>
  replies.parse(reply.kept, answer, 'reports that cannot be read').map(([name, id, text, problem]) => ({
    name: name === '' ? null : nameOf(name),
    id,
    text,
    problem: problem === 1,
  }));

/** Reads what all executors have left of one kind. */
export async function readKept(parts: OperatorParts, kind: 'beats' | 'surfaces' | 'ledger'): Promise<Kept[]> {
  const { keys } = parts;
  const call = { script: LIBRARY.scripts.readKept, keys: [keys.names], args: [keys.executorPrefix, kind] };
  return keptOf(parts, await readBy(parts, call));
}

/** Reads the requests for approvals of all executors. */
export async function readApprovals(parts: OperatorParts): Promise<Kept[]> {
  const { keys } = parts;
  const call = { script: LIBRARY.scripts.readApprovals, keys: [keys.names], args: [keys.executorPrefix, 'approvals'] };
  return keptOf(parts, await readBy(parts, call));
}

/** Reads the newest records of each name, the newest first; at most `limit` of each. */
export async function readNewest(parts: OperatorParts, kind: ListName, limit: number): Promise<Kept[]> {
  const { keys } = parts;
  const call = { script: LIBRARY.scripts.readNewest, keys: [keys.names], args: [keys.executorPrefix, kind, limit] };
  return keptOf(parts, await readBy(parts, call));
}

/** The writer of what is kept under a name, as `ReportedBeat.writer`. */
export const writerOf = (name: string | null): { readonly writer?: string } =>
  name === null ? {} : { writer: nameWriter(name) };

/** Reads the escaped names of executors. */
export const readNames = ({ connection, keys }: RedisReader): Promise<string[]> =>
  connection.request({
    access: 'read',
    send: async (client) => namesOf(await client.getrange(keys.names, 0, MOST_NAME_BYTES - 1)),
  });

/**
 * Takes an executor out of the count. Its report of a fork stays: only `recover` ends that.
 * @param name the executor's; undefined: the executors of any name that have this id
 */
export async function forgetExecutor(parts: RedisReader, id: string, name: string | undefined): Promise<void> {
  const { keys, connection } = parts;
  const where = name === undefined ? '*' : escapeId(name);
  // An id that is not UTF-8 is shown with replacement characters: it is removed by the bytes that are stored.
  const names = where === '*' ? await readNames(parts) : [where];
  const hashes = names.map((each) => keys.executorEscaped(each).beats);
  const found: { readonly key: string; readonly field: Buffer }[] = [];
  for (const key of id.includes('\ufffd') ? hashes : [])
    for (const field of await connection.request({ access: 'read', send: (client) => client.hkeysBuffer(key) }))
      if (field.toString('utf8') === id) found.push({ key, field });
  for (const { key, field } of found)
    await connection.request({ access: 'write', send: (client) => client.hdel(key, field) });
  await run(parts, 'write', forgetCall(keys, where, id));
}

/** Reads the reports of forks that executors judge, and whether there are more than that, which stops them too. */
export async function readForks(parts: OperatorParts, generation: string): Promise<FoundReports> {
  const { keys, connection, replies } = parts;
  const control = await connection.request({ access: 'read', send: (client) => client.hget(keys.state, 'control') });
  const call = {
    script: LIBRARY.scripts.readForks,
    keys: [keys.names],
    args: [keys.executorPrefix, generation, control ?? ''],
  };
  const [found, more] = replies.parse(reply.forks, await readBy(parts, call), 'reports that cannot be read');
  const reports = found.flatMap(([escaped, id, text]): FoundReport[] => {
    const report = readForkReport(text);
    const name = nameOf(escaped);
    return report ? [{ against: report.against, held: report.held, id: nameOf(id), name, by: [name] }] : [];
  });
  const who = [...new Set(reports.map(({ name }) => name))];
  const what = `more reports than are judged: of ${who.map(quoteId).join(', ')}, and perhaps others`;
  return { reports, floods: more === 1 ? [{ what, by: who }] : [] };
}

/** Removes the reports that a `recover` has ended. */
export const clearForks = async (parts: RedisReader): Promise<void> => {
  const { keys } = parts;
  await run(parts, 'write', {
    script: CLEAR_FORKS,
    keys: [keys.names, keys.changes],
    args: [keys.executorPrefix],
  });
};
