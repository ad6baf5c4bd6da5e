import { shownId } from '../flags/index.ts';
import { isNotEnded, reversalKey } from '../store/reversals.ts';
import type { RollbackItem } from '../store/rollback-list.ts';

/**
 * What a rollback has come to for one effect. `reversible`: in a preview, it would be tried. `reversing`: it is not
 * undone yet, and an executor is at it or comes to it. `unknown`: nobody knows whether it has landed, or is undone.
 */
export type RollbackOutcome =
  | 'reversible'
  | 'reversing'
  | 'reversed'
  | 'already_reversed'
  | 'not_reversible'
  | 'unknown'
  | 'failed';

/** One effect of the target, and what became of undoing it. */
export interface RollbackAction {
  readonly idempotency_key: string;
  readonly action: string;
  readonly outcome: RollbackOutcome;
  /** A clause that says more: why, by what, or how to mend it. */
  readonly detail: string;
  readonly run_id: string | null;
  /** The key under which the journal has what undoes it; null: nothing does. */
  readonly reversal_key: string | null;
}

/** Which rollback is asked about, why it has tried no more, and whether it yet will; null: what one would find. */
export type Asked = { readonly id: string; readonly stopped: string | null; readonly goesOn: boolean } | null;

/** What is asked, and what is known of the executors. */
export interface Asking {
  readonly asked: Asked;
  /** Whether this executor may still do something. */
  readonly isHere: (id: string) => boolean;
  /** Whether no executor that runs now could undo this; default: one could. */
  readonly lacking?: (item: RollbackItem) => boolean;
}

type Said = Pick<RollbackAction, 'outcome' | 'detail'>;

const resolveHint = (run: string | null, key: string): string =>
  `look, then say so: kill-switch runs resolve ${shownId(run ?? '')} ${shownId(key)} --landed (or --not-landed) --reason "…"`;

/** What became of each effect, the last one first. */
export const rollbackActions = (items: readonly RollbackItem[], asking: Asking): RollbackAction[] =>
  items.map((item) => ({
    idempotency_key: item.entry.idempotency_key,
    action: item.entry.action,
    ...saidOf(item, asking),
    run_id: item.entry.run_id,
    reversal_key: item.reverse && reversalKey(item.entry.id),
  }));

function saidOf(item: RollbackItem, { asked, isHere, lacking }: Asking): Said {
  const { entry, isKnown, reverse, why, undone } = item;
  const { run_id, idempotency_key, state } = entry;
  if (!isKnown) {
    const how = state === 'failed' ? 'it has thrown, and may have landed' : 'whether it has landed is not known';
    return { outcome: 'unknown', detail: `${how}: ${resolveHint(run_id, idempotency_key)}` };
  }
  if (!reverse) return { outcome: 'not_reversible', detail: why ?? 'nothing undoes it' };
  const by = shownId(reverse.action);
  const { last } = undone;
  const known = last && 'why' in last ? last.why : undefined;
  const isOfThis = asked !== null && last?.rollback?.id === asked.id;
  const able = lacking?.(item) ? `by ${by}, which is registered in no executor that would do it now` : `by ${by}`;
  const notTried: Said = !asked
    ? { outcome: 'reversible', detail: able }
    : asked.goesOn
      ? { outcome: 'reversing', detail: `by ${by}, not yet: ${asked.stopped ?? 'it goes on'}` }
      : { outcome: 'failed', detail: `it was not tried: ${asked.stopped ?? 'nothing is known of it'}` };
  switch (undone.state) {
    case 'reversed':
      return { outcome: isOfThis ? 'reversed' : 'already_reversed', detail: `by ${by}, at ${last?.at ?? ''}` };
    case 'reverse_failed':
      if (isOfThis && (known !== undefined || last?.state === 'failed'))
        return { outcome: 'failed', detail: known ?? 'it has failed' };
      return asked
        ? notTried
        : { ...notTried, detail: `${able}; it has failed before: ${known ?? 'it is not known why'}` };
    case 'reversing':
      // Its executor lives, and has not said how it ended: it is at it now.
      if (last && isHere(last.executor_id))
        return { outcome: 'reversing', detail: `by ${by}, now, in the executor ${shownId(last.executor_name)}` };
      return interrupted();
    case 'unknown':
      return interrupted();
    case 'landed':
    case 'not_reversible':
      return notTried;
    default:
      return undone.state satisfies never;
  }

  function interrupted(): Said {
    const hint = resolveHint(run_id, reversalKey(entry.id));
    if (known !== undefined && isNotEnded(known))
      return { outcome: isOfThis ? 'failed' : 'unknown', detail: isOfThis ? known : `${known}: ${hint}` };
    const what = known === undefined ? `${by} was interrupted` : `${by} was told to stop and then failed (${known})`;
    return { outcome: 'unknown', detail: `${what}, so whether it is undone is not known: ${hint}` };
  }
}

/** True where nothing is left of what the target has done. */
export const isUndone = (actions: readonly RollbackAction[]): boolean =>
  actions.every(({ outcome }) => outcome === 'reversed' || outcome === 'already_reversed');
