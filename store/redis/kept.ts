import { nameOf } from './keys.ts';
import type { RedisReader } from './reader.ts';
import { reply } from './replies.ts';
import { CLEAR_FORKS, FORGET, LIBRARY, MOST_NAME_BYTES, namesOf } from './report-scripts.ts';
import { runScript, type Script } from './scripts.ts';

/** One thing that an executor has left: `text` is what is wrong where it is a `problem`. `name`: whose keys it is in; null where an earlier version kept all of them. */
export interface Kept {
  readonly name: string | null;
  readonly id: string;
  readonly text: string;
  readonly problem: boolean;
}

const run = (
  { connection }: RedisReader,
  access: 'read' | 'write',
  call: { readonly script: Script; readonly keys: readonly string[]; readonly args: readonly string[] },
): Promise<unknown> =>
  connection.request({
    access,
    send: async (client) => (await runScript(client, { ...call, replicas: 0, waitMs: 0 })).reply,
  });

/** What all executors have left of one kind. */
export async function readKept(parts: RedisReader, kind: 'beats' | 'surfaces', before: string): Promise<Kept[]> {
  const { keys, replies } = parts;
  const answer = await run(parts, 'read', {
    script: LIBRARY.scripts.readKept,
    keys: [keys.names, before],
    args: [keys.executorPrefix, kind],
  });
  return replies.parse(reply.kept, answer, 'reports that cannot be read').map(([name, id, text, problem]) => ({
    name: name === '' ? null : nameOf(name),
    id,
    text,
    problem: problem === 1,
  }));
}

/** The escaped names of executors, as many as are read. */
export const readNames = ({ connection, keys }: RedisReader): Promise<string[]> =>
  connection.request({
    access: 'read',
    send: async (client) => namesOf(await client.getrange(keys.names, 0, MOST_NAME_BYTES - 1)),
  });

/** Takes an executor out of the count. What it reported of a fork stays: only `recover` ends that. */
export async function forgetExecutor(parts: RedisReader, id: string): Promise<void> {
  const { keys, connection } = parts;
  // What is no text is shown with a replacement for each wrong byte: it goes as it was stored.
  const names = id.includes('\ufffd') ? await readNames(parts) : null;
  const hashes = names === null ? [] : [keys.beatsBefore, ...names.map((name) => keys.executorEscaped(name).beats)];
  const stored = await connection.request({
    access: 'read',
    send: async (client) => {
      const found: { readonly key: string; readonly field: Buffer }[] = [];
      for (const key of hashes)
        for (const field of await client.hkeysBuffer(key))
          if (field.toString('utf8') === id) found.push({ key, field });
      return found;
    },
  });
  for (const { key, field } of stored)
    await connection.request({ access: 'write', send: (client) => client.hdel(key, field) });
  await run(parts, 'write', {
    script: FORGET,
    keys: [keys.names, keys.beatsBefore, keys.surfacesBefore],
    args: [keys.executorPrefix, id],
  });
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
