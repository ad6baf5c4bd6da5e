import { setTimeout as sleep } from 'node:timers/promises';
import {
  entryKey,
  isNamed,
  KillSwitchError,
  type NamedKill,
  type Rollback,
  shellWord,
  shownId,
} from '../flags/index.ts';
import type { ControlConnection } from '../store/ports.ts';
import type { Said } from '../store/reversals.ts';
import { type RollbackItem, type RollbackList, rollbackList, type RollbackScope } from '../store/rollback-list.ts';
import { type Acknowledgements, allStopped } from './acknowledge.ts';
import type { Recorded } from './change-queue.ts';
import type { Command, CommandOf } from './commands/index.ts';
import type { KillAnswer, RollbackAnswer, RollbackPreview } from './answers.ts';
import type { KillOptions } from './given/kill.ts';
import type { GivenRollback } from './given/rollback.ts';
import type { Heard } from './hearing.ts';
import { isChangeRefusedError } from './refusals.ts';
import { rollbackActions } from './rollback-outcomes.ts';
import { ended, look, type Looked, MOST_POLL_MS, ownEnd, type Waited, type WaitingParts } from './rollback-end.ts';
import { choosePerformer, lifeOf } from './rollback-performer.ts';
import { journalsOf } from './runs.ts';

/** What a rollback needs of the control plane. */
export interface RollingBack extends WaitingParts {
  readonly append: (command: Command) => Promise<Recorded>;
  readonly kill: (options: KillOptions) => Promise<KillAnswer>;
  /** Records what executors have stopped by themselves, so that it can be named. */
  readonly copyStops: () => Promise<unknown>;
}

/** The run of a target, or null. */
const runOf = (target: string): string | null => (target.startsWith('run:') ? target.slice('run:'.length) : null);

async function listOf(connection: ControlConnection, scope: RollbackScope): Promise<RollbackList> {
  const journals = journalsOf(connection);
  const resolved = (await connection.read([entryKey('resolutions')])).get('resolutions')?.resolved ?? [];
  const said: Said = (intent) => resolved.findLast((each) => each.intent === intent);
  return rollbackList(journals, scope, said);
}

/** What a rollback would find, and by whom it would be undone. @throws KillSwitchError NOT_FOUND */
export async function previewOf(
  { connection, hearing }: Pick<RollingBack, 'connection' | 'hearing'>,
  scope: RollbackScope,
): Promise<RollbackPreview> {
  const { hash, items } = await listOf(connection, scope);
  if (items.length === 0) throw nothingOf(scope);
  const heard = await hearing.hear();
  const left = leftOf(items);
  const chosen = left.length === 0 ? null : await choosePerformer(connection, heard, { items: left, except: null });
  const performer = typeof chosen === 'string' ? null : (chosen?.performer ?? null);
  const isLeft = new Set(left);
  const lacking = (item: RollbackItem): boolean =>
    isLeft.has(item) && chosen !== null && (typeof chosen === 'string' || !chosen.can(item));
  const actions = rollbackActions(items, { asked: null, isHere: isHere(heard), lacking });
  const found = { run_id: runOf(scope.target), ...scope, hash, actions };
  const able = items.filter((item, at) => actions[at]?.outcome === 'reversible' && !lacking(item)).length;
  return { ...found, performer, able, problem: typeof chosen === 'string' ? chosen : null };
}

/** Whether an executor may still do something. */
const isHere =
  (heard: Heard) =>
  (id: string): boolean =>
    lifeOf(heard, id) !== 'gone';

const nothingOf = ({ target, since }: RollbackScope, stands = ''): KillSwitchError =>
  new KillSwitchError(
    'NOT_FOUND',
    `${stands}Nothing that ${shownId(target)} has done${since === null ? '' : ` since ${since}`} is in the journal: only actions with reverse, irreversible or journal: true are. See the runs: kill-switch runs`,
  );

/** What is left to try: also what was interrupted, which is repeated where its action is idempotent. */
const leftOf = (items: readonly RollbackItem[]): RollbackItem[] =>
  items.filter(({ reverse, undone }) => reverse !== null && undone.state !== 'reversed');

