import { invalid, type LogEvent, printable } from '../flags/index.ts';
import { fileName, givenVerify, type VerifyOptions } from './given/log.ts';
import { openLogFile } from './log-file.ts';
import { contradiction, readLogProof } from './log-proof.ts';
import type { LogVerification } from './verify-log.ts';

/**
 * Whether an export is whole by itself, its signature with it, and has what an earlier export or head says. No store is
 * asked.
 * @throws KillSwitchError INVALID_ARGUMENT for a file that cannot be read, or is no export
 */
export async function verifyLogFile(file: string, options: VerifyOptions = {}): Promise<LogVerification> {
  const name = fileName('file', file);
  const { against, fingerprint } = givenVerify('verifyLogFile', options);
  const earlier = against === undefined ? null : (await readLogProof(against)).proof;
  const { proof, chain } = await readLogProof(name, { fingerprint, remembers: earlier ? [earlier.head.epoch] : [] });
  if (proof.is === 'head')
    throw invalid(`${printable(name)} is a head, no export of a log: a log is compared with it by --against.`);
  const problem =
    proof.problem ??
    earlier?.problem ??
    (earlier && (await contradiction({ chain, first: chain.first, log: () => eventsOf(name) }, earlier))) ??
    undefined;
  return {
    ok: problem === undefined,
    events: chain.events,
    head: chain.head,
    signed: proof.signed,
    ...(earlier && { against: earlier }),
    ...(problem !== undefined && { problem }),
  };
}

async function* eventsOf(path: string): AsyncGenerator<LogEvent> {
  const file = await openLogFile(path);
  try {
    if (file) yield* file.events;
  } finally {
    file?.close();
  }
}
