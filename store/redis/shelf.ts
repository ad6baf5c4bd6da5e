import {
  KEPT_CHECKPOINTS,
  KEPT_INTERVENTIONS,
  KEPT_NOTICES,
  KEPT_PROPOSALS,
  KEPT_SEEN,
  KEPT_SHADOW,
  type KeptLists,
  type KeptText,
  type ListName,
  type Shelf,
  type ShelfReader,
} from '../ports.ts';
import { isKillSwitchError } from '../../flags/index.ts';
import { KEPT_FOR_MS } from './kept-for.ts';
import { nameOf } from './keys.ts';
import { type OperatorParts, readKept, readNames, readNewest, writerOf } from './kept.ts';
import type { RedisReader } from './reader.ts';
import { allOf } from './reader.ts';
import { reply } from './replies.ts';
import { LIBRARY } from './report-scripts.ts';
import { runScript, type Script } from './scripts.ts';

/** Where executors of one name keep their reports in Redis. */
export function redisShelf({ connection, keys }: RedisReader, executorName: string): Shelf {
  const own = keys.executor(executorName);
  const run = (script: Script, onKeys: readonly string[], args: readonly (string | number)[]): Promise<unknown> =>
    connection.request({
      access: 'write',
      send: (client) => runScript(client, { script, keys: onKeys, args }),
    });
  /**
   * Operators look only under names in the list. Each confirmation enters its name, but a report may come before the
   * first one.
   */
  let entered: Promise<unknown> | null = null;
  const enter = async (): Promise<void> => {
    entered ??= run(LIBRARY.scripts.enter, [keys.names], [own.escaped, keys.executorPrefix]);
    await entered.catch((error: unknown) => {
      entered = null;
      throw error;
    });
  };
  const add = async (kind: ListName, most: number, texts: readonly string[]): Promise<void> => {
    const stream = own[kind];
    await enter();
    await connection.request({
      access: 'write',
      send: (client) => {
        const pipeline = client.pipeline();
        for (const text of texts) pipeline.call('XADD', stream, 'MAXLEN', '~', most, '*', 'record', text);
        pipeline.call('PEXPIRE', stream, KEPT_FOR_MS[kind], 'NX'); // each beat puts the expiry off
        return allOf(pipeline);
      },
    });
  };
  return {
    appendInterventions: (texts) => add('interventions', KEPT_INTERVENTIONS, texts),
    appendProposals: (texts) => add('proposals', KEPT_PROPOSALS, texts),
    appendSeen: (texts) => add('seen', KEPT_SEEN, texts),
    appendNotices: (texts) => add('notices', KEPT_NOTICES, texts),
    appendShadow: (texts) => add('shadow', KEPT_SHADOW, texts),
    async put(name, id, text) {
      await enter();
      if (name === 'checkpoints')
        await run(LIBRARY.scripts.putCheckpoint, [own.checkpoints, own.checkpointTimes], [id, text, KEPT_CHECKPOINTS]);
      else await connection.request({ access: 'write', send: (client) => client.hset(own.surfaces, id, text) });
    },
    get: (name, id) => connection.request({ access: 'read', send: (client) => client.hget(own[name], id) }),
    async remove(name, id) {
      await connection.request({
        access: 'write',
        send: (client): Promise<unknown> =>
          name === 'surfaces'
            ? client.hdel(own.surfaces, id)
            : allOf(client.pipeline().hdel(own.checkpoints, id).zrem(own.checkpointTimes, id)),
      });
    },
  };
}

/** Reads the reports, for operators. */
export function redisShelfReader(parts: OperatorParts): ShelfReader {
  const { connection, keys, replies } = parts;
  const newest = async (kind: ListName, limit: number): Promise<KeptLists> => {
    const kept = await readNewest(parts, kind, limit);
    const texts = kept.filter(({ problem }) => !problem).map(({ name, text }) => ({ text, ...writerOf(name) }));
    return { texts: texts.reverse(), problems: kept.filter(({ problem }) => problem).map(({ text }) => text) };
  };
  return {
    interventions: (limit) => newest('interventions', limit),
    proposals: (limit) => newest('proposals', limit),
    seen: (limit) => newest('seen', limit),
    notices: (limit) => newest('notices', limit),
    shadow: (limit) => newest('shadow', limit),
    async all(name) {
      if (name === 'surfaces')
        return (await readKept(parts, 'surfaces')).map(({ name: of, id, text, problem }) => ({
          id,
          text: problem ? `(${text})` : text,
          ...writerOf(of),
        }));
      const found: (KeptText & { readonly id: string })[] = [];
      for (const executor of await readNames(parts)) {
        const { checkpoints } = keys.executorEscaped(executor);
        const answer = await connection
          .request({ access: 'read', send: (client) => client.call('HGETALL', checkpoints) })
          .catch((error: unknown) => {
            if (!isKillSwitchError(error) || error.code !== 'CORRUPT') throw error;
            return [checkpoints, `(${error.message})`]; // something else in the place of one key hides no others
          });
        const flat = replies.parse(reply.flat, answer, 'reports that cannot be read');
        flat.forEach((id, index) => {
          if (index % 2 === 0) found.push({ id, text: flat[index + 1] ?? '', ...writerOf(nameOf(executor)) });
        });
      }
      return found;
    },
  };
}
