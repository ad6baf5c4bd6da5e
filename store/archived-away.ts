import { type Head, KillSwitchError } from '../flags/index.ts';

/** What happened to the event with this number, which is asked for, in a log that begins with event `begins`. */
export const archivedAway = (epoch: number, begins: number): KillSwitchError =>
  new KillSwitchError(
    'ARCHIVED',
    `The events before epoch ${begins} are archived, and no longer in this log: event ${epoch} is one of them. It is in the file that log archive has written.`,
  );

/** The first part of the log was dropped between two steps of reading it. */
export const archivedMeanwhile = (): KillSwitchError =>
  new KillSwitchError('ARCHIVED', 'The first part of the log was archived while it was read. Ask again.');

/**
 * For an executor whose head is archived, so that it cannot be told from one that was never there. That is no fork,
 * which would stop everyone.
 */
export const archivedHead = (cause: KillSwitchError): KillSwitchError =>
  new KillSwitchError(
    'ARCHIVED',
    `${cause.message} This executor was last there at that event, so nobody can tell by this store whether it has lost changes since. Where it is the right one, remove this executor's anchor; or accept it for all: kill-switch recover --reason "…"`,
    { cause },
  );

/** Whether an operator has said since this head that the store counts as it is, lost changes or not. */
export const isRecoveredSince = (held: Head, head: Head | null): boolean =>
  head?.recovered === true && head.generation !== held.generation;
