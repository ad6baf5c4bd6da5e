import { randomUUID } from 'node:crypto';
import { asAsked, type Decision, endedDecision, isPermitFresh, makeDecision, shownId } from '../../flags/index.ts';
import type { Approving, Claimed, Faulty, Looked, Unapproved } from '../approvals.ts';
import { askingOf } from '../asking.ts';
import type { Attempt } from '../attempt.ts';
import { askPermit } from '../confirm.ts';
import { blocked, faultCause } from '../decide.ts';
import { editedInput } from '../edited.ts';
import type { AttemptEnd } from '../ending.ts';
import type { HeldRequest, Holding } from '../holding.ts';
import type { Outcome } from '../outcome.ts';
import { inputOf } from '../plain-data.ts';
import { mayHaveChanged } from '../wait.ts';
import { answeredBefore } from './journal.ts';
import type { Next } from './step.ts';
import { refuseUnsupported } from './unsupported.ts';

/** A held attempt, with what it needs for that. */
interface Held<Input, Result> {
  readonly attempt: Attempt<Input, Result>;
  readonly approving: Approving;
  readonly holding: Holding<Input>;
}

/**
 * Asks people about an attempt, or uses what they have approved. Each change begins a round anew, so that the attempt
 * goes on where nobody has to approve it any more, and is refused where it may not run at all. Once the approval is
 * used, everything is decided once more by what the store has said with that.
 */
export async function hold<Input, Result>(attempt: Attempt<Input, Result>): Promise<Next<Result>> {
  const holding = attempt.holding ?? beginHolding(attempt);
  const { approving } = attempt.guard;
  if (!approving || !holding)
    return refuseUnsupported(attempt, 'a call that people have to approve needs a store that can ask them');
  const held = { attempt, approving, holding };
  if (attempt.signal?.aborted) return attempt.abandon('aborted', attempt.decision);
  if (holding.claimed) return letThrough(held, holding.claimed);
  const isFirst = !holding.request?.expiresAt;
  const answered = isFirst ? await answeredBefore(attempt) : null;
  if (answered) return answered;
  return (await byStanding(held)) ?? (holding.request ? byRequest(held, holding.request) : ask(held));
}

/** What is kept of people's part in an attempt, from when it is first needed; undefined where nobody can be asked. */
export function beginHolding<Input, Result>(attempt: Attempt<Input, Result>): Holding<Input> | undefined {
  const { action, guard, options, subject } = attempt;
  const { approving } = guard;
  if (!approving) return undefined;
  const input = attempt.hash();
  const { approvalId } = options;
  const holding: Holding<Input> = {
    call: { subject, limits: Object.keys(action.limits ?? {}), input, inputHash: input.hash },
    request: approvalId === undefined ? null : { id: approvalId, expiresAt: null },
    asked: null,
    input: undefined,
    claimed: null,
    tried: new Set(),
    isLeft: false,
  };
  attempt.holding = holding;
  attempt.atLast((end) => settle({ attempt, approving, holding }, end));
  return holding;
}

/** A request that this attempt has opened, or has run without, is not left open for others to decide or to use. */
async function settle<Input, Result>(
  { attempt, approving, holding }: Held<Input, Result>,
  { is }: AttemptEnd<Result>,
): Promise<void> {
  const { call, claimed, isLeft, request } = holding;
  if (!request || isLeft || claimed?.id === request.id) return;
  const isOwn = request.id !== attempt.options.approvalId;
  if (isOwn || is !== 'not_started') await approving.giveUp(request.id, call);
}

async function byStanding<Input, Result>(held: Held<Input, Result>): Promise<Next<Result> | null> {
  const { attempt, approving, holding } = held;
  if (!mayStand(held)) return null;
  const used = await approving.useStanding(holding.call, randomUUID(), holding.tried);
  if (used?.is === 'fault') return refuseFault(attempt, used);
  return used && claimed(held, used);
}

/** One person has allowed it in advance: not enough where two have to, or where a request is named. */
const mayStand = <Input, Result>({ attempt }: Held<Input, Result>): boolean =>
  attempt.action.approvals === 1 && attempt.options.approvalId === undefined;