/** The targets that reach all of these effects, by who has done them: what stops one of those stops each reversal. */
function targetsAbove({ target }: RollbackScope, items: readonly RollbackItem[]): string[] {
  const of = ({ entry }: RollbackItem): Set<string> =>
    new Set([
      'all',
      ...[entry.agent_id, ...(entry.lineage?.agents ?? [])].map((id) => `agent:${id}`),
      ...[entry.mission_id, ...(entry.lineage?.missions ?? [])].map((id) => `mission:${id}`),
      ...[entry.run_id, ...(entry.lineage?.runs ?? [])].map((id) => `run:${id}`),
    ]);
  const [first, ...others] = items.map(of);
  const common = [...(first ?? [])].filter((each) => others.every((set) => set.has(each)));
  return [...new Set([target, ...common])];
}

async function killsOn(connection: ControlConnection, targets: readonly string[]): Promise<NamedKill[]> {
  const view = await connection.read(targets.map((target) => entryKey('kill', target)));
  return targets.flatMap((target) => {
    const kill = view.get('kill', target);
    return kill ? [{ target, id: kill.id, epoch: kill.epoch }] : [];
  });
}

/** A rollback that was asked for before. */
interface Before {
  readonly is: 'under way' | 'left';
  readonly rollback: Rollback;
}

/** The last rollback of this very scope, where it has not ended and its stop still stands as it names it. */
async function before(
  { connection, hearing }: RollingBack,
  scope: RollbackScope,
  { asked }: Looked,
): Promise<Before | null> {
  const rollback = asked.findLast(({ target, since }) => target === scope.target && since === scope.since);
  if (!rollback) return null;
  const stop = await stopOf(connection, scope.target);
  if (!stop || !isNamed(rollback.kills, stop)) return null;
  if ((await ownEnd(journalsOf(connection), rollback)) !== null) return null;
  return { is: lifeOf(await hearing.hear(), rollback.performer.id) === 'gone' ? 'left' : 'under way', rollback };
}

const stopOf = async (connection: ControlConnection, target: string) =>
  (await connection.read([entryKey('kill', target)])).get('kill', target);

/** Another rollback that has some of the same to undo, and whose executor may still do so; null: none. */
async function inTheWay(
  { connection, hearing }: RollingBack,
  { asked }: Looked,
  { items, except }: { readonly items: readonly RollbackItem[]; readonly except: string | null },
): Promise<Rollback | null> {
  const heard = await hearing.hear();
  const left = new Set(items.map(({ entry }) => entry.id));
  for (const rollback of asked) {
    if (rollback.id === except || lifeOf(heard, rollback.performer.id) === 'gone') continue;
    if ((await ownEnd(journalsOf(connection), rollback)) !== null) continue;
    const theirs = await listOf(connection, { target: rollback.target, since: rollback.since });
    if (theirs.items.some(({ entry }) => left.has(entry.id))) return rollback;
  }
  return null;
}

const waitsFor = ({ target, since, asked_by }: Rollback): string =>
  `the rollback of ${shownId(target)}, asked by ${shownId(asked_by)}, has some of the same to undo, and is not over: wait for it (kill-switch rollback ${shellWord(target)}${since === null ? '' : ` --since ${since}`} --reason "…"), then ask again`;

/**
 * Stops the target, waits until it has drained, has one executor undo what it has done, and says what became of each
 * effect. Where the same was asked before and has not ended, goes on with that. Nothing is recorded beside a rollback
 * that the log has got meanwhile: whoever comes second looks again, and follows the first.
 */
