import {
  follows,
  generationBegun,
  GENESIS,
  handlingOf,
  type Head,
  isEvidence,
  type LogEvent,
  messageOf,
  parseEntry,
  quoteId,
  State,
} from '../flags/index.ts';
import { sameHead } from '../store/answers.ts';
import { namesOf, type ReportedBeat } from '../store/beats.ts';

/** `problem`: a sentence that says what is wrong; `events`: how many events before it are in order. */
export interface LogVerification {
  readonly ok: boolean;
  readonly events: number;
  readonly head: Head | null;
  readonly problem?: string;
}

/**
 * What a log is compared with: the head and the state that the store shows, and the beats of its executors, read before
 * those.
 */
export interface Evidence {
  readonly head: Head | null;
  readonly entries: Iterable<readonly [string, unknown]>;
  readonly beats: readonly ReportedBeat[];
}

const sorted = (entries: Iterable<readonly [string, unknown]>): Map<string, string> =>
  new Map([...entries].map(([key, value]) => [key, stable(parseEntry(key, value))] as const));

const stable = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

/**
 * Checks the whole chain up to the store's head, folds it again, and compares the result with the store's state and
 * with what executors have seen. An empty log does not verify.
 * @param log the events after an epoch
 * @param evidence called after the log has been read; events that were appended meanwhile are then read too
 * @throws KillSwitchError STORE_UNREACHABLE, NOT_PERMITTED, …: nothing is known then
 */
export async function verifyLog(
  log: (after: number) => AsyncIterable<LogEvent>,
  evidence: () => Promise<Evidence>,
): Promise<LogVerification> {
  const chain = new Chain();
  const judge = async (): Promise<string | null> => {
    const broken = await chain.read(log(0), Number.POSITIVE_INFINITY);
    if (broken !== null) return broken;
    const held = await evidence();
    const epoch = held.head?.epoch ?? 0;
    return (await chain.read(log(chain.state.epoch), epoch)) ?? disagreement(chain, held);
  };
  let problem: string | null;
  try {
    problem = await judge();
  } catch (error) {
    // A store that does not answer proves nothing about its log.
    if (handlingOf(error).provesNothing) throw error;
    problem = messageOf(error);
  }
  const { events, state } = chain;
  return { ok: problem === null, events, head: state.head, ...(problem !== null && { problem }) };
}

/** The part of a log that is in order, and its folded state. */
class Chain {
  readonly state = new State();
  readonly hashes = new Map<number, string>();
  events = 0;

  /** Reads the following events, up to an epoch. Returns what is wrong with them, or null. */
  async read(log: AsyncIterable<LogEvent>, upTo: number): Promise<string | null> {
    const { state, hashes } = this;
    for await (const event of log) {
      if (event.seq > upTo) break;
      if (this.events === 0) {
        if (event.prev !== GENESIS || !generationBegun(event.type))
          return `The log does not begin with the start of a control plane, but with event ${event.seq} (${event.type}): its beginning was removed.`;
      } else if (!follows(event, state.hash, state.epoch)) {
        return `Event ${event.seq} does not follow event ${state.epoch}: something was removed, inserted or reordered there.`;
      }
      state.take(event);
      hashes.set(event.seq, event.hash);
      this.events += 1;
    }
    return this.events === 0 ? 'There is no log: it was never begun, or it was wiped.' : null;
  }
}

function disagreement({ state, hashes }: Chain, { head, entries, beats }: Evidence): string | null {
  if (!head || !sameHead(head, state.head)) {
    return `The log ends at epoch ${state.epoch}, but the store's head says ${head ? `epoch ${head.epoch}` : 'that there is nothing'}: it was cut off or replaced.`;
  }
  const [stored, folded] = [sorted(entries), sorted(state.entries())];
  for (const key of new Set([...stored.keys(), ...folded.keys()])) {
    if (stored.get(key) !== folded.get(key)) return `The stored state is not what the log says: ${key} differs.`;
  }
  for (const beat of beats) {
    const { applied, problem } = beat;
    // What an executor holds counts against a log by the same rules as its report of a fork.
    if (problem !== undefined || !applied || applied.generation !== head.generation || !state.control) continue;
    const report = { against: head.generation, held: applied, by: namesOf(beat) };
    if (!isEvidence(report, head, state.control, (held) => hashes.get(held.epoch) === held.hash)) continue;
    const who = `Executor ${beat.name} (${report.by.map(quoteId).join(', ')})`;
    return applied.epoch > head.epoch
      ? `${who} has seen epoch ${applied.epoch}, but the log ends at ${head.epoch}: the log was cut off.`
      : `${who} has seen another event ${applied.epoch} than the one in this log: the log was replaced or forked.`;
  }
  return null;
}
