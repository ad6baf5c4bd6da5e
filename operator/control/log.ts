import { compileFlagd } from '../../flags/index.ts';
import { loadWhole } from '../../store/answers.ts';
import type { ControlPlane } from '../control-plane.ts';
import { followLog } from '../follow-log.ts';
import { takesNone } from '../given/checks.ts';
import { givenFollow, givenLog } from '../given/list.ts';
import { verifyLog } from '../verify-log.ts';
import type { Acting } from './acting.ts';

async function* filtered<T>(items: AsyncIterable<T>, matches: (item: T) => boolean): AsyncGenerator<T> {
  for await (const item of items) if (matches(item)) yield item;
}

/** The log, and what is made of it. */
export const log = ({
  connection,
  opened,
  organizationId,
}: Acting): Pick<ControlPlane, 'log' | 'follow' | 'verifyLog' | 'exportDefinition' | 'settled'> => ({
  log(options = {}) {
    const { after, matches } = givenLog(options);
    return filtered(opened.log(after), matches);
  },

  follow(options = {}) {
    const followed = {
      log: (after: number) => connection.log(after),
      head: async () => (await connection.read([])).head,
      closed: opened.closed,
    };
    return followLog(followed, givenFollow(options));
  },

  async verifyLog(...given: readonly unknown[]) {
    takesNone('verifyLog', given);
    return verifyLog(
      (after) => connection.log(after),
      async () => {
        const beats = await connection.executors(); // first, so that none has seen more than the head says
        const { head, entries } = await loadWhole(connection);
        return { head, entries, beats };
      },
    );
  },

  async exportDefinition(...given: readonly unknown[]) {
    takesNone('exportDefinition', given);
    return compileFlagd((await opened.whole()).state, { organizationId });
  },

  async settled() {
    await opened.settled();
  },
});