export async function rollBack(parts: RollingBack, given: GivenRollback): Promise<RollbackAnswer> {
  let stopped: KillAnswer | null = null;
  let taken: number | null = null;
  for (;;) {
    const looked = await look(parts.connection);
    const found = await before(parts, given.scope, looked);
    let answer: RollbackAnswer | null;
    if (found) {
      // Only what there was when this was asked is taken over, not what somebody else has begun meanwhile.
      taken ??= stopped ? -1 : found.rollback.epoch;
      const takesOver = found.is === 'left' || (given.takeOver && taken === found.rollback.epoch);
      answer = await goOn(parts, given, { looked, found: found.rollback, takesOver, stopped });
    } else if (stopped) answer = await begin(parts, given, { looked, stopped });
    else {
      stopped = await stop(parts, given);
      continue;
    }
    if (answer) return answer;
  }
}

const stop = (parts: RollingBack, { scope, waiting, reason, onMatched }: GivenRollback): Promise<KillAnswer> =>
  parts.kill({
    target: scope.target,
    reason: `rollback: ${reason}`,
    waitMs: waiting.waitMs,
    ...(waiting.signal && { signal: waiting.signal }),
    ...(waiting.onProgress && { onProgress: waiting.onProgress }),
    ...(onMatched && { onMatched }),
  });

/** Has an executor begin with a rollback; null: the log has got another one meanwhile, so it is looked at again. */
async function begin(
  parts: RollingBack,
  given: GivenRollback,
  { looked, stopped }: { readonly looked: Looked; readonly stopped: KillAnswer },
): Promise<RollbackAnswer | null> {
  const { connection } = parts;
  const { scope, waiting } = given;
  const { acknowledgements, epoch } = stopped;
  const list = await listOf(connection, scope);
  const { hash, items } = list;
  const stood = `${shownId(scope.target)} is stopped, at epoch ${epoch}. `;
  if (items.length === 0) throw nothingOf(scope, stood);
  const answer = (why: string | null): Promise<RollbackAnswer> =>
    answerOf(parts, { scope, list, waited: null, why, acknowledgements });
  if (given.hash !== undefined && given.hash !== hash)
    throw new KillSwitchError(
      'CONFLICT',
      `${stood}What there is to undo has the hash ${hash}, not ${given.hash}: something has landed since you looked. Nothing was undone. Preview it again.`,
    );
  if (!allStopped(acknowledgements))
    return answer('not every executor has stopped and drained: ask again, with more time to wait');
  const left = leftOf(items);
  if (left.length === 0) return answer(null);
  const other = await overlapping(parts, { looked, items: left, except: null, waiting });
  if (other) return answer(waitsFor(other));
  const chosen = await choosePerformer(connection, await parts.hearing.hear(), { items: left, except: null });
  if (typeof chosen === 'string') return answer(chosen);
  const { performer } = chosen;
  await parts.copyStops();
  const kills = await killsOn(connection, targetsAbove(scope, items));
  const recorded = await appended(parts, {
    type: 'rollback',
    ...{ ...scope, hash, count: items.length, timeoutMs: given.timeoutMs, kills, performer },
    ...{ reason: given.reason, epoch: looked.epoch },
  });
  if (!recorded) return null;
  const id = String(recorded.event.data['id']);
  const rollback = recorded.view.get('rollbacks')?.asked.find((each) => each.id === id);
  if (!rollback) throw lost(recorded.event.seq);
  return waitedFor(parts, given, { rollback, acknowledgements });
}

/** Goes on with one that has not ended: waits for its executor, or has another one take over. Null: as `begin`. */
async function goOn(
  parts: RollingBack,
  given: GivenRollback,
  asked: {
    readonly looked: Looked;
    readonly found: Rollback;
    readonly takesOver: boolean;
    readonly stopped: KillAnswer | null;
  },
): Promise<RollbackAnswer | null> {
  const { looked, found, takesOver, stopped } = asked;
  const { scope, waiting, reason } = given;
  const acknowledgements = stopped?.acknowledgements ?? null;
  if (!takesOver) return waitedFor(parts, given, { rollback: found, acknowledgements });
  const list = await listOf(parts.connection, scope);
  const left = leftOf(list.items);
  const other = await overlapping(parts, { looked, items: left, except: found.id, waiting });
  const heard = await parts.hearing.hear();
  const except = found.performer.id;
  const chosen = other ? waitsFor(other) : await choosePerformer(parts.connection, heard, { items: left, except });
  if (typeof chosen === 'string') {
    const waited = { rollback: found, stopped: chosen, isOver: lifeOf(heard, except) === 'gone' };
    return answerOf(parts, { scope, list, waited, why: chosen, acknowledgements });
  }
  const { performer } = chosen;
  const recorded = await appended(parts, {
    type: 'takeover',
    ...{ id: found.id, performer, reason, epoch: looked.epoch },
  });
  if (!recorded) return null;
  const rollback = recorded.view.get('rollbacks')?.asked.find(({ id }) => id === found.id);
  if (rollback?.performer.id !== performer.id) throw lost(recorded.event.seq);
  return waitedFor(parts, given, { rollback, acknowledgements });
}

