import { z } from 'zod';
import { approvalIdSchema, type BoundRequest, boundRequestSchema, editedInputSchema } from '../approvals.ts';
import { type Entry, ENTRY_SCHEMAS, entryKey, type StateView } from '../entries.ts';
import type { LastChange } from '../records.ts';
import { changedBy, type EventFacts, row, set } from './row.ts';

const decidedBy = ({ actor, at, reason }: EventFacts) => ({ decided_by: actor, decided_at: at, notes: reason });

/** The entry of a request, as it is or as it begins. */
const approvalOf = (
  view: StateView,
  request: BoundRequest,
): Omit<Entry<'approval'>, keyof LastChange> & Partial<LastChange> =>
  view.get('approval', request.id) ?? {
    status: 'pending',
    request,
    given: [],
    edited: null,
    decided_by: null,
    decided_at: null,
    notes: null,
    escalated: false,
  };

/** One person approves exactly this request; with `edited`, these arguments in the place of those it asked for. */
export const approve = row(
  { request: boundRequestSchema, edited: editedInputSchema.optional() },
  (view, data, event) => {
    const { id, approvals_needed: needed } = data.request;
    const before = approvalOf(view, data.request);
    const given = [...before.given, { by: event.actor, at: event.at }];
    const approval: Entry<'approval'> = {
      ...before,
      status: given.length < needed ? 'pending' : 'approved',
      request: data.request,
      given,
      edited: data.edited ?? null,
      ...decidedBy(event),
      ...changedBy(event),
    };
    return { patch: set('approval', id, approval), direction: 'loosens' };
  },
);

export const reject = row({ request: boundRequestSchema }, (view, { request }, event) => {
  const before = approvalOf(view, request);
  const rejected: Entry<'approval'> = { ...before, status: 'rejected', ...decidedBy(event), ...changedBy(event) };
  return { patch: set('approval', request.id, rejected), direction: 'tightens' };
});

/** Requests that nobody has answered in time are told again, once. */
export const escalate = row(
  { requests: z.array(boundRequestSchema).min(1).max(100) },
  (view, { requests }, event) => ({
    patch: {
      set: requests.map((request) => [
        entryKey('approval', request.id),
        { ...approvalOf(view, request), escalated: true, ...changedBy(event) },
      ]),
      remove: [],
    },
    direction: 'neutral',
  }),
  { isUpkeep: true },
);

export const standing = row(
  ENTRY_SCHEMAS.standing.pick({
    id: true,
    action: true,
    agent_id: true,
    run_id: true,
    match: true,
    times: true,
    until: true,
  }).shape,
  (_view, { command_id: _, ...data }, event) => ({
    patch: set('standing', data.id, { ...data, notes: event.reason, ...changedBy(event) }),
    direction: 'loosens',
  }),
);

export const standing_withdraw = row({ id: approvalIdSchema }, (_view, { id }) => ({
  patch: { set: [], remove: [entryKey('standing', id)] },
  direction: 'tightens',
}));

/** What can be used no more leaves the state, which would otherwise grow with every decision. */
export const lapse = row(
  { approvals: z.array(approvalIdSchema).max(500), standing: z.array(approvalIdSchema).max(500) },
  (_view, data) => ({
    patch: {
      set: [],
      remove: [
        ...data.approvals.map((id) => entryKey('approval', id)),
        ...data.standing.map((id) => entryKey('standing', id)),
      ],
    },
    direction: 'neutral',
  }),
  { isUpkeep: true },
);