async function ask<Input, Result>(held: Held<Input, Result>): Promise<Next<Result>> {
  const { attempt, approving, holding } = held;
  // The decision may be out of date by now, and code of the application is called next.
  if (attempt.look().verdict !== 'hold') return attempt.reconsider();
  const asking = await askingOf(attempt, holding.call.input);
  if ('problem' in asking)
    return attempt.refuse(blocked(attempt.subject, faultCause('HANDLER_FAILED', asking.problem), attempt.decision));
  if (attempt.look().verdict !== 'hold') return attempt.reconsider();
  const opened = await approving.open(holding.call, asking.value);
  switch (opened.is) {
    case 'open':
      holding.request = opened;
      return waiting(held, opened);
    case 'not approved':
      return refuseUnapproved(attempt, opened.id, opened);
    case 'fault':
      return refuseFault(attempt, opened);
    default:
      return opened satisfies never;
  }
}

async function byRequest<Input, Result>(
  held: Held<Input, Result>,
  { id, expiresAt }: HeldRequest,
): Promise<Next<Result>> {
  const { attempt, approving, holding } = held;
  const looked =
    expiresAt === null ? await approving.find(id, holding.call) : await approving.look(id, holding.call, expiresAt);
  if (looked.is !== 'approved') return unlessApproved(held, id, looked);
  const request = approving.requestOf(id);
  if (!holding.asked && request) {
    holding.asked = asAsked(request, attempt.subject);
    if (attempt.look().verdict !== 'hold') return attempt.reconsider();
  }
  const { edited } = looked;
  if (edited && holding.input?.plain?.hash !== edited.input_hash) {
    const made = await editedInput(attempt, edited);
    if ('problem' in made)
      return attempt.refuse(blocked(attempt.subject, faultCause('HANDLER_FAILED', made.problem), attempt.decision));
    holding.input = made.value;
    return 'again'; // they have to keep the limits, before the approval is used
  }
  const used = await approving.use(id, holding.call, randomUUID());
  return used.is === 'claimed' ? claimed(held, used) : unlessApproved(held, id, used);
}

function unlessApproved<Input, Result>(
  held: Held<Input, Result>,
  id: string,
  looked: Exclude<Looked, { is: 'approved' }>,
): Next<Result> | Promise<Next<Result>> {
  switch (looked.is) {
    case 'pending': {
      const request = { id, expiresAt: looked.expiresAt };
      held.holding.request = request;
      return waiting(held, request);
    }
    case 'not approved':
      return unlessDone(held.attempt, id, looked);
    case 'fault':
      return refuseFault(held.attempt, looked);
    default:
      return looked satisfies never;
  }
}

/** Where an approval was used by a call with the same key, its journal has the answer. */
async function unlessDone<Input, Result>(
  attempt: Attempt<Input, Result>,
  id: string,
  unapproved: Unapproved,
): Promise<Next<Result>> {
  const answered = unapproved.status === 'used' ? await answeredBefore(attempt) : null;
  return answered ?? refuseUnapproved(attempt, id, unapproved);
}

/** The approval is used. Everything is decided again by what the store has answered. */
function claimed<Input, Result>({ attempt, holding }: Held<Input, Result>, used: Claimed): Next<Result> {
  const { decision, guard, subject } = attempt;
  const { edited, id } = used;
  if ((edited?.input_hash ?? holding.call.inputHash) !== (holding.input?.plain?.hash ?? holding.call.inputHash)) {
    const why = 'was approved with other arguments while it was used';
    return refuseUnapproved(attempt, id, { is: 'not approved', status: 'other_call', why });
  }
  const plain = edited ? holding.input?.plain : holding.call.input;
  const input = edited ? holding.input?.input : attempt.input;
  const status = { status: 'executed', state: 'executing' } as const;
  const circumstances = edited ? { input, original: attempt.input, ...status } : { input, ...status };
  holding.claimed = used;
  const keepRecord = guard.interventions.prepare(approvedDecision(attempt, decision), subject, circumstances);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of the same text, made anew before it is executed
  holding.input = { input: input as Input, plain, keepRecord };
  if (edited && plain) attempt.mark({ edited: true, input: inputOf(plain) });
  return 'again';
}

