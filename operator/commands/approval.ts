import { canonicalize } from 'json-canonicalize';
import { type BoundRequest, type EditedInput, type Entry, shownId } from '../../flags/index.ts';
import type { GivenReason } from '../reason.ts';
import { ALREADY, type CommandRow, event, type PlanView, refused, type Wish } from './row.ts';

/** A request as it was found right before it is decided. */
export interface FoundRequest {
  readonly request: BoundRequest;
  /** How it has ended, by its executor or its time, or since something has restricted it; null where it has not. */
  readonly ended: { readonly status: string; readonly why: string } | null;
  /** Everybody who must not approve it, by the names that they may bear. */
  readonly requesters: readonly string[];
  /** Its arguments as JSON, without secrets; absent where they are not kept whole. */
  readonly input?: string;
}

/** Why a request cannot be decided any more; null where it can. */
function endedBefore({ request, ended }: FoundRequest, view: PlanView): Wish | null {
  const { id, generation, expires_at } = request;
  const because = (status: string, why: string): Wish => refused({ kind: 'approval_ended', id, status, why });
  if (ended) return because(ended.status, ended.why);
  if (view.get('approval', id)?.status === 'rejected') return because('rejected', 'was rejected');
  if (generation !== view.head?.generation)
    return because('cancelled', 'was asked for before the switch was recovered');
  return expires_at <= view.time ? because('expired', `has expired at ${expires_at}`) : null;
}

const namesOf = (given: Entry<'approval'>['given']): string =>
  `${given.map(({ by }) => shownId(by)).join(' and ')} ${given.length === 1 ? 'has' : 'have'}`;

const isSame = (one: BoundRequest, other: BoundRequest): boolean => canonicalize(one) === canonicalize(other);

/** What one person says of exactly this request. */
export const approve: CommandRow<{ readonly found: FoundRequest; readonly edited: EditedInput | null } & GivenReason> =
  {
    changes: ({ found }) => ['approval', found.request.id],
    wish({ found, edited }, view) {
      const { request } = found;
      const entry = view.get('approval', request.id);
      const ended = endedBefore(found, view);
      if (ended) return ended;
      const other = (why: string): Wish => refused({ kind: 'other_arguments', id: request.id, why });
      if (entry && !isSame(entry.request, request)) return other('it is not the request that was decided before');
      if (entry && entry.given.length > 0 && entry.edited?.input_hash !== edited?.input_hash)
        return other(
          `${namesOf(entry.given)} approved it with other arguments; to correct them, reject it and let it be asked anew`,
        );
      if (entry?.status === 'approved') return ALREADY;
      return event('approve', { request, ...(edited && { edited }) });
    },
    isUngoverned: true,
    needsNoReason: true,
  };

export const reject: CommandRow<{ readonly found: FoundRequest } & GivenReason> = {
  isUngoverned: true,
  changes: ({ found }) => ['approval', found.request.id],
  wish({ found }, view) {
    if (view.get('approval', found.request.id)?.status === 'rejected') return ALREADY;
    return endedBefore(found, view) ?? event('reject', { request: found.request });
  },
};

/** An operating process says once that nobody has answered these. */
export const escalate: CommandRow<{ readonly requests: readonly BoundRequest[] }> = {
  isUngoverned: true,
  changes: ({ requests }) => ['approval', requests[0]?.id ?? ''],
  also: ({ requests }) => requests.map(({ id }) => ['approval', id]),
  wish({ requests }, view) {
    const open = requests.filter(({ id }) => {
      const entry = view.get('approval', id);
      return !entry || (entry.status === 'pending' && !entry.escalated);
    });
    const [first] = open.length > 0 ? open : requests;
    return open.length > 0
      ? event('escalate', { requests: open })
      : refused({ kind: 'approval_missing', id: first?.id ?? '', standing: false });
  },
};
