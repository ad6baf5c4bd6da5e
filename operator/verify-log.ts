import { canonicalize } from 'json-canonicalize';
import {
  type ArchivedPart,
  archiveSchema,
  handlingOf,
  type Head,
  isEvidence,
  KillSwitchError,
  type LogEvent,
  messageOf,
  parseEntry,
  printable,
  quoteId,
  shellWord,
  type State,
  stateFrom,
} from '../flags/index.ts';
import { sameHead } from '../store/answers.ts';
import { namesOf, type ReportedBeat } from '../store/beats.ts';
import type { ArchivedBeginning, StateAt } from '../store/capabilities/archive.ts';
import { EventChain } from './event-chain.ts';
import { hasEvent } from './has-event.ts';
import type { SignedHead } from './head-signature.ts';
import { contradiction, type LogProof, type ReadProof } from './log-proof.ts';
import { stateDigest } from './state-digest.ts';

/**
 * `problem`: a sentence that says what is wrong; `events`: how many events before it are in order. `against`: the
 * export or the head with which the log was compared. Of a log that was archived: `archived`, up to which event, and
 * how many there are up to it; `events` are then those after it. `undropped`: up to which event it is archived and
 * still whole.
 */
export interface LogVerification {
  readonly ok: boolean;
  readonly events: number;
  readonly head: Head | null;
  readonly against?: LogProof;
  readonly archived?: { readonly epoch: number; readonly events: number };
  readonly undropped?: number;
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
  /** An export, read with its part up to where the log begins. */
  readonly against: ReadProof | null;
  /** Where a log begins that was archived; null: with its first event. */
  readonly beginning: ArchivedBeginning | null;
}

/**
 * Checks the whole chain up to the store's head, folds it again, and compares the result with the store's state, with
 * what executors have seen, and with an export. Of a log that was archived it begins with the state there, which an
 * `archive` event has to name. An empty log does not verify. Holds the state, and no events.
 * @throws KillSwitchError STORE_UNREACHABLE, NOT_PERMITTED, …: nothing is known then
 */
