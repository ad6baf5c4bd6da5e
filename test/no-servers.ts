// Runs before each test file of the unit suite.
import { setServerPaths } from './servers/server-paths.ts';

const refuse = (): never => {
  throw new Error('A unit test needs no server. If this one does, name it in SERVER of vitest.config.ts.');
};

setServerPaths({
  get redisServer() {
    return refuse();
  },
  get flagd() {
    return refuse();
  },
});
