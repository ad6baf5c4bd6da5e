import { printable, shownId } from '../../flags/index.ts';
import type { RefusalRows } from './row.ts';

/** A point up to which the log could be archived, and what keeps it from that, as the end of a sentence. */
export interface UnfitPoint {
  readonly epoch: number;
  readonly why: string;
}

/** Archiving the log. */
export interface ArchiveFacts {
  readonly keeps_whole: object;
  readonly nothing_to_archive: {
    /** What the points of this store are, as the end of a sentence. */
    readonly pointsAre: string;
    readonly unfit: readonly UnfitPoint[];
    /** Whether it was asked for less than the store could archive. */
    readonly chosen: boolean;
    /** The commands that take executors out of the count which have not come so far. */
    readonly forget: readonly string[];
  };
  readonly archived_meanwhile: { readonly epoch: number };
  readonly alerts_wait: { readonly names: readonly string[] };
  readonly forked: { readonly executors: readonly string[] };
  /** `epoch`: up to where the log is archived; `file` does not have all of that. */
  readonly archive_needed: { readonly file: string | null; readonly epoch: number };
  /** The state that is kept of this epoch is not what the events in the file come to. */
  readonly state_differs: { readonly epoch: number };
  readonly file_changed: { readonly file: string };
}

const MORE = {
  program: 'Archive more later: archiveLog().',
  command: 'Archive more later: kill-switch log archive FILE --reason "…"',
};

const CHOSEN = {
  program: 'Leave out epoch and before, or choose later ones.',
  command: 'Leave out --epoch and --before, or choose later ones.',
};

export const ARCHIVE: RefusalRows<ArchiveFacts> = {
  keeps_whole: {
    code: 'INVALID_STATE',
    says: () =>
      'This store keeps its log whole, so nothing was archived: a file store and one in Redis drop what is archived.',
    hint: { program: 'To have a copy: exportLog({ file }).', command: 'To have a copy: kill-switch log export FILE' },
  },
  nothing_to_archive: {
    code: 'INVALID_STATE',
    says: ({ pointsAre, unfit }) =>
      `Nothing was archived. A log is archived up to ${pointsAre}. ${
        unfit.length === 0 ? 'There is none so far.' : `None of them fits: ${unfitWords(unfit)}.`
      }`,
    hint: ({ forget, chosen }) => hintFor(forget, chosen),
  },
  archived_meanwhile: {
    code: 'CONFLICT',
    says: ({ epoch }) =>
      `Somebody else has archived this log meanwhile, up to epoch ${epoch}. This file was written, and nothing else was done.`,
    hint: MORE,
  },
  alerts_wait: {
    code: 'INVALID_STATE',
    says: ({ names }) =>
      `Nothing was archived, because alerts of what is in the log still wait to be sent, or may: ${names.map(shownId).join(', ')}.`,
    hint: {
      program: 'Send them (openControlPlane({ operate: true, alerts: true })), or removeAlert().',
      command: 'Send them (kill-switch watch --alerts), or remove who is told: kill-switch alert remove NAME',
    },
  },
  forked: {
    code: 'INVALID_STATE',
    says: ({ executors }) =>
      `Nothing was dropped, because executors have seen changes that this store has lost: ${executors.map(shownId).join(', ')}. What is left of the log may be needed to tell which.`,
    hint: { program: 'Look: status().', command: 'Look: kill-switch status' },
  },
  archive_needed: {
    code: 'ARCHIVED',
    says: ({ file, epoch }) =>
      `The events before epoch ${epoch} are archived, and no longer in this log.${
        file === null ? '' : ` ${printable(file)} does not have all of them.`
      } Nothing was written.`,
    hint: {
      program: 'Name the file that archiveLog() has written, or a copy of it: it is extended.',
      command: 'Name the file that log archive has written, or a copy of it: it is extended.',
    },
  },
  state_differs: {
    code: 'CORRUPT',
    says: ({ epoch }) =>
      `The events up to epoch ${epoch} come to another state than the one that is kept. They were written to the file, and nothing was dropped.`,
    hint: { program: 'Look: verifyLog().', command: 'Look: kill-switch log verify' },
  },
  file_changed: {
    code: 'INVALID_STATE',
    says: ({ file }) =>
      `${printable(file)} was changed since it was written, so nothing was dropped: the whole log is still there.`,
    hint: {
      program: 'Remove it, and archive again: archiveLog().',
      command: 'Remove it, and archive again: kill-switch log archive FILE --reason "…"',
    },
  },
};

/** So many points, and so many commands, are said at most. */
const NAMED = 5;

function unfitWords(unfit: readonly UnfitPoint[]): string {
  const named = unfit.slice(0, NAMED).map(({ epoch, why }) => `epoch ${epoch} (${why})`);
  return [...named, ...(unfit.length > NAMED ? [`and ${unfit.length - NAMED} more`] : [])].join('; ');
}

const hintFor = (forget: readonly string[], chosen: boolean) => {
  if (forget.length > 0) return { program: said(forget), command: said(forget) };
  return chosen ? CHOSEN : MORE;
};

const said = (forget: readonly string[]): string =>
  `An executor that is gone for good is taken out of the count: ${forget.slice(0, NAMED).join('; ')}`;
