import { z } from 'zod';
import { systemCode } from '../flags/errors.ts';
import {
  epochSchema,
  type Head,
  hashSchema,
  invalid,
  isKillSwitchError,
  KillSwitchError,
  type LogEvent,
  messageOf,
  printable,
} from '../flags/index.ts';
import { EventChain } from './event-chain.ts';
import { readSignedHead, type SignedHead } from './head-signature.ts';
import { type LogFile, openLogFile } from './log-file.ts';
import { readRegular } from './read-regular.ts';
import { stateDigest } from './state-digest.ts';

/** What a log is compared with: an export, signed or not, or only a head. */
export interface LogProof {
  readonly file: string;
  readonly is: 'export' | 'signed' | 'head';
  readonly head: Pick<Head, 'epoch' | 'hash'>;
  /** How many events it has; null for a head. */
  readonly events: number | null;
  /** The hash of its first event, which no other log has; null for a head. */
  readonly first: string | null;
  /** Who has signed it; null where nobody has, or where the signature is wrong. */
  readonly signed: SignedHead | null;
  /** What is wrong with it by itself; then nothing else of it counts. */
  readonly problem?: string;
}

/** A head is short; whatever is longer is read line by line. */
const LONGEST_HEAD = 64 * 1024;

const TAKEN =
  'It takes what `log export` has written, or a head: a line EPOCH HASH, or the JSON that log export, log verify or status print';

interface Reading {
  /** The fingerprint of the key that must have signed it. */
  readonly fingerprint?: string | undefined;
  /** The numbers of the events that are asked for in `chain`. */
  readonly remembers?: readonly number[];
  /** The number of the event up to which it is asked for by itself. */
  readonly upTo?: number | undefined;
}

/** An export or a head as it was read. */
export interface ReadProof {
  readonly proof: LogProof;
  readonly chain: EventChain;
  /** How many events there are up to `upTo`, and the digest of the state there; null where it does not come so far. */
  readonly part: { readonly events: number; readonly digest: string } | null;
}

/** @throws KillSwitchError INVALID_ARGUMENT for a file that cannot be read, or is none of these */
export async function readLogProof(
  path: string,
  { fingerprint, remembers = [], upTo }: Reading = {},
): Promise<ReadProof> {
  const chain = new EventChain({ folds: upTo !== undefined, remembers: upTo ? [...remembers, upTo] : remembers });
  const head = await headIn(path);
  if (head) return { proof: checked({ ...head, file: path }, fingerprint), chain, part: null };
  const file = await opened(path);
  try {
    let part: ReadProof['part'] = null;
    const problem = await brokenIn(file, chain, ({ state, events }) => {
      if (state.epoch === upTo) part = { events, digest: stateDigest(state.entries()) };
    });
    const signed = file.isSigned ? readSignedHead(file.behind[0] ?? '', file.behind[1] ?? '') : null;
    const { epoch = 0, hash = '' } = chain.head ?? {};
    const proof: LogProof = {
      file: path,
      is: file.isSigned ? 'signed' : 'export',
      head: { epoch, hash },
      events: chain.events,
      first: chain.first,
      signed: typeof signed === 'string' ? null : signed,
    };
    const wrong = problem ?? (typeof signed === 'string' ? signed : otherHead(signed, chain));
    return { proof: wrong === null ? checked(proof, fingerprint) : withProblem(proof, wrong), chain, part };
  } finally {
    file.close();
  }
}

const withProblem = (proof: LogProof, problem: string): LogProof => ({
  ...proof,
  problem: `${printable(proof.file)} does not verify by itself. ${problem}`,
});

async function opened(path: string): Promise<LogFile> {
  let file: LogFile | null;
  try {
    file = await openLogFile(path);
  } catch (error) {
    throw unreadable(path, error);
  }
  if (file) return file;
  throw invalid(`${printable(path)} is neither an export of a log nor a head. ${TAKEN}.`);
}

const unreadable = (path: string, error: unknown): Error =>
  systemCode(error) === 'ENOENT'
    ? new KillSwitchError('NOT_FOUND', `The file ${printable(path)} does not exist.`)
    : invalid(`The file ${printable(path)} cannot be read: ${messageOf(error)}`);

