import type { Append, ControlStore } from '../../store/ports.ts';

/** A control store whose appends a test can watch, delay, or lose the answers of. */
export const aroundAppend = (
  store: ControlStore,
  around: (changes: readonly Append[], append: () => Promise<boolean>) => Promise<boolean>,
): ControlStore => ({
  ...store,
  open(scope) {
    const connection = store.open(scope);
    return { ...connection, append: (...changes) => around(changes, () => connection.append(...changes)) };
  },
});
