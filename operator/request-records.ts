import { entryKey, type Request, type State } from '../flags/index.ts';
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

/** The requests that wait, the oldest first. What has expired is none. */
export function requestRecords({ state, time }: { readonly state: State; readonly time: string }): RequestRecord[] {
  const open = state.get('requests')?.open ?? [];
  return open.filter(({ expires_at }) => expires_at > time).map((request) => requestRecord(request, state));
}

function requestRecord(request: Request, state: State): RequestRecord {
  const command = commandOf(request);
  if (!command) return { ...request, target: String(request.change['type']), state: 'void' };
  const [kind, name] = rowOf(command).changes(command);
  const changed = state.get(kind, name)?.epoch ?? 0;
  const target = kind === 'kill' ? (name ?? '') : entryKey(kind, name);
  return { ...request, target, state: changed > request.epoch ? 'void' : 'open' };
}
