import { setTimeout as sleep } from 'node:timers/promises';
import {
  entryKey,
  isKillSwitchError,
  isNamed,
  KillSwitchError,
  type NamedKill,
  type Rollback,
  shownId,
} from '../flags/index.ts';
import type { JournalKeeper } from '../store/capabilities/journal.ts';
import type { ControlConnection } from '../store/ports.ts';
import { rollbackKey, type Said } from '../store/reversals.ts';
import { type RollbackItem, type RollbackList, rollbackList, type RollbackScope } from '../store/rollback-list.ts';
import { type Acknowledgements, allStopped } from './acknowledge.ts';
import type { Recorded } from './change-queue.ts';
import type { Command } from './commands/index.ts';
import type { KillAnswer, RollbackAnswer, RollbackPreview } from './answers.ts';
import type { KillOptions } from './given/kill.ts';
import type { GivenRollback } from './given/rollback.ts';
import type { Hearing } from './hearing.ts';
import { rollbackActions } from './rollback-outcomes.ts';
import { choosePerformer, lifeOf } from './rollback-performer.ts';
import { journalsOf } from './runs.ts';

/** What a rollback needs of the control plane. */
export interface RollingBack {
  readonly connection: ControlConnection;
  readonly hearing: Hearing;
  /** Fires when the control plane is closed. */
  readonly closed: AbortSignal;
  readonly append: (command: Command) => Promise<Recorded>;
  readonly kill: (options: KillOptions) => Promise<KillAnswer>;
  /** Records what executors have stopped by themselves, so that it can be named. */
  readonly copyStops: () => Promise<unknown>;
}

/** How often the journal is looked at while a rollback runs, in milliseconds: at first, and at most. */
const [POLL_MS, MOST_POLL_MS] = [25, 250];

/** How long the named executor may take to begin, and how long the store may be away meanwhile, in milliseconds. */
const [BEGIN_MS, OUTAGE_MS] = [15_000, 30_000];

/** The run of a target, or null. */
const runOf = (target: string): string | null => (target.startsWith('run:') ? target.slice('run:'.length) : null);

async function listOf(connection: ControlConnection, scope: RollbackScope): Promise<RollbackList> {
  const journals = journalsOf(connection);
  const resolved = (await connection.read([entryKey('resolutions')])).get('resolutions')?.resolved ?? [];
  const said: Said = (intent) => resolved.findLast((each) => each.intent === intent);
  return rollbackList(journals, scope, said);
}

/** What a rollback would find. @throws KillSwitchError NOT_FOUND */
export async function previewOf(connection: ControlConnection, scope: RollbackScope): Promise<RollbackPreview> {
  const { hash, items } = await listOf(connection, scope);
  if (items.length === 0) throw nothingOf(scope);
  return { run_id: runOf(scope.target), ...scope, hash, actions: rollbackActions(items, null) };
}

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

/** What was found of a rollback that was asked for before. */
type Before = { readonly is: 'none' } | { readonly is: 'under way' | 'left'; readonly rollback: Rollback };

/** The last rollback of this very scope, where it has not ended and its stops still stand as it names them. */
async function before({ connection, hearing }: RollingBack, scope: RollbackScope): Promise<Before> {
  const asked = (await connection.read([entryKey('rollbacks')])).get('rollbacks')?.asked ?? [];
  const rollback = asked.findLast(({ target, since }) => target === scope.target && since === scope.since);
  if (!rollback) return { is: 'none' };
  const stop = (await connection.read([entryKey('kill', scope.target)])).get('kill', scope.target);
  if (!stop || !isNamed(rollback.kills, stop)) return { is: 'none' };
  if ((await ownEnd(journalsOf(connection), rollback)) !== null) return { is: 'none' };
  return { is: lifeOf(await hearing.hear(), rollback.performer.id) === 'gone' ? 'left' : 'under way', rollback };
}

/** What the journal says of a rollback, by its performer: it is done, or why it has stopped; null: neither yet. */
async function ownEnd(
  journals: JournalKeeper,
  { id, performer }: Pick<Rollback, 'id' | 'performer'>,
): Promise<{ readonly stopped: string | null } | null> {
  const attempts = await journals.attemptsOf(rollbackKey(id));
  const own = attempts.findLast(({ executor_id }) => executor_id === performer.id);
  if (!own || own.state === 'intended') return null;
  if (own.state === 'landed') return { stopped: null };
  return { stopped: own.why ?? 'its executor has not said why' };
}

async function hasBegun(journals: JournalKeeper, { id, performer }: Pick<Rollback, 'id' | 'performer'>) {
  return (await journals.attemptsOf(rollbackKey(id))).some(({ executor_id }) => executor_id === performer.id);
}