/** Takes every event. Returns what is wrong with them, or null. */
async function brokenIn(
  { events, isSigned }: LogFile,
  chain: EventChain,
  taken: (chain: EventChain) => void,
): Promise<string | null> {
  try {
    for await (const event of events) {
      const problem = chain.take(event);
      if (problem !== null) return problem;
      taken(chain);
    }
  } catch (error) {
    if (isKillSwitchError(error) && error.code === 'CORRUPT') return error.message;
    throw error;
  }
  return chain.events === 0 && isSigned ? 'It has no event.' : null;
}

function otherHead(signed: SignedHead | null, { head, events }: EventChain): string | null {
  if (!signed) return null;
  const isSame = signed.epoch === head?.epoch && signed.hash === head.hash && signed.generation === head.generation;
  return isSame && signed.events === events
    ? null
    : `Its events end at epoch ${head?.epoch}, hash ${head?.hash}, and what was signed is the head of ${signed.events} events at epoch ${signed.epoch}, hash ${signed.hash}.`;
}

/** Whether it is signed by whom it should be. */
function checked(proof: LogProof, fingerprint: string | undefined): LogProof {
  if (fingerprint === undefined || proof.signed?.fingerprint === fingerprint) return proof;
  const by = proof.signed ? `is signed by the key ${proof.signed.fingerprint}` : 'is not signed';
  return { ...proof, problem: `${printable(proof.file)} ${by}, and should be by ${fingerprint}.` };
}

const placeSchema = z.object({ epoch: epochSchema, hash: hashSchema });

/** The head that a file consists of; null where it is something else. */
async function headIn(path: string): Promise<Omit<LogProof, 'file'> | null> {
  let text: string;
  try {
    text = (await readRegular(path, LONGEST_HEAD)).bytes.toString('utf8').trim();
  } catch (error) {
    if (systemCode(error) === undefined) return null; // it is too long for a head, or no file
    throw unreadable(path, error);
  }
  const [, epoch, hash] = /^(\d+)\s+([0-9a-f]{64})$/.exec(text) ?? [];
  const head = placeSchema.safeParse(hash === undefined ? headOf(text) : { epoch: Number(epoch), hash });
  if (!head.success) return null;
  return { is: 'head', head: head.data, events: null, first: null, signed: null };
}

/** The head in a JSON text: by itself, or as the member of an answer. An event is none. */
function headOf(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    return 'head' in value ? value.head : value;
  } catch {
    return undefined;
  }
}

/** A log that is compared with a proof. */
export interface Compared {
  /** It remembers the event with the number of the proof's head. */
  readonly chain: EventChain;
  /** The hash of its first event, also where that is archived. */
  readonly first: string;
  readonly log: () => AsyncIterable<LogEvent>;
}

/** How a log contradicts a proof, or null. */
export async function contradiction(
  { chain, first: ownFirst, log }: Compared,
  { file, head, first }: LogProof,
): Promise<string | null> {
  if (chain.has(head) && (first === null || first === ownFirst)) return null;
  const name = printable(file);
  const last = chain.head?.epoch ?? 0;
  if (first !== null && first !== ownFirst)
    return `The log begins with another event than ${name}: that is of another control plane, or the log was replaced as a whole.`;
  const other = first === null ? null : await firstOther(log(), file);
  if (other !== null)
    return `Event ${other} of the log is another one than in ${name}: the log was replaced or edited from there on.`;
  if (head.epoch > last)
    return `The log ends at epoch ${last}, but ${name} at epoch ${head.epoch}: the log was cut off.`;
  return `The log has another event ${head.epoch} than ${name} says: the log was replaced or edited, or that is of another control plane.`;
}

/** The number of the first event of the export in whose place the log has another one; null where the log ends. */
async function firstOther(log: AsyncIterable<LogEvent>, path: string): Promise<number | null> {
  const file = await opened(path);
  let begun = false;
  try {
    for await (const event of log) {
      let next = await file.events.next();
      while (!begun && !next.done && next.value.seq < event.seq) next = await file.events.next(); // they are archived
      begun = true;
      if (next.done) return null;
      if (next.value.hash !== event.hash) return next.value.seq;
    }
    return null;
  } finally {
    file.close();
  }
}
