import type { Decision } from '../flags/index.ts';

/** The life of one call. The last five end it. */
export type Attempt =
  | { readonly is: 'deciding' }
  /** A pause, or an approval that is awaited: decided again from the start when something changes. */
  | { readonly is: 'waiting'; readonly decision: Decision }
  /** Decided to run; nothing has started. */
  | { readonly is: 'intended'; readonly decision: Decision }
  /** The store is asked once more, for an action that cannot be undone. */
  | { readonly is: 'confirming'; readonly decision: Decision }
  | { readonly is: 'executing'; readonly decision: Decision }
  /** Executing, and no longer allowed to: its signal has fired. */
  | { readonly is: 'stopping'; readonly decision: Decision; readonly stoppedBy: Decision }
  | { readonly is: 'landed'; readonly decision: Decision; readonly stoppedBy?: Decision | undefined }
  | { readonly is: 'failed'; readonly decision: Decision; readonly error: unknown }
  /** It was stopped while it ran and did not say that it landed. */
  | { readonly is: 'unknown'; readonly decision: Decision; readonly stoppedBy: Decision }
  | { readonly is: 'not_started'; readonly decision: Decision }
  | { readonly is: 'refused'; readonly decision: Decision };

/** What happens to a call. */
export type AttemptEvent =
  | { readonly type: 'wait'; readonly decision: Decision }
  | { readonly type: 'refuse'; readonly decision: Decision }
  | { readonly type: 'intend'; readonly decision: Decision }
  | { readonly type: 'confirm' }
  /** The last look before `execute` did not allow it any more, or the store did not confirm in time. */
  | { readonly type: 'deny'; readonly decision: Decision }
  /** The last look before `execute` gave another verdict that is no refusal: everything is decided again. */
  | { readonly type: 'reconsider' }
  | { readonly type: 'start' }
  /** The same call would no longer get its verdict. */
  | { readonly type: 'stop'; readonly decision: Decision }
  | { readonly type: 'land' }
  | { readonly type: 'fail'; readonly error: unknown };

/**
 * The one transition of an attempt. An event that does not belong to the present state changes nothing, so that a late result of an older
 * state is dropped; except that what really landed is always recorded (`unknown` → `landed`).
 */
export function transition(attempt: Attempt, event: AttemptEvent): Attempt {
  switch (event.type) {
    case 'wait':
      return attempt.is === 'deciding' || attempt.is === 'waiting'
        ? { is: 'waiting', decision: event.decision }
        : attempt;
    case 'refuse':
      return attempt.is === 'deciding' || attempt.is === 'waiting'
        ? { is: 'refused', decision: event.decision }
        : attempt;
    case 'intend':
      return attempt.is === 'deciding' || attempt.is === 'waiting'
        ? { is: 'intended', decision: event.decision }
        : attempt;
    case 'confirm':
      return attempt.is === 'intended' ? { is: 'confirming', decision: attempt.decision } : attempt;
    case 'deny':
      return attempt.is === 'intended' || attempt.is === 'confirming'
        ? { is: 'not_started', decision: event.decision }
        : attempt;
    case 'reconsider':
      return attempt.is === 'intended' || attempt.is === 'confirming' ? { is: 'deciding' } : attempt;
    case 'start':
      return attempt.is === 'intended' || attempt.is === 'confirming'
        ? { is: 'executing', decision: attempt.decision }
        : attempt;
    case 'stop':
      return attempt.is === 'executing'
        ? { is: 'stopping', decision: attempt.decision, stoppedBy: event.decision }
        : attempt;
    case 'land':
      if (attempt.is === 'executing') return { is: 'landed', decision: attempt.decision };
      if (attempt.is === 'stopping' || attempt.is === 'unknown') {
        return { is: 'landed', decision: attempt.decision, stoppedBy: attempt.stoppedBy };
      }
      return attempt;
    case 'fail':
      if (attempt.is === 'executing') return { is: 'failed', decision: attempt.decision, error: event.error };
      if (attempt.is === 'stopping') {
        return { is: 'unknown', decision: attempt.decision, stoppedBy: attempt.stoppedBy };
      }
      return attempt;
    default:
      return event satisfies never;
  }
}
