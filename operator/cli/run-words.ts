import { invalid, shownId, TARGET_TYPES } from '../../flags/index.ts';

/** Splits a target as other verbs take it; null for a bare id, which may have colons of its own. */
function targetIn(typed: string): { readonly type: string; readonly id: string } | null {
  if (typed === 'all') return { type: typed, id: '' };
  const colon = typed.indexOf(':');
  const type = typed.slice(0, Math.max(0, colon));
  return (TARGET_TYPES as readonly string[]).includes(type) ? { type, id: typed.slice(colon + 1) } : null;
}

/**
 * The run that was typed: by its id, or as the target `run:ID`. What was done outside any run has no id: it is typed as
 * an empty word. @throws KillSwitchError INVALID_ARGUMENT for a target of another kind
 */
export function runIn(typed: string): string | null {
  const target = targetIn(typed);
  if (target && target.type !== 'run')
    throw invalid(
      `${shownId(typed)} is no run: name one by its id, or as run:ID. See the runs: kill-switch runs. One whose own id begins so: run:${shownId(typed)}`,
    );
  return (target?.id ?? typed) || null;
}

/** What is to be undone. */
export interface TypedScope {
  readonly run?: string | undefined;
  readonly mission?: string | undefined;
  readonly agent?: string | undefined;
}

/**
 * Whose effects are to be undone: a run by its id, or a target. @throws KillSwitchError INVALID_ARGUMENT for a target
 * that has no effects of its own
 */
export function scopeIn(typed: string): TypedScope {
  const target = targetIn(typed);
  if (!target) return { run: typed };
  const { type, id } = target;
  if (type === 'run') return { run: id };
  if (type === 'mission') return { mission: id };
  if (type === 'agent') return { agent: id };
  throw invalid(
    `${shownId(typed)} cannot be rolled back: a rollback undoes what one run, one mission or one agent has done (run:ID, mission:ID, agent:ID).`,
  );
}
