import type { Decision } from '../flags/index.ts';

/** The life of one attempt. The last eight end it. */
export type AttemptState =
  | { readonly is: 'deciding' }
  /** Waits for a pause to end or for an approval; decided again from the start when something changes. */
  | { readonly is: 'waiting'; readonly decision: Decision }
  /** Decided to run; nothing has started. */
  | { readonly is: 'intended'; readonly decision: Decision }
  /** The store is asked to confirm an irreversible action. */
  | { readonly is: 'confirming'; readonly decision: Decision }
  | { readonly is: 'executing'; readonly decision: Decision }
  /** Executing, and no longer allowed to: its signal has fired. */
  | { readonly is: 'stopping'; readonly decision: Decision; readonly stoppedBy: Decision }
  | { readonly is: 'landed'; readonly decision: Decision; readonly stoppedBy?: Decision | undefined }
  | { readonly is: 'failed'; readonly decision: Decision; readonly error: unknown }
  /** It was stopped while it ran, and then failed: it may have landed. */
  | { readonly is: 'unknown'; readonly decision: Decision; readonly stoppedBy: Decision }
  /** It was intended, then refused or abandoned before `execute` was called. */
  | { readonly is: 'not_started'; readonly decision: Decision }
  | { readonly is: 'refused'; readonly decision: Decision }
  /** The journal has answered: an earlier call with the same idempotency key has landed, or may have. */
  | { readonly is: 'answered'; readonly decision: Decision }
  /** A draft or a proposal was made instead; nothing was executed. */
  | { readonly is: 'drafted'; readonly decision: Decision }
  /** The caller gave up before it was intended: their signal fired, or `waitMs` was over. */
  | { readonly is: 'abandoned'; readonly decision: Decision };

/** What happens to an attempt. */
export type AttemptEvent =
  | { readonly type: 'wait'; readonly decision: Decision }
  | { readonly type: 'refuse'; readonly decision: Decision }
  | { readonly type: 'abandon'; readonly decision: Decision }
  | { readonly type: 'draft'; readonly decision: Decision }
  | { readonly type: 'intend'; readonly decision: Decision }
  | { readonly type: 'answer'; readonly decision: Decision }
  | { readonly type: 'confirm' }
  /**
   * The last look before `execute` gave another verdict that is no refusal, or the permit was too old: the attempt is
   * decided again from the start.
   */
  | { readonly type: 'reconsider' }
  | { readonly type: 'start' }
  /** The same subject would no longer get this verdict. */
  | { readonly type: 'stop'; readonly decision: Decision }
  | { readonly type: 'land' }
  | { readonly type: 'fail'; readonly error: unknown };

/** Whether `execute` was called. */
export const hasStarted = ({ is }: AttemptState): boolean => STARTED.has(is);

const STARTED: ReadonlySet<AttemptState['is']> = new Set(['executing', 'stopping', 'landed', 'failed', 'unknown']);

const isUndecided = ({ is }: AttemptState): boolean => is === 'deciding' || is === 'waiting';

/**
 * The one transition of an attempt. An event that does not belong to the present state changes nothing, so that a late
 * result of an older state is dropped; except that what really landed is always recorded (`unknown` → `landed`).
 */
export function transition(state: AttemptState, event: AttemptEvent): AttemptState {
  switch (event.type) {
    case 'wait':
      return isUndecided(state) ? { is: 'waiting', decision: event.decision } : state;
    case 'refuse':
      return ended(state, { is: 'refused', decision: event.decision });
    case 'abandon':
      return ended(state, { is: 'abandoned', decision: event.decision });
    case 'draft':
      return isUndecided(state) ? { is: 'drafted', decision: event.decision } : state;
    case 'intend':
      return isUndecided(state) ? { is: 'intended', decision: event.decision } : state;
    case 'answer':
      return state.is === 'intended' ? { is: 'answered', decision: event.decision } : state;
    case 'confirm':
      return state.is === 'intended' ? { is: 'confirming', decision: state.decision } : state;
    case 'reconsider':
      return state.is === 'intended' || state.is === 'confirming' ? { is: 'deciding' } : state;
    case 'start':
      return state.is === 'intended' || state.is === 'confirming'
        ? { is: 'executing', decision: state.decision }
        : state;
    case 'stop':
      return state.is === 'executing' ? { is: 'stopping', decision: state.decision, stoppedBy: event.decision } : state;
    case 'land':
      if (state.is === 'executing') return { is: 'landed', decision: state.decision };
      if (state.is === 'stopping' || state.is === 'unknown') {
        return { is: 'landed', decision: state.decision, stoppedBy: state.stoppedBy };
      }
      return state;
    case 'fail':
      if (state.is === 'executing') return { is: 'failed', decision: state.decision, error: event.error };
      if (state.is === 'stopping') return { is: 'unknown', decision: state.decision, stoppedBy: state.stoppedBy };
      return state;
    default:
      return event satisfies never;
  }
}

/**
 * Ends an attempt that has not started: with `end` before it was intended, with `not_started` afterwards, because a
 * recorded intent needs an end of its own.
 */
function ended(state: AttemptState, end: Extract<AttemptState, { is: 'refused' | 'abandoned' }>): AttemptState {
  if (isUndecided(state)) return end;
  return state.is === 'intended' || state.is === 'confirming' ? { is: 'not_started', decision: end.decision } : state;
}
