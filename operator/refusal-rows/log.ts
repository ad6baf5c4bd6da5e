import type { Head } from '../../flags/index.ts';
import { at, LOOK_AGAIN, type Placed, type RefusalRows } from './row.ts';

/** The log: there is none, it has ended, or it has gone on. */
export interface LogFacts {
  readonly not_initialised: Placed;
  /** A `recover` of an empty store, in which nobody is known to have seen a control plane. */
  readonly never_seen: Placed;
  readonly already_initialised: Placed & { readonly epoch: number };
  /** The store is empty, but executors had seen a control plane in it. */
  readonly wiped: Placed;
  readonly log_full: { readonly epoch: number };
  /** The epoch that was named is beyond the end of the log. */
  readonly epoch_ahead: { readonly named: number; readonly head: Head | null };
  /** The entry was changed after the epoch that the operator had read. */
  readonly changed_since: { readonly entry: string; readonly changed: number; readonly named: number };
  /** The same attempt was recorded a short time ago: it is only counted. */
  readonly counted: { readonly wait_ms: number };
  /** `problem` is a sentence. Planning this change failed; the store and other changes are not affected. */
  readonly not_planned: { readonly command: string; readonly problem: string };
}

export const LOG: RefusalRows<LogFacts> = {
  not_initialised: {
    code: 'NOT_INITIALISED',
    says: ({ place }) => `There is no control plane ${at(place)}, so nothing was stopped or changed.`,
    hint: {
      program:
        'If your agents use another store or organization, open that. To create a new one here: init(). If there was one here, it has been lost: recover({ reason: "…" }).',
      command:
        'If your agents use another store or organization, name it (--store, --profile, --organization). To create a new one here: kill-switch init. If there was one here, it has been lost: kill-switch recover --reason "…"',
    },
  },
  never_seen: {
    code: 'NOT_INITIALISED',
    says: ({ place }) =>
      `There is no control plane ${at(place)}, and nothing shows that there ever was one: no executor has reported one there, and this machine remembers none. Nothing was changed. If your agents use another store or organization, recover that; if they use this one, they report within seconds what they have seen.`,
    hint: {
      program:
        'To create a new one here: init(). To replace one that was lost without a trace: recover({ create: true, reason: "…" }).',
      command:
        'To create a new one here: kill-switch init. To replace one that was lost without a trace: kill-switch recover --create --reason "…"',
    },
  },
  already_initialised: {
    code: 'ALREADY_INITIALISED',
    says: ({ epoch, place }) =>
      `There is a control plane ${at(place)} already, at epoch ${epoch}. Nothing was changed.`,
    hint: {
      program:
        'It is used without init(), which is for the first time only. For another one, name another organization, or another place: fileControlStore({ directory }).',
      command:
        'It is used as it is: kill-switch status. For another one, name another place or organization (--store, --organization).',
    },
  },
  wiped: {
    code: 'RECOVER_REQUIRED',
    says: ({ place }) =>
      `There is no control plane ${at(place)}, but executors had seen one there: it has been wiped or replaced.`,
    hint: {
      program: 'Accept that with recover({ reason: "…" }).',
      command: 'Accept that with: kill-switch recover --reason "…"',
    },
  },
  log_full: {
    code: 'INVALID_STATE',
    says: ({ epoch }) => `There is no number left in this log after ${epoch}, so it was not written by this package.`,
    hint: {
      program: 'Restore a backup, or wipe the store and then: recover({ reason: "…" }).',
      command: 'Restore a backup, or wipe the store and then: kill-switch recover --reason "…"',
    },
  },
  epoch_ahead: {
    code: 'INVALID_ARGUMENT',
    says: ({ named, head }) =>
      `Epoch ${named} has not been reached here: the log ends at epoch ${head?.epoch ?? 0}. It is mistyped, or was read in another switch, or this store has lost changes.`,
    hint: LOOK_AGAIN,
  },
  changed_since: {
    code: 'CONFLICT',
    says: ({ entry, changed, named }) =>
      `${entry} was changed at epoch ${changed}, after what you had read (epoch ${named}).`,
    hint: LOOK_AGAIN,
  },
  counted: {
    code: 'INVALID_STATE',
    says: ({ wait_ms }) =>
      `The same attempt was recorded a short time ago; it is only counted for another ${wait_ms} ms.`,
  },
  not_planned: {
    code: 'INVALID_ARGUMENT',
    says: ({ command, problem }) => `The ${command} could not be planned, and nothing was changed: ${problem}`,
  },
};
