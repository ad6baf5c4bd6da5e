/**
 * A client of the app's that is asked for the mode. Nothing is known of its provider: nothing tells of changes there,
 * and nothing of it is ours to close.
 */
export const askClient = <Client>(client: Client) => ({
  client,
  fault: () => null,
  initialised: Promise.resolve(),
  watch: () => () => {},
  close: async () => {},
});
