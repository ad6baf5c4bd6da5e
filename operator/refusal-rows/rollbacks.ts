import { quoteId } from '../../flags/index.ts';
import type { RefusalRows } from './row.ts';

/** Rollbacks. */
export interface RollbackFacts {
  /** A stop that a rollback was to pass is not as it was when that was previewed. */
  readonly not_stopped: { readonly target: string };
  readonly no_rollback: { readonly id: string };
}

export const ROLLBACKS: RefusalRows<RollbackFacts> = {
  not_stopped: {
    code: 'CONFLICT',
    says: ({ target }) =>
      `The stop of ${target} was changed or lifted since the rollback was previewed. Nothing was undone.`,
    hint: {
      program: 'Preview it again (previewRollback), then ask again.',
      command: 'Preview it again (--dry-run), then ask again.',
    },
  },
  no_rollback: {
    code: 'NOT_FOUND',
    says: ({ id }) => `There is no rollback ${quoteId(id)}.`,
  },
};
