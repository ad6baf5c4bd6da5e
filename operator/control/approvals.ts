import { allApprovals, followApprovals, lastApproved, oneApproval, requestToDecide } from '../approvals.ts';
import type { ControlPlane } from '../control-plane.ts';
import { approvalId, givenApprove, givenReject } from '../given/approval.ts';
import { givenFollowApprovals, givenList } from '../given/list.ts';
import { APPROVAL_FILTERS } from '../list-filters.ts';
import { checkKinds } from '../edited-kinds.ts';
import { partOf } from '../lists.ts';
import { ChangeRefusedError } from '../refusals.ts';
import { type Acting, answerTo } from './acting.ts';

type Approvals = 'approvals' | 'approval' | 'followApprovals' | 'approve' | 'reject';

/** What people are asked, and what they say. */
export function approvals(acting: Acting): Pick<ControlPlane, Approvals> {
  const { connection, operator } = acting;
  return {
    async approvals(options = {}) {
      const { matches, ...page } = givenList('approvals', options, APPROVAL_FILTERS);
      const { records, problems } = await allApprovals(connection);
      return { ...partOf(records.filter(matches), page), problems };
    },

    async approval(id) {
      const record = await oneApproval(connection, approvalId(id));
      const { records } = await allApprovals(connection);
      return { ...record, last_approved: lastApproved(record, records) };
    },

    followApprovals(options = {}) {
      return followApprovals(connection, acting.opened.closed, givenFollowApprovals(options));
    },

    async approve(options) {
      const { id, inputHash, edited, ...given } = givenApprove(options);
      const found = await requestToDecide(connection, id, operator.id);
      const { input_hash } = found.request;
      if (inputHash !== undefined && inputHash !== input_hash) {
        const why = `the arguments that were shown have the hash ${inputHash}, and those of the request ${input_hash}`;
        throw new ChangeRefusedError({ kind: 'other_arguments', id, why });
      }
      if (edited && found.input !== undefined) checkKinds(JSON.parse(found.input), JSON.parse(edited.input));
      const other = edited?.input_hash === input_hash ? null : edited;
      const recorded = await acting.append({ type: 'approve', found, edited: other, ...given });
      return { approval: await oneApproval(connection, id), ...answerTo(recorded) };
    },

    async reject(options) {
      const { id, ...given } = givenReject(options);
      const found = await requestToDecide(connection, id, operator.id);
      const recorded = await acting.append({ type: 'reject', found, ...given });
      return { approval: await oneApproval(connection, id), ...answerTo(recorded) };
    },
  };
}