async function waitedFor(
  parts: RollingBack,
  { scope, waiting, onBegun }: GivenRollback,
  { rollback, acknowledgements }: { readonly rollback: Rollback; readonly acknowledgements: Acknowledgements | null },
): Promise<RollbackAnswer> {
  onBegun?.(rollback);
  const waited = await ended(parts, rollback, waiting.signal);
  const list = await listOf(parts.connection, scope);
  return answerOf(parts, { scope, list, waited, why: waited.stopped, acknowledgements });
}

/** What is `inTheWay`, once it has been waited for as long as for the target to stop: a stop may just have ended it. */
async function overlapping(
  parts: RollingBack,
  {
    looked,
    items,
    except,
    waiting: { waitMs, signal },
  }: {
    readonly looked: Looked;
    readonly items: readonly RollbackItem[];
    readonly except: string | null;
    readonly waiting: GivenRollback['waiting'];
  },
): Promise<Rollback | null> {
  const until = performance.now() + waitMs;
  for (;;) {
    const other = await inTheWay(parts, looked, { items, except });
    if (!other || signal?.aborted || performance.now() >= until) return other;
    parts.closed.throwIfAborted();
    await sleep(MOST_POLL_MS, undefined, { signal: parts.closed }).catch(() => parts.closed.throwIfAborted());
  }
}

/** Null: somebody else has asked for a rollback meanwhile, or for the same stop as one. */
async function appended(
  parts: RollingBack,
  command: CommandOf<'rollback'> | CommandOf<'takeover'>,
): Promise<Recorded | null> {
  try {
    return await parts.append(command);
  } catch (error) {
    if (!isChangeRefusedError(error)) throw error;
    const { refusal } = error;
    if (refusal.kind === 'changed_since') return null;
    if (refusal.kind !== 'not_stopped' || command.type !== 'rollback' || refusal.target !== command.target) throw error;
    const now = await stopOf(parts.connection, command.target);
    // Only seconded: a rollback of the same target stops it first, too.
    if (command.kills.some(({ target, id }) => target === command.target && id === now?.id)) return null;
    throw error;
  }
}

const lost = (epoch: number): KillSwitchError =>
  new KillSwitchError('CONFLICT', `The rollback was recorded at epoch ${epoch}, and is no longer the one that counts.`);

interface Answered {
  readonly scope: RollbackScope;
  readonly list: RollbackList;
  /** Null where no executor was asked. */
  readonly waited: Waited | null;
  readonly why: string | null;
  readonly acknowledgements: Acknowledgements | null;
}

async function answerOf(
  { hearing }: RollingBack,
  { scope, list: { hash, items }, waited, why, acknowledgements }: Answered,
): Promise<RollbackAnswer> {
  const rollback = waited?.rollback ?? null;
  const goesOn = waited?.isOver === false;
  const asked = { id: rollback?.id ?? '', stopped: why, goesOn };
  return {
    run_id: runOf(scope.target),
    ...scope,
    hash: rollback?.hash ?? hash,
    actions: rollbackActions(items, { asked, isHere: isHere(await hearing.hear()) }),
    rollback: rollback && { id: rollback.id, epoch: rollback.epoch, performer: rollback.performer },
    stopped: why,
    goes_on: goesOn,
    acknowledgements,
  };
}
