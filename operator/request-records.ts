import { type EntryKey, type EntryPlace, entryKey, type Request, type StateView } from '../flags/index.ts';
import { isCommandType, rowOf, type Command } from './commands/index.ts';

/** A change that waits for another person, as it is shown. */
export interface RequestRecord extends Request {
  /** What it would change: a target, or the name of an entry. */
  readonly target: string;
  /** `void`: what it would change was restricted, tightened or seconded since; it must be asked for again. */
  readonly state: 'open' | 'void';
}

/** The command of a request; null for one that this version does not know. */
export const commandOf = ({ change }: Pick<Request, 'change'>): Command | null =>
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the plan of a command of this very type has kept it
  isCommandType(change['type']) ? (change as unknown as Command) : null;

/** The entry that a request would change; null where this version does not know its command. */
function placeOf(request: Pick<Request, 'change'>): EntryPlace | null {
  const command = commandOf(request);
  return command && rowOf(command).changes(command);
}

/** The entries by which it is known what has become of requests. */
export const keysOf = (requests: readonly Request[]): EntryKey[] =>
  requests.flatMap((request) => {
    const place = placeOf(request);
    return place ? [entryKey(...place)] : [];
  });

/** The requests that wait, the oldest first. What has expired is none. */
export const requestRecords = (open: readonly Request[], view: StateView, time: string): RequestRecord[] =>
  open.filter(({ expires_at }) => expires_at > time).map((request) => requestRecord(request, view));

function requestRecord(request: Request, view: StateView): RequestRecord {
  const place = placeOf(request);
  if (!place) return { ...request, target: String(request.change['type']), state: 'void' };
  const [kind, name] = place;
  const changed = view.get(kind, name)?.epoch ?? 0;
  const target = kind === 'kill' ? (name ?? '') : entryKey(kind, name);
  return { ...request, target, state: changed > request.epoch ? 'void' : 'open' };
}
