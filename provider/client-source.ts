import type { ModeClient, ModeSource } from '../flags/mode-source.ts';

/**
 * A client of the app's that is asked for the mode. Its provider is unknown: nothing here reports its changes, and it
 * is not ours to close.
 */
export const clientSource = (client: ModeClient): ModeSource => ({
  client,
  fault: () => null,
  initialised: Promise.resolve(),
  watch: () => () => {},
  close: async () => {},
});
