import { entryKey, type Request } from '../../flags/index.ts';
import type { ControlPlane } from '../control-plane.ts';
import { takesNone } from '../given/checks.ts';
import { givenGovernance, givenRequest } from '../given/governance.ts';
import { givenList } from '../given/list.ts';
import { partOf } from '../lists.ts';
import { promotionOf } from '../promotion.ts';
import { ChangeRefusedError, NotInitialisedError } from '../refusals.ts';
import { commandOf, keysOf, requestRecords } from '../request-records.ts';
import { governanceAnswer } from '../status.ts';
import { type Acting, answerTo } from './acting.ts';

type Governing = 'governance' | 'setGovernance' | 'requests' | 'approveRequest' | 'withdrawRequest';

/** What giving authority back takes, and what waits for another person. */
export function governing(acting: Acting): Pick<ControlPlane, Governing> {
  const { connection, opened } = acting;

  /** @throws ChangeRefusedError NOT_FOUND */
  async function openRequest(id: string): Promise<Request> {
    const view = await connection.read([entryKey('control'), entryKey('requests')]);
    const found = view.get('requests')?.open.find((each) => each.id === id);
    if (found) return found;
    throw new ChangeRefusedError({ kind: 'no_request', id });
  }

  return {
    async governance(...given: readonly unknown[]) {
      takesNone('governance', given);
      const view = await connection.read([entryKey('control'), entryKey('governance')]);
      if (!view.head) throw new NotInitialisedError(opened.place);
      return governanceAnswer(view.get('governance'));
    },

    async setGovernance(options) {
      return answerTo(await acting.set(givenGovernance(options)));
    },

    async requests(options = {}) {
      const page = givenList('requests', options, {});
      const read = await connection.read([entryKey('control'), entryKey('requests')]);
      if (!read.head) throw new NotInitialisedError(opened.place);
      // A few entries, beside however many kills. The requests are read again with them, as of one moment.
      const view = await connection.read([entryKey('requests'), ...keysOf(read.get('requests')?.open ?? [])]);
      return partOf(requestRecords(view.get('requests')?.open ?? [], view, view.time), page);
    },

    async approveRequest(options) {
      const { id, ...why } = givenRequest('approveRequest', options);
      const request = await openRequest(id);
      const asked = commandOf(request);
      if (!asked) throw new ChangeRefusedError({ kind: 'no_request', id });
      const reason = { reason: request.reason ?? undefined, ...why };
      const evidence = asked.type === 'feature' ? (await promotionOf(asked, connection))?.evidence : undefined;
      const { head } = await connection.read([entryKey('control')]);
      const command = { ...asked, ...reason, ...(evidence && { evidence }), grants: id, epoch: head?.epoch };
      return { request, ...answerTo(await acting.append(command)) };
    },

    async withdrawRequest(options) {
      const { id, ...why } = givenRequest('withdrawRequest', options);
      const request = await openRequest(id);
      return { request, ...answerTo(await acting.append({ type: 'withdraw', id, ...why })) };
    },
  };
}