/** Resolves to why nothing more was tried, or null where all was. */
async function ended(parts: RollingBack, rollback: Rollback, signal: AbortSignal | undefined): Promise<string | null> {
  const { connection, hearing, closed } = parts;
  const journals = journalsOf(connection);
  const name = shownId(rollback.performer.name);
  const begunAt = performance.now();
  let [answeredAt, isGone] = [begunAt, false];
  for (let pollMs = POLL_MS; ; pollMs = Math.min(2 * pollMs, MOST_POLL_MS)) {
    try {
      const end = await ownEnd(journals, rollback);
      if (end) return end.stopped;
      if (isGone) return `the executor ${name} has ended: ask again, and another one takes over`;
      isGone = lifeOf(await hearing.hear(), rollback.performer.id) === 'gone'; // the journal is looked at once more
      answeredAt = performance.now();
      const lateMs = BEGIN_MS + (rollback.former?.lease_ms ?? 0);
      if (answeredAt - begunAt > lateMs && !(await hasBegun(journals, rollback)))
        return `the executor ${name} has not begun within ${lateMs} ms: ask again, and say that another one takes over`;
    } catch (error) {
      if (!isKillSwitchError(error) || performance.now() - answeredAt > OUTAGE_MS) throw error;
    }
    if (signal?.aborted) return `nobody waits for it any more: it goes on in the executor ${name}`;
    closed.throwIfAborted();
    if (!isGone) await sleep(pollMs, undefined, { signal: closed }).catch(() => closed.throwIfAborted());
  }
}

/**
 * Stops the target, waits until it has drained, has one executor undo what it has done, and says what became of each
 * effect. Where the same was asked before and has not ended, goes on with that.
 */
export async function rollBack(parts: RollingBack, given: GivenRollback): Promise<RollbackAnswer> {
  const { scope, waiting } = given;
  const found = await before(parts, scope);
  if (found.is !== 'none') return goOn(parts, given, found);
  const { acknowledgements, epoch } = await parts.kill({
    target: scope.target,
    reason: `rollback: ${given.reason}`,
    waitMs: waiting.waitMs,
    ...(waiting.signal && { signal: waiting.signal }),
    ...(waiting.onProgress && { onProgress: waiting.onProgress }),
  });
  const { hash, items } = await listOf(parts.connection, scope);
  const stood = `${shownId(scope.target)} is stopped, at epoch ${epoch}. `;
  if (items.length === 0) throw nothingOf(scope, stood);
  const answer = (rollback: Rollback | null, why: string | null, now = items): RollbackAnswer =>
    answerOf({ scope, hash, rollback, stopped: why, items: now, acknowledgements });
  if (given.hash !== undefined && given.hash !== hash)
    throw new KillSwitchError(
      'CONFLICT',
      `${stood}What there is to undo has the hash ${hash}, not ${given.hash}: something has landed since you looked. Nothing was undone. Preview it again.`,
    );
  if (!allStopped(acknowledgements))
    return answer(null, 'not every executor has stopped and drained: ask again, with more time to wait');
  const left = leftOf(items);
  if (left.length === 0) return answer(null, null);
  const performer = await choosePerformer(parts.connection, await parts.hearing.hear(), { items: left, except: null });
  if (typeof performer === 'string') return answer(null, performer);
  await parts.copyStops();
  const kills = await killsOn(parts.connection, targetsAbove(scope, items));
  const { event, view } = await parts.append({
    type: 'rollback',
    ...{ ...scope, hash, count: items.length, timeoutMs: given.timeoutMs, kills, performer },
    reason: given.reason,
  });
  const id = String(event.data['id']);
  const rollback = view.get('rollbacks')?.asked.find((each) => each.id === id);
  if (!rollback) throw lost(event.seq);
  given.onBegun?.(rollback);
  const why = await ended(parts, rollback, waiting.signal);
  return answer(rollback, why, (await listOf(parts.connection, scope)).items);
}

/** Goes on with a rollback that has not ended: waits for its executor, or has another one take over. */
async function goOn(
  parts: RollingBack,
  { scope, waiting, takeOver, reason, onBegun }: GivenRollback,
  { is, rollback: found }: Exclude<Before, { is: 'none' }>,
): Promise<RollbackAnswer> {
  let rollback = found;
  let why: string | null = null;
  if (is === 'left' || takeOver) {
    const left = leftOf((await listOf(parts.connection, scope)).items);
    const heard = await parts.hearing.hear();
    const performer = await choosePerformer(parts.connection, heard, { items: left, except: found.performer.id });
    if (typeof performer === 'string') why = performer;
    else {
      const { event, view } = await parts.append({ type: 'takeover', id: found.id, performer, reason });
      rollback = view.get('rollbacks')?.asked.find(({ id }) => id === found.id) ?? found;
      if (rollback.performer.id !== performer.id) throw lost(event.seq);
    }
  }
  if (why === null) {
    onBegun?.(rollback);
    why = await ended(parts, rollback, waiting.signal);
  }
  const { hash, items } = await listOf(parts.connection, scope);
  return answerOf({ scope, hash, rollback, stopped: why, items, acknowledgements: null });
}

const lost = (epoch: number): KillSwitchError =>
  new KillSwitchError('CONFLICT', `The rollback was recorded at epoch ${epoch}, and is no longer the one that counts.`);

interface Answered {
  readonly scope: RollbackScope;
  readonly hash: string;
  readonly rollback: Rollback | null;
  readonly stopped: string | null;
  readonly items: readonly RollbackItem[];
  readonly acknowledgements: Acknowledgements | null;
}

const answerOf = ({ scope, hash, rollback, stopped, items, acknowledgements }: Answered): RollbackAnswer => ({
  run_id: runOf(scope.target),
  ...scope,
  hash: rollback?.hash ?? hash,
  actions: rollbackActions(items, { id: rollback?.id ?? '', stopped }),
  rollback: rollback && { id: rollback.id, epoch: rollback.epoch, performer: rollback.performer },
  stopped,
  acknowledgements,
});
