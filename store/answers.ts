import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  activeKillSchema,
  type Entry,
  type EntryKey,
  type EntryKind,
  entryKey,
  foldEvent,
  follows,
  generationBegun,
  GENESIS,
  goesFirst,
  type Head,
  headSchema,
  KillSwitchError,
  loosens,
  messageOf,
  parseEntry,
  placeOf,
  readEvent,
  serializeEvent,
} from '../flags/index.ts';
import type { Answer, Snapshot } from './confirmation.ts';
import type { Append, ControlReader, ControlView, Replication } from './ports.ts';

/** A confirmation hands out at most so many missing events; beyond that loading the whole state is cheaper. */
export const CATCH_UP_EVENTS = 1000;

/** True when both name the same place in the same log, or both are null. */
export const sameHead = (a: Head | null, b: Head | null): boolean =>
  a === b || (a !== null && b !== null && a.hash === b.hash && a.epoch === b.epoch && a.generation === b.generation);

/** The members of an answer, for a store whose clock is this machine's. `wall`: its time in milliseconds since 1970. */
export const answerNow = (nonce: string, wall: number = Date.now()): Answer => ({
  nonce,
  time: new Date(wall).toISOString(),
  ageMs: 0,
});

/** The error for a change that was sent and not answered, or written and not read back: it may have been appended. */
export const unknownOutcome = (error: unknown, seq: number): KillSwitchError =>
  new KillSwitchError('STORE_UNREACHABLE', `It is not known whether change ${seq} was appended. ${messageOf(error)}`, {
    cause: error,
  });

/**
 * Loads the whole state for a caller that holds no head, such as one that plans a change or shows the state.
 * @throws KillSwitchError as `ControlReader.load`; STORE_UNREACHABLE where the answer is not to this request
 */
export async function loadWhole(connection: Pick<ControlReader, 'load'>): Promise<Snapshot> {
  const nonce = randomUUID();
  const snapshot = await connection.load(null, nonce);
  if (snapshot.nonce === nonce) return snapshot;
  throw new KillSwitchError('STORE_UNREACHABLE', 'The store gave the answer to another request.');
}

/**
 * A view of the entries that were read, all at one moment. `get` throws for any other entry: the fold would take "not
 * read" for "not there", and plan an event for a state that the store is not in.
 */
export function controlView(
  entries: ReadonlyMap<EntryKey, Entry | undefined>,
  head: Head | null,
  time: string,
): ControlView {
  return {
    head,
    time,
    get<K extends EntryKind>(kind: K, name?: string): Entry<K> | undefined {
      const key = entryKey(kind, name);
      if (!entries.has(key)) {
        throw new KillSwitchError('INVALID_STATE', `The entry ${JSON.stringify(key)} was not read from the store.`);
      }
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what is under this key is of this kind
      return entries.get(key) as Entry<K> | undefined;
    },
  };
}

/** Changes that are appended together: behind which head, and at which head the log then stands. */
export interface Batch {
  readonly expected: Head | null;
  readonly head: Head;
  /** The events as they are stored, in order. */
  readonly texts: readonly string[];
  /** True when any of them gives authority back. */
  readonly loosens: boolean;
  /**
   * True when each of them goes before the changes of other writers: a writer that is overtaken with such a batch
   * claims precedence, see `precedenceMs`.
   */
  readonly goesFirst: boolean;
  /** True when one of them begins a generation after a loss: reports of forks against the one before are over. */
  readonly recovers: boolean;
}

/**
 * How long precedence lasts, in milliseconds. A writer whose batch of kills was overtaken claims it: the store then
 * takes nothing from other writers until that one has appended. Without it, writers with one change each would overtake
 * hundreds of kills for ever, since those take longer to plan, above all on a slow machine or a slow line. Precedence
 * ends by itself, so that a process that dies holds up the others no longer than this.
 */
export const PRECEDENCE_MS = Object.freeze({ least: 500, most: 5000 });

/**
 * How long precedence a writer needs whose append came so many milliseconds after its read. The answer on its way back,
 * another read and another append take about twice that.
 */
export const precedenceMs = (sinceReadMs: number): number =>
  Math.round(Math.min(PRECEDENCE_MS.most, Math.max(PRECEDENCE_MS.least, 3 * sinceReadMs)));

/**
 * Waits a moment for another writer's precedence to end, where the batch goes first. Any other batch fails at once; its
 * caller waits longer each time.
 */
export const awaitPrecedence = ({ goesFirst }: Pick<Batch, 'goesFirst'>): Promise<void> | undefined =>
  goesFirst ? delay(15 + Math.random() * 15) : undefined;

/** A state without entries, for folding an event only to see that its data can be read. */
const NOTHING_READ = { get: () => undefined };

/**
 * True where nothing is read but kills, as where a target is killed: that never fails for what a newer version wrote.
 */
export const readsOnlyKills = (keys: readonly EntryKey[]): boolean => keys.every((key) => placeOf(key)[0] === 'kill');

/** @throws KillSwitchError CORRUPT, UNKNOWN_ENTRY */
function checkEntry(key: EntryKey, entry: Entry): void {
  // a kill may have been added to something that this version cannot read
  if (placeOf(key)[0] !== 'kill' || !activeKillSchema.safeParse(entry).success) parseEntry(key, entry);
}

/**
 * Reads changes back before they are written, as every reader will read them: after an unreadable event every later
 * change would fail.
 * @throws KillSwitchError INVALID_STATE, CORRUPT, UNKNOWN_EVENT
 */
export function readBack(changes: readonly Append[]): Batch {
  const [first] = changes;
  if (!first) throw new KillSwitchError('INVALID_STATE', 'There is no change to append.');
  let head = first.expected;
  const texts = changes.map(({ event, expected, patch, head: after }) => {
    const links = follows(event, head?.hash ?? GENESIS, head?.epoch ?? 0) && sameHead(expected, head);
    if (!links || after.hash !== event.hash || after.epoch !== event.seq || !headSchema.safeParse(after).success) {
      throw new KillSwitchError('INVALID_STATE', `Event ${event.seq} does not follow the head that it expects.`);
    }
    const text = serializeEvent(event);
    foldEvent(NOTHING_READ, readEvent(text));
    for (const [key, entry] of patch.set) checkEntry(key, entry);
    head = after;
    return text;
  });
  return {
    expected: first.expected,
    head: (changes.at(-1) ?? first).head,
    texts,
    loosens: changes.some(loosens),
    goesFirst: changes.every(goesFirst),
    recovers: changes.some(({ event }) => generationBegun(event.type) === 'recovery'),
  };
}

/** Of a store without replicas. */
export const NO_REPLICAS: Replication = { replicas: 0, replicated: 0 };
