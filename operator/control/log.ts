import { compileFlagd, invalid } from '../../flags/index.ts';
import { loadWhole } from '../../store/answers.ts';
import type { ControlPlane } from '../control-plane.ts';
import { followLog } from '../follow-log.ts';
import { type Exported, exportedLines, writeExport } from '../export-log.ts';
import { takesNone } from '../given/checks.ts';
import { givenExport, givenLines, givenVerify } from '../given/log.ts';
import { givenFollow, givenLog } from '../given/list.ts';
import { readLogProof } from '../log-proof.ts';
import { NotInitialisedError } from '../refusals.ts';
import { verifyLog } from '../verify-log.ts';
import type { Acting } from './acting.ts';

async function* filtered<T>(items: AsyncIterable<T>, matches: (item: T) => boolean): AsyncGenerator<T> {
  for await (const item of items) if (matches(item)) yield item;
}

async function* textsOf(parts: AsyncIterable<{ readonly line: string }>): AsyncGenerator<string> {
  for await (const { line } of parts) yield line;
}

const exported = ({ connection, opened, organizationId }: Acting): Exported => ({
  organizationId,
  async head() {
    const { head } = await connection.read([]);
    if (!head) throw new NotInitialisedError(opened.place);
    return head;
  },
  log: () => connection.log(0),
  now: () => new Date().toISOString(),
});

type LogMethods =
  | 'log'
  | 'head'
  | 'follow'
  | 'verifyLog'
  | 'exportLog'
  | 'exportLines'
  | 'exportDefinition'
  | 'settled';

/** The log, and what is made of it. */
export const log = (acting: Acting): Pick<ControlPlane, LogMethods> => {
  const { connection, opened, organizationId } = acting;
  return {
    log(options = {}) {
      const { after, matches } = givenLog(options);
      return filtered(opened.log(after), matches);
    },

    async head(...given: readonly unknown[]) {
      takesNone('head', given);
      return exported(acting).head();
    },

    follow(options = {}) {
      const followed = {
        log: (after: number) => connection.log(after),
        head: async () => (await connection.read([])).head,
        closed: opened.closed,
      };
      return followLog(followed, givenFollow(options));
    },

    async verifyLog(options = {}) {
      const { against, fingerprint } = givenVerify('verifyLog', options);
      if (fingerprint !== undefined && against === undefined)
        throw invalid('A fingerprint is that of the key of a signed export: name the export by against.');
      const proof = against === undefined ? null : (await readLogProof(against, { fingerprint })).proof;
      return verifyLog({
        log: (after) => connection.log(after),
        beats: () => connection.executors(),
        shown: () => loadWhole(connection),
        against: proof,
      });
    },

    async exportLog(options) {
      const { file, signer } = givenExport(options);
      return writeExport(exported(acting), file, signer);
    },

    exportLines(options = {}) {
      return textsOf(exportedLines(exported(acting), givenLines(options).signer));
    },

    async exportDefinition(...given: readonly unknown[]) {
      takesNone('exportDefinition', given);
      return compileFlagd((await opened.whole()).state, { organizationId });
    },

    async settled() {
      await opened.settled();
    },
  };
};
