import { compileFlagd, invalid } from '../../flags/index.ts';
import { loadWhole } from '../../store/answers.ts';
import type { ArchivedBeginning } from '../../store/capabilities/archive.ts';
import type { ControlConnection } from '../../store/ports.ts';
import { archiveLog } from '../archive-log.ts';
import { closedError } from '../change-queue.ts';
import type { Command } from '../commands/index.ts';
import type { ControlPlane } from '../control-plane.ts';
import { followLog } from '../follow-log.ts';
import { type Exported, exportedLines, writeExport } from '../export-log.ts';
import { takesNone } from '../given/checks.ts';
import { givenArchive, givenExport, givenLines, givenVerify } from '../given/log.ts';
import { givenFollow, givenLog } from '../given/list.ts';
import { readLogProof } from '../log-proof.ts';
import { NotInitialisedError } from '../refusals.ts';
import { type LogVerification, verifyLog } from '../verify-log.ts';
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
  log: (after) => connection.log(after),
  owns: (file) => connection.owns(file),
  beginning: async () => (await connection.dropper?.beginning())?.head ?? null,
  now: () => new Date().toISOString(),
});

type LogMethods =
  | 'log'
  | 'head'
  | 'follow'
  | 'verifyLog'
  | 'archived'
  | 'archiveLog'
  | 'exportLog'
  | 'exportLines'
  | 'exportDefinition'
  | 'settled';

/** How often the log is verified anew where its first part was dropped meanwhile. */
const MOST_TRIES = 5;

/** Verifies a log from where it begins, and once more where it begins elsewhere by now and so was not what it was. */
async function unlessArchived(
  dropper: ControlConnection['dropper'],
  verify: (beginning: ArchivedBeginning | null) => Promise<LogVerification>,
): Promise<LogVerification> {
  for (let tries = 1; ; tries += 1) {
    const beginning = (await dropper?.beginning()) ?? null;
    const [verified] = await Promise.allSettled([verify(beginning)]);
    const isWell = verified.status === 'fulfilled' && verified.value.ok;
    const now = isWell || tries === MOST_TRIES ? beginning : ((await dropper?.beginning()) ?? null);
    if (now?.head.hash !== beginning?.head.hash) continue;
    if (verified.status === 'rejected') throw verified.reason;
    return verified.value;
  }
}

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
      return exported(acting).head(null);
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
      return unlessArchived(connection.dropper, async (beginning) => {
        const proof =
          against === undefined ? null : readLogProof(against, { fingerprint, upTo: beginning?.head.epoch });
        return verifyLog({
          log: (after) => connection.log(after),
          beats: () => connection.executors(),
          shown: () => loadWhole(connection),
          against: await proof,
          beginning,
        });
      });
    },

    async archived(...given: readonly unknown[]) {
      takesNone('archived', given);
      if (opened.closed.aborted) throw closedError();
      const { head = null } = (await connection.dropper?.beginning()) ?? {};
      return head;
    },

    async archiveLog(options) {
      const given = givenArchive(options);
      acting.requireRight('govern', 'log archive');
      const append = (command: Command): Promise<unknown> => acting.append(command);
      return archiveLog({ connection, place: opened.place, append, exported: exported(acting) }, given);
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