export async function verifyLog({ log, beats, shown, against, beginning }: Verified): Promise<LogVerification> {
  const proof = against?.proof ?? null;
  if (proof && beginning) requireComparable(proof, beginning);
  const compared = proof && { against: proof };
  if (proof?.problem !== undefined) return { ok: false, events: 0, head: null, ...compared, problem: proof.problem };
  const reported = await beats();
  const seen = reported.flatMap(({ applied }) => (applied ? [applied.epoch] : []));
  const options = { folds: true, remembers: [...seen, ...(proof ? [proof.head.epoch] : [])] };
  let chain = new EventChain(options);
  const archives = new Archives(beginning);
  const judge = async (): Promise<string | null> => {
    const base = beginning && (await beginning.state());
    const digest = base && stateDigest(base.entries);
    if (base) chain = new EventChain({ ...options, base: stateFrom(base.entries, base.head) });
    const broken = await readOn(chain, archives.noting(log(chain.state.epoch)), Number.POSITIVE_INFINITY);
    if (broken !== null) return broken;
    const held = await shown();
    const first = archives.part?.first ?? chain.first;
    return (
      (await readOn(chain, log(chain.state.epoch), held.head?.epoch ?? 0)) ??
      disagreement(chain, held) ??
      archives.disagreement(base, digest) ??
      (await unarchived(chain.state, beginning, log)) ??
      foundOtherwise(chain, held.head, reported, beginning?.head.epoch ?? 0) ??
      (against && archives.otherPart(against)) ??
      (against && (await contradiction({ chain, first, log: () => log(0) }, against.proof)))
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
  const { events, head, state } = chain;
  const upTo = state.get('archive')?.head.epoch ?? 0;
  return {
    ...{ ok: problem === null, events, head, ...compared },
    ...(archives.part && { archived: { epoch: archives.part.head.epoch, events: archives.part.events } }),
    ...(upTo > (beginning?.head.epoch ?? 0) && { undropped: upTo }),
    ...(problem !== null && { problem }),
  };
}

/**
 * A proof from before the event with which the log begins says nothing of what is left.
 * @throws KillSwitchError ARCHIVED
 */
function requireComparable({ file, head, problem }: LogProof, { head: { epoch } }: ArchivedBeginning): void {
  if (problem !== undefined || head.epoch >= epoch) return;
  const name = printable(file);
  throw new KillSwitchError(
    'ARCHIVED',
    `${name} ends at epoch ${head.epoch}, and the events before epoch ${epoch} are archived, so the log was not compared with it. Compare the file that log archive has written: kill-switch log verify FILE --against ${shellWord(file)}`,
  );
}

/** What the events of a log say of its archived part. */
class Archives {
  readonly #beginning: ArchivedBeginning | null;
  #part: ArchivedPart | null = null;

  constructor(beginning: ArchivedBeginning | null) {
    this.#beginning = beginning;
  }

  /** What the event says with which the log was archived up to where it begins; null where there is none. */
  get part(): ArchivedPart | null {
    return this.#part;
  }

  async *noting(events: AsyncIterable<LogEvent>): AsyncGenerator<LogEvent> {
    for await (const event of events) {
      if (event.type === 'archive' && this.#beginning) this.#note(event.data, this.#beginning.head);
      yield event;
    }
  }

  #note({ head, events, first, digest, file }: LogEvent['data'], { epoch }: Head): void {
    const { data } = archiveSchema.safeParse({ head, events, first, digest, file });
    if (data?.head.epoch === epoch) this.#part = data;
  }

  /** How the state that the log begins with differs from what the log says of it, or null. */
  disagreement(base: StateAt | null, digest: string | null): string | null {
    if (!base) return null;
    const { epoch, hash } = base.head;
    if (!this.#part)
      return `The log begins at epoch ${epoch}, and no event of it says that it was archived up to there.`;
    return this.#part.head.hash === hash && this.#part.digest === digest
      ? null
      : `The state with which the log begins, of epoch ${epoch}, is not the one that was archived.`;
  }

  /** How an export differs from the archived part, or null. A head says nothing of it. */
  otherPart({ proof: { file, first, is }, chain, part: found }: ReadProof): string | null {
    const part = this.#part;
    if (!part || is === 'head' || first !== part.first) return null; // another log, as for one that is not archived
    const { epoch } = part.head;
    if (!chain.has(part.head))
      return `Event ${epoch} of the log is another one than in ${printable(file)}: the log was replaced or edited from there on, or before.`;
    return found?.digest === part.digest && found.events === part.events
      ? null
      : `The events of ${printable(file)} up to epoch ${epoch} come to another state than the one with which the log begins.`;
  }
}

/** How a log that says to be archived further than where it begins does not have that event, or null. */
async function unarchived(
  state: State,
  beginning: ArchivedBeginning | null,
  log: Verified['log'],
): Promise<string | null> {
  const head = state.get('archive')?.head;
  if (!head || head.epoch <= (beginning?.head.epoch ?? 0)) return null;
  if (await hasEvent(log, head)) return null;
  return `The log says that it was archived up to event ${head.epoch}, and has no such event: somebody has forged that.`;
}

/** Reads the following events, up to an epoch. Returns what is wrong with them, or null. */
async function readOn(chain: EventChain, log: AsyncIterable<LogEvent>, upTo: number): Promise<string | null> {
  for await (const event of log) {
    if (event.seq > upTo) break;
    const problem = chain.take(event);
    if (problem !== null) return problem;
  }
  return chain.state.epoch === 0 ? 'There is no log: it was never begun, or it was wiped.' : null;
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
    if (folded === undefined || canonicalize(folded) !== canonicalize(entry)) return key;
  }
  for (const [key] of state.entries()) if (!met.has(key)) return key;
  return null;
}

/** What an executor has seen counts against a log by the same rules as its report of a fork. */
function foundOtherwise(
  chain: EventChain,
  head: Head | null,
  beats: readonly ReportedBeat[],
  archived: number,
): string | null {
  const { control } = chain.state;
  if (!head || !control) return null;
  for (const beat of beats) {
    const { applied, problem } = beat;
    if (problem !== undefined || !applied || applied.generation !== head.generation) continue;
    if (applied.epoch < archived) continue; // nobody can tell by what is left
    const report = { against: head.generation, held: applied, by: namesOf(beat) };
    if (!isEvidence(report, head, control, (held) => chain.has(held))) continue;
    const who = `Executor ${beat.name} (${report.by.map(quoteId).join(', ')})`;
    return applied.epoch > head.epoch
      ? `${who} has seen epoch ${applied.epoch}, but the log ends at ${head.epoch}: the log was cut off.`
      : `${who} has seen another event ${applied.epoch} than the one in this log: the log was replaced or forked.`;
  }
  return null;
}
