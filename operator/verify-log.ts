import {
  handlingOf,
  type Head,
  isEvidence,
  type LogEvent,
  messageOf,
  parseEntry,
  quoteId,
  type State,
} from '../flags/index.ts';
import { sameHead } from '../store/answers.ts';
import { namesOf, type ReportedBeat } from '../store/beats.ts';
import { EventChain } from './event-chain.ts';
import type { SignedHead } from './head-signature.ts';
import { contradiction, type LogProof } from './log-proof.ts';

/**
 * `problem`: a sentence that says what is wrong; `events`: how many events before it are in order. `against`: the
 * export or the head with which the log was compared.
 */
export interface LogVerification {
  readonly ok: boolean;
  readonly events: number;
  readonly head: Head | null;
  readonly against?: LogProof;
  /** Where an export was verified by itself: who has signed it; null where nobody has, or wrongly. */
  readonly signed?: SignedHead | null;
  readonly problem?: string;
}

/** The head and the state that the store shows. */
export interface Shown {
  readonly head: Head | null;
  readonly entries: Iterable<readonly [string, unknown]>;
}

/** A log, and what it is compared with. */
export interface Verified {
  /** The events after an epoch. */
  readonly log: (after: number) => AsyncIterable<LogEvent>;
  /** The beats of executors. They are read first, so that none has seen more than the head says. */
  readonly beats: () => Promise<readonly ReportedBeat[]>;
  /** Read after the log; events that were appended meanwhile are then read too. */
  readonly shown: () => Promise<Shown>;
  readonly against: LogProof | null;
}

/**
 * Checks the whole chain up to the store's head, folds it again, and compares the result with the store's state, with
 * what executors have seen, and with an export. An empty log does not verify. Holds the state, and no events.
 * @throws KillSwitchError STORE_UNREACHABLE, NOT_PERMITTED, …: nothing is known then
 */
export async function verifyLog({ log, beats, shown, against }: Verified): Promise<LogVerification> {
  const compared = against && { against };
  if (against?.problem !== undefined)
    return { ok: false, events: 0, head: null, ...compared, problem: against.problem };
  const reported = await beats();
  const seen = reported.flatMap(({ applied }) => (applied ? [applied.epoch] : []));
  const chain = new EventChain({ folds: true, remembers: [...seen, ...(against ? [against.head.epoch] : [])] });
  const judge = async (): Promise<string | null> => {
    const broken = await readOn(chain, log(0), Number.POSITIVE_INFINITY);
    if (broken !== null) return broken;
    const held = await shown();
    return (
      (await readOn(chain, log(chain.state.epoch), held.head?.epoch ?? 0)) ??
      disagreement(chain, held) ??
      foundOtherwise(chain, held.head, reported) ??
      (against && (await contradiction(chain, against, () => log(0))))
    );
  };
  let problem: string | null;
  try {
    problem = await judge();
  } catch (error) {
    // A store that does not answer proves nothing about its log.
    if (handlingOf(error).provesNothing) throw error;
    problem = messageOf(error);
  }
  const { events, head } = chain;
  return { ok: problem === null, events, head, ...compared, ...(problem !== null && { problem }) };
}

/** Reads the following events, up to an epoch. Returns what is wrong with them, or null. */
async function readOn(chain: EventChain, log: AsyncIterable<LogEvent>, upTo: number): Promise<string | null> {
  for await (const event of log) {
    if (event.seq > upTo) break;
    const problem = chain.take(event);
    if (problem !== null) return problem;
  }
  return chain.events === 0 ? 'There is no log: it was never begun, or it was wiped.' : null;
}

function disagreement({ state }: EventChain, { head, entries }: Shown): string | null {
  if (!head || !sameHead(head, state.head))
    return `The log ends at epoch ${state.epoch}, but the store's head says ${head ? `epoch ${head.epoch}` : 'that there is nothing'}: it was cut off or replaced.`;
  const key = firstDifference(state, entries);
  return key === null ? null : `The stored state is not what the log says: ${key} differs.`;
}

/** The key of an entry that one has and the other has not, or otherwise; null where there is none. */
function firstDifference(state: State, entries: Shown['entries']): string | null {
  const met = new Set<string>();
  for (const [key, value] of entries) {
    const entry = parseEntry(key, value);
    met.add(key);
    const folded = state.entry(key as Parameters<State['entry']>[0]);
    if (folded === undefined || stable(folded) !== stable(entry)) return key;
  }
  for (const [key] of state.entries()) if (!met.has(key)) return key;
  return null;
}

const stable = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

/** What an executor has seen counts against a log by the same rules as its report of a fork. */
function foundOtherwise(chain: EventChain, head: Head | null, beats: readonly ReportedBeat[]): string | null {
  const { control } = chain.state;
  if (!head || !control) return null;
  for (const beat of beats) {
    const { applied, problem } = beat;
    if (problem !== undefined || !applied || applied.generation !== head.generation) continue;
    const report = { against: head.generation, held: applied, by: namesOf(beat) };
    if (!isEvidence(report, head, control, (held) => chain.has(held))) continue;
    const who = `Executor ${beat.name} (${report.by.map(quoteId).join(', ')})`;
    return applied.epoch > head.epoch
      ? `${who} has seen epoch ${applied.epoch}, but the log ends at ${head.epoch}: the log was cut off.`
      : `${who} has seen another event ${applied.epoch} than the one in this log: the log was replaced or forked.`;
  }
  return null;
}
