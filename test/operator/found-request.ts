import type { KeptApproval } from '../../flags/index.ts';
import type { FoundRequest } from '../../operator/commands/approval.ts';
import { boundRequest } from '../flags/approval-requests.ts';

/** A request of the log that `started` begins, right before it is decided. */
export const foundRequest = (more: Partial<KeptApproval> = {}, about: Partial<FoundRequest> = {}): FoundRequest => ({
  request: boundRequest({ generation: 'g0', ...more }),
  ended: null,
  requesters: ['returns', 'returns-bot', 'agent:returns-bot'],
  ...about,
});
