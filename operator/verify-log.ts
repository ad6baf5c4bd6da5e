import {
  foldEvent,
  follows,
  GENESIS,
  type Head,
  isKillSwitchError,
  isPlausibleLoss,
  type LogEvent,
  messageOf,
  State,
} from '../flags/index.ts';
import type { ReportedBeat } from '../store/beats.ts';

/** `problem` says in a sentence what is wrong; `events` is how many were found in order before it. */
export interface LogVerification {
  readonly ok: boolean;
  readonly events: number;
  readonly head: Head | null;
  readonly problem?: string;
}

/** What a log is held against: the head and the folded state that the store shows, and what its executors say that they hold. */
export interface Evidence {
  readonly head: Head | null;
  readonly entries: Iterable<readonly [string, unknown]>;
  readonly beats: readonly ReportedBeat[];
}

const UNANSWERED: ReadonlySet<string> = new Set(['CLOSED', 'NETWORK_FILESYSTEM', 'STORE_UNREACHABLE']);

const sorted = (entries: Iterable<readonly [string, unknown]>): Map<string, string> =>
  new Map([...entries].map(([key, value]) => [key, stable(value)] as const));

const stable = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

/**
 * Follows the whole chain, folds it anew, and holds the result against what the store shows and what executors have seen. An empty log does not verify.
 * @throws KillSwitchError STORE_UNREACHABLE, CLOSED, NETWORK_FILESYSTEM: nothing is then known
 */
export async function verifyLog(
  log: AsyncIterable<LogEvent>,
  evidence: () => Promise<Evidence>,
): Promise<LogVerification> {
  const state = new State();
  const hashes = new Map<number, string>();
  let events = 0;
  const failed = (problem: string): LogVerification => ({ ok: false, events, head: state.head, problem });
  try {
    for await (const event of log) {
      const first = events === 0;
      const linked = first
        ? event.prev === GENESIS && (event.type === 'init' || event.type === 'recover')
        : follows(event, state.hash, state.epoch);
      if (!linked) {
        return failed(
          first
            ? `The log does not begin with the start of a control plane, but with event ${event.seq} (${event.type}): its beginning was removed.`
            : `Event ${event.seq} does not follow event ${state.epoch}: something was removed, inserted or reordered there.`,
        );
      }
      state.apply(foldEvent(state, event).patch, event);
      hashes.set(event.seq, event.hash);
      events += 1;
    }
  } catch (error) {
    // A store that does not answer says nothing about its log.
    if (isKillSwitchError(error) && UNANSWERED.has(error.code)) throw error;
    return failed(messageOf(error));
  }
  if (events === 0) return failed('There is no log: it was never begun, or it was wiped.');
  let held: Evidence;
  try {
    held = await evidence();
  } catch (error) {
    if (isKillSwitchError(error) && UNANSWERED.has(error.code)) throw error;
    return failed(messageOf(error));
  }
  const { head, entries, beats } = held;
  if (head?.hash !== state.head?.hash) {
    // Events that were appended while this was read are no problem: the head is then later in the same log.
    if (!head || !state.head || head.epoch <= state.head.epoch) {
      return failed(
        `The log ends at epoch ${state.epoch}, but the store's head says ${head ? `epoch ${head.epoch}` : 'that there is nothing'}: it was cut off or replaced.`,
      );
    }
  } else {
    const [stored, folded] = [sorted(entries), sorted(state.entries())];
    for (const key of new Set([...stored.keys(), ...folded.keys()])) {
      if (stored.get(key) !== folded.get(key))
        return failed(`The stored state is not what the log says: ${key} differs.`);
    }
  }
  for (const { name, applied } of beats) {
    // Only what an executor can have seen speaks against a log: anybody can write a number.
    if (!applied || applied.generation !== state.head?.generation || !isPlausibleLoss(applied, state.head)) continue;
    if (applied.epoch <= state.epoch && hashes.get(applied.epoch) !== applied.hash) {
      return failed(
        `Executor ${name} has seen another event ${applied.epoch} than the one in this log: the log was replaced or forked.`,
      );
    }
    if (applied.epoch > Math.max(state.epoch, head?.epoch ?? 0)) {
      return failed(
        `Executor ${name} has seen epoch ${applied.epoch}, but the log ends at ${state.epoch}: the log was cut off.`,
      );
    }
  }
  return { ok: true, events, head: state.head };
}