/** The answer to the use is a permit, as a confirmation's is; where it has run out, the store is asked anew. */
async function letThrough<Input, Result>(
  { attempt }: Held<Input, Result>,
  { id, sent, spoiled }: Claimed,
): Promise<Next<Result>> {
  const because = spoiled();
  if (because) return refuseSpoiled(attempt, id, because);
  const { replica } = attempt.guard;
  const isFresh = (): boolean => replica !== null && isPermitFresh(sent, replica.clock());
  attempt.permit = replica && !isFresh() ? await askPermit(replica) : { is: 'granted', isFresh };
  attempt.renewInput();
  return 'go on';
}

/** Refuses the attempt where the approval that it uses does not let it start in this turn; null: it does. */
export function spoiledApproval<Input, Result>(attempt: Attempt<Input, Result>): Outcome<Result> | null {
  const used = attempt.holding?.claimed;
  if (!used) return refuseUnsupported(attempt, 'nobody has approved this');
  const because = used.spoiled();
  return because && refuseSpoiled(attempt, used.id, because);
}

async function waiting<Input, Result>(
  held: Held<Input, Result>,
  { id, expiresAt }: { readonly id: string; readonly expiresAt: string },
): Promise<Next<Result>> {
  const { attempt, approving, holding } = held;
  const { guard, signal, subject } = attempt;
  const why = `waits until ${expiresAt}, see kill-switch approvals show ${shownId(id)}`;
  const decision = makeDecision(subject, {
    ...decidedOf(attempt.decision),
    cause: { kind: 'approval', approvalId: id, status: 'pending', why },
  });
  const given = attempt.withdraw();
  attempt.wait(decision);
  if (given) await given;
  if (attempt.hasMissedChange && !isOver(attempt)) return 'again';
  const until = Math.min(attempt.until, performance.now() + approving.timeLeft(expiresAt));
  const stays = (local: Decision): boolean =>
    local.verdict === 'hold' &&
    approving.judge(id, holding.call) === null &&
    !(mayStand(held) && approving.hasStanding(holding.call, holding.tried));
  if (await mayHaveChanged(guard, subject, { until, signal, stays })) return 'again';
  if (signal?.aborted) return attempt.abandon('aborted', decision);
  if (!isOver(attempt)) return 'again'; // the request's time is over
  holding.isLeft = true;
  return attempt.hold(decision, { id, expiresAt });
}

const isOver = <Input, Result>({ until }: Attempt<Input, Result>): boolean => performance.now() >= until;

const decidedOf = ({ verdict, mode, epoch }: Decision) => ({ verdict, mode, epoch });

/** The same decision, where people have approved the call. */
export function approvedDecision<Input, Result>(
  { holding, subject }: Attempt<Input, Result>,
  decision: Decision,
): Decision {
  const used = holding?.claimed;
  if (!used) return decision;
  const cause = { kind: 'approval', approvalId: used.id, status: 'approved', why: 'was used for it' } as const;
  const approved = makeDecision(subject, { ...decidedOf(decision), cause });
  return endedDecision(approved, used.edited ? 'approved otherwise' : 'approved');
}

const refuseSpoiled = <Input, Result>(
  attempt: Attempt<Input, Result>,
  id: string,
  because: Unapproved | Faulty,
): Outcome<Result> => (because.is === 'fault' ? refuseFault(attempt, because) : refuseUnapproved(attempt, id, because));

const refuseUnapproved = <Input, Result>(
  attempt: Attempt<Input, Result>,
  approvalId: string,
  { status, why }: Unapproved,
): Outcome<Result> =>
  attempt.refuse(blocked(attempt.subject, { kind: 'approval', approvalId, status, why }, attempt.decision));

const refuseFault = <Input, Result>(attempt: Attempt<Input, Result>, { fault }: Faulty): Outcome<Result> =>
  attempt.refuse(blocked(attempt.subject, faultCause(fault.code, fault.message), attempt.decision));
