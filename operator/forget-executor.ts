import { invalid, quoteId, shellWord, shownId } from '../flags/index.ts';
import type { ControlConnection } from '../store/ports.ts';
import { readSurfaces } from '../store/reports.ts';

/**
 * Takes an executor out of the count. Anybody who may report at all may report under any id, and is then another executor: where several writers have one id, it
 * must be said whose is meant.
 * @throws KillSwitchError INVALID_ARGUMENT
 */
export async function forgetExecutor(
  connection: Pick<ControlConnection, 'executors' | 'forget' | 'shelf'>,
  id: string,
  writer?: string,
): Promise<void> {
  await connection.forget(id, writer ?? (await onlyWriter(connection, id)));
}

async function onlyWriter(
  connection: Pick<ControlConnection, 'executors' | 'shelf'>,
  id: string,
): Promise<string | undefined> {
  const reports = [...(await connection.executors()), ...(await readSurfaces(connection.shelf))];
  const writers = new Set(reports.filter((report) => report.id === id).map(({ writer }) => writer ?? null));
  const [first, ...others] = writers;
  if (others.length > 0) {
    const known = [...writers].map((each) => (each === null ? 'somebody unknown' : quoteId(each)));
    throw invalid(
      `${known.length} writers report under the id ${quoteId(id)}: ${known.join(', ')}. Each is an executor of its own, and at most one of them was given that id: say whose you mean (writer, --writer).`,
    );
  }
  return first ?? undefined;
}

/** The command that forgets exactly this executor, ready to be pasted. */
export const forgetCommand = ({ id, writer }: { readonly id: string; readonly writer: string | null }): string => {
  const whose = writer === null ? '' : `--writer ${shellWord(shownId(writer))} `;
  return `kill-switch executors forget ${whose}${id.startsWith('-') ? '-- ' : ''}${shellWord(shownId(id))}`;
};
