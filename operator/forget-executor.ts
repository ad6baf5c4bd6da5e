import { invalid, KillSwitchError, quoteId, shellWord, shownId } from '../flags/index.ts';
import type { ControlConnection } from '../store/ports.ts';
import { readSurfaces } from '../store/reports.ts';

/** `writer`: as `executors` shows it; required where several writers report under one id. */
export interface ForgetOptions {
  readonly writer?: string | undefined;
}

/**
 * Takes an executor out of the count. Every writer may report under any id, and counts as an executor of its own: where
 * several writers use one id, `writer` says which is meant.
 * @throws KillSwitchError INVALID_ARGUMENT; NOT_FOUND for an id that nobody reports under, so that a mistyped id is
 * noticed
 */
export async function forgetExecutor(
  connection: Pick<ControlConnection, 'executors' | 'forget' | 'shelf'>,
  id: string,
  writer?: string,
): Promise<void> {
  if (typeof id !== 'string') throw invalid(`The id of an executor is a text, not ${quoteId(id)}.`);
  if (writer !== undefined && typeof writer !== 'string')
    throw invalid(`writer is a text, as executors shows it, not ${quoteId(writer)}.`);
  const reports = [...(await connection.executors()), ...(await readSurfaces(connection.shelf))];
  const writers = new Set(reports.filter((report) => report.id === id).map((report) => report.writer ?? null));
  if (writers.size === 0 || (writer !== undefined && !writers.has(writer))) throw noExecutor(id, writer);
  await connection.forget(id, writer ?? onlyWriter(id, writers));
}

export const noExecutor = (id: string, writer?: string): KillSwitchError =>
  new KillSwitchError(
    'NOT_FOUND',
    `There is no executor ${quoteId(id)}${writer === undefined ? '' : ` of ${quoteId(writer)}`}. See their ids: kill-switch executors`,
  );

function onlyWriter(id: string, writers: ReadonlySet<string | null>): string | undefined {
  const [first, ...others] = writers;
  if (others.length > 0) {
    const known = [...writers].map((each) => (each === null ? 'somebody unknown' : quoteId(each)));
    throw invalid(
      `${known.length} writers report under the id ${quoteId(id)}: ${known.join(', ')}. Each counts as an executor of its own. Say which one you mean (writer, --writer).`,
    );
  }
  return first ?? undefined;
}

/** The command that forgets exactly this executor, ready to be pasted. */
export const forgetCommand = ({ id, writer }: { readonly id: string; readonly writer: string | null }): string => {
  const whose = writer === null ? '' : `--writer ${shellWord(shownId(writer))} `;
  return `kill-switch executors forget ${whose}${id.startsWith('-') ? '-- ' : ''}${shellWord(shownId(id))}`;
};
