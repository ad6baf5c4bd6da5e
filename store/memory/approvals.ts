import { expiryOf, type LogEvent } from '../../flags/index.ts';
import {
  answerOf,
  atTime,
  claimId,
  claimText,
  endIn,
  endText,
  isSameRequest,
  readRequest,
  requestText,
  timeIn,
} from '../approvals.ts';
import {
  type ApprovalEnd,
  type ApprovalKeeper,
  type Approvals,
  type ClaimAnswer,
  type ClaimAsked,
  MOST_OPEN_APPROVALS,
  type ReportedApproval,
} from '../capabilities/approvals.ts';

/** What is asked for and claimed in a memory. */
export interface KeptApprovals {
  /** By id: the text of the request, who has asked, and until when it is open, in milliseconds. */
  readonly requests: Map<string, { readonly text: string; readonly by: string; readonly until: number }>;
  /** By id, or by that of one use of a standing approval: the first who claimed or ended it. */
  readonly claims: Map<string, string>;
}

export const noApprovals = (): KeptApprovals => ({ requests: new Map(), claims: new Map() });

/** What both sides need of a memory. */
interface Parts {
  readonly organization: () => { readonly approvals: KeptApprovals; readonly events: readonly LogEvent[] };
  readonly admit: (access: 'read' | 'write') => Promise<void>;
  /** The store's time, in milliseconds since 1970. */
  readonly now: () => number;
}

interface Asker {
  readonly name: string;
  readonly id: string;
}

/** Takes the first place that is free, or this claim's own. */
export function claimIn(
  { claims }: KeptApprovals,
  asked: ClaimAsked,
  { by, now }: { readonly by: Asker; readonly now: number },
): ClaimAnswer {
  const claim = claimText(asked, by);
  const isOver = now >= Date.parse(asked.until);
  for (let use = 1; use <= (asked.times ?? 1); use += 1) {
    const id = claimId(asked, use);
    const kept = claims.get(id);
    if (kept === undefined && isOver) {
      if (asked.times === null) claims.set(id, atTime(endText('expired', by.name), now));
      return { is: 'ended', as: 'expired' };
    }
    if (kept === undefined) claims.set(id, atTime(claim, now));
    const answer = answerOf(kept ?? atTime(claim, now), claim, use);
    if (answer.is === 'claimed' || asked.times === null) return answer;
  }
  return { is: 'ended', as: 'used' };
}

/** The executor's side, but for the claim, which is a confirmation. */
export function memoryApprovals({ organization, admit, now }: Parts, by: Asker): Omit<Approvals, 'claim'> {
  return {
    async request(asked) {
      const text = requestText(asked);
      await admit('write');
      const { requests, claims } = organization().approvals;
      const kept = requests.get(asked.id);
      if (kept) return isSameRequest(kept.text, text) ? { is: 'open', at_ms: timeIn(kept.text) } : { is: 'taken' };
      const at = Math.floor(now());
      let open = 0;
      for (const [id, request] of requests) {
        if (request.by === by.name && at < request.until && !claims.has(id)) open += 1;
      }
      if (open >= MOST_OPEN_APPROVALS) return { is: 'too many', most: MOST_OPEN_APPROVALS };
      requests.set(asked.id, { text: atTime(text, at), by: by.name, until: at + asked.expires_ms });
      return { is: 'open', at_ms: at };
    },
    async find(id) {
      await admit('read');
      const { requests, claims } = organization().approvals;
      const claim = claims.get(id);
      if (claim !== undefined) return { is: 'ended', as: endIn(claim) };
      const { request } = readRequest(id, requests.get(id)?.text ?? '', NOBODY);
      return request ? { is: 'open', expires_at: expiryOf(request) } : { is: 'missing' };
    },
    async end(id, as): Promise<ApprovalEnd> {
      await admit('write');
      const { claims } = organization().approvals;
      const kept = claims.get(id) ?? atTime(endText(as, by.name), now());
      claims.set(id, kept);
      return endIn(kept);
    },
    async events({ epoch }, upTo, most) {
      await admit('read');
      const events = organization().events.filter(({ seq }) => seq > epoch && seq <= upTo);
      return events.length > most ? null : events;
    },
  };
}

const NOBODY = { writer: null, end: null };

/** The operator's side. */
export function memoryApprovalKeeper({ organization, admit, now }: Parts): ApprovalKeeper {
  const reported = (id: string, { text, by }: { readonly text: string; readonly by: string }): ReportedApproval => {
    const claim = organization().approvals.claims.get(id);
    return readRequest(id, text, { writer: `name ${by}`, end: claim === undefined ? null : endIn(claim) });
  };
  return {
    own: null,
    async all() {
      await admit('read');
      return { requests: [...organization().approvals.requests].map(([id, kept]) => reported(id, kept)), problems: [] };
    },
    async get(id) {
      await admit('read');
      const kept = organization().approvals.requests.get(id);
      return kept ? reported(id, kept) : null;
    },
    async uses(id, times) {
      await admit('read');
      const { claims } = organization().approvals;
      let used = 0;
      while (used < times && claims.has(claimId({ id, times }, used + 1))) used += 1;
      return used;
    },
    async expire(ids) {
      await admit('write');
      const { claims } = organization().approvals;
      for (const id of ids) if (!claims.has(id)) claims.set(id, atTime(endText('expired', 'system'), now()));
    },
    async forget(ids, standing = []) {
      await admit('write');
      const { requests, claims } = organization().approvals;
      for (const id of ids) {
        requests.delete(id);
        claims.delete(id);
      }
      for (const one of standing) for (let use = 1; use <= one.times; use += 1) claims.delete(claimId(one, use));
    },
  };
}
