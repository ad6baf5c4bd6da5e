import type { ModeSource, SwitchClient } from '../flags/mode-source.ts';

/**
 * A client of the app's that is asked for the mode, and for limits. Its provider is unknown: nothing here reports its
 * changes, and it is not ours to close.
 */
export const clientSource = (client: SwitchClient): ModeSource => ({
  client,
  limits: client,
  reversing: null,
  fault: () => null,
  initialised: Promise.resolve(),
  watch: () => () => {},
  close: async () => {},
});
