import { randomUUID } from 'node:crypto';
import {
  type ApprovalCall,
  type ApprovalFacts,
  approvalIdSchema,
  type AskedApproval,
  type BoundRequest,
  boundBy,
  deepFreeze,
  type EditedInput,
  endOfRequest,
  type Entry,
  type Fault,
  type Instant,
  isStandingFor,
  judgeApproval,
  MAX_SHOWN_INPUT,
  type Subject,
} from '../flags/index.ts';
import type { Approvals, Claim, ClaimAsked } from '../store/capabilities/approvals.ts';
import { faultFrom } from '../store/fault-from.ts';
import type { Replica } from '../store/replica.ts';
import { inputOf, type PlainInput } from './plain-data.ts';
import { redactWhole } from './redact.ts';

/** A call that people are asked about. */
export interface HeldCall extends ApprovalCall {
  readonly input: PlainInput;
}

/** How people are asked about it. */
export interface Asking {
  /** What the action says that it will do. */
  readonly description: string | null;
  readonly approvals: number;
  readonly expiresMs: number;
  readonly escalateMs: number | null;
  readonly costUsd: number | null;
  readonly reversible: boolean;
}

/** Why a request is not good for a call: as the cause of a decision has it. */
export interface Unapproved {
  readonly is: 'not approved';
  readonly status: string;
  /** A clause for people that goes on after the id. */
  readonly why: string;
}

/** The switch cannot be read, or the store does not answer: nothing is approved then. */
export interface Faulty {
  readonly is: 'fault';
  readonly fault: Fault;
}

/** What came of asking. */
export type Opened =
  | { readonly is: 'open'; readonly id: string; readonly expiresAt: string }
  /** `id`: the one that it would have had. */
  | (Unapproved & { readonly id: string })
  | Faulty;

/** What has become of a request. */
export type Looked =
  | { readonly is: 'pending'; readonly expiresAt: string }
  | { readonly is: 'approved'; readonly edited: EditedInput | null }
  | Unapproved
  | Faulty;

/** An approval that is used from now on, whatever comes of it. */
export interface Claimed {
  readonly is: 'claimed';
  /** Of the request, or of the standing approval. */
  readonly id: string;
  readonly edited: EditedInput | null;
  /** When the store was last asked, for a permit. */
  readonly sent: Instant;
  /**
   * Why the call may not start all the same, by what the local copy says in this turn: something may have restricted it
   * since. Null: it may.
   */
  readonly spoiled: () => Unapproved | Faulty | null;
}

/** What came of using an approval. */
export type Used = Claimed | Exclude<Looked, { readonly is: 'approved' }>;

export interface ApprovingParts {
  readonly replica: Replica;
  readonly approvals: Approvals;
  readonly executorName: string;
  /** The longest that is waited for the store to confirm what a claim has brought, in milliseconds. */
  readonly confirmMs: number;
}

/** After how many requests those that are over are forgotten here. */
const PRUNE_EVERY = 256;
/** How many events are read to know what has been restricted before the copy was loaded. */
const MOST_EVENTS = 50_000;

/**
 * Asks people about calls of this executor, and uses what they have approved. Decisions come as events with the local
 * copy, so whoever waits asks the store nothing. Nothing here lets a call start: it says what is approved, and whoever
 * starts the call decides again.
 */
export class Approving {
  readonly #replica: Replica;
  readonly #approvals: Approvals;
  readonly #executorName: string;
  readonly #confirmMs: number;
  /** The requests that were opened here and are not decided, for judging them before anybody has. */
  readonly #own = new Map<string, BoundRequest>();
  /** The latest time that the store has shown: a clock that goes back revives nothing. */
  #latest = 0;

  constructor({ replica, approvals, executorName, confirmMs }: ApprovingParts) {
    this.#replica = replica;
    this.#approvals = approvals;
    this.#executorName = executorName;
    this.#confirmMs = confirmMs;
  }

  /** Asks people about a call. Never rejects. */
  async open(call: HeldCall, asking: Asking): Promise<Opened> {
    const fault = this.#replica.fault();
    const head = this.#replica.state?.head;
    if (fault || !head) return { is: 'fault', fault: fault ?? NOT_READY };
    const { subject } = call;
    const id = randomUUID();
    const not = (status: string, why: string) => ({ ...notApproved(status, why), id });
    if (subject.action === undefined || subject.agentId === undefined)
      return not('missing', 'cannot be asked for: the call names no agent or no action');
    const shown = JSON.stringify(redactWhole(inputOf(call.input) ?? null));
    const asked: AskedApproval = {
      id,
      action: subject.action,
      input_hash: call.inputHash,
      agent_id: subject.agentId,
      run_id: subject.runId ?? null,
      mission_id: subject.missionId ?? null,
      requested_by: this.#executorName,
      generation: head.generation,
      epoch: head.epoch,
      head_hash: head.hash,
      approvals_needed: asking.approvals,
      input: beginning(shown, MAX_SHOWN_INPUT),
      input_length: shown.length,
      description: asking.description === null ? null : beginning(asking.description, 2000),
      ...lineageOf(subject),
      surface: subject.surface ?? null,
      feature: subject.feature ?? null,
      limits: [...call.limits],
      cost_usd: asking.costUsd,
      reversible: asking.reversible,
      expires_ms: asking.expiresMs,
      escalate_ms: asking.escalateMs,
    };
    try {
      const answer = await this.#approvals.request(asked);
      switch (answer.is) {
        case 'open': {
          const bound = boundBy({ ...asked, at_ms: answer.at_ms });
          this.#own.set(asked.id, bound);
          if (this.#own.size % PRUNE_EVERY === 0) this.#prune();
          return { is: 'open', id: asked.id, expiresAt: bound.expires_at };
        }
        case 'too many':
          return not(
            'too_many',
            `was not asked for: ${answer.most} requests of this executor wait, or are over and not removed yet (kill-switch watch removes them)`,
          );
        case 'taken':
          return not('missing', 'was not asked for: its id is taken');
        default:
          return answer satisfies never;
      }
    } catch (error) {
      return { is: 'fault', fault: faultFrom(error) };
    }
  }

  /**
   * What has become of a request, as far as the copy and the store know. Never rejects. `until`: when it expires, where
   * that is known; the store, which would say that, is then not asked.
   */
  async look(id: string, call: ApprovalCall, until?: string): Promise<Looked> {
    if (!approvalIdSchema.safeParse(id).success) return notApproved('missing', 'is not known here');
    try {
      await this.#remember(this.requestOf(id) ?? this.#own.get(id));
      const known = this.judge(id, call);
      if (known) return known;
      if (until !== undefined) return this.#pending(until);
      const found = await this.#approvals.find(id);
      const decided = this.judge(id, call); // meanwhile
      if (decided) return decided;
      switch (found.is) {
        case 'open':
          return this.#pending(found.expires_at);
        case 'ended':
          return notApproved(found.as, ENDED[found.as]);
        case 'missing':
          return notApproved('missing', 'is not known here');
        default:
          return found satisfies never;
      }
    } catch (error) {
      return { is: 'fault', fault: faultFrom(error) };
    }
  }

  /** As `look`, for a request of somebody else: it may be decided, and this copy not have heard of it. */
  async find(id: string, call: ApprovalCall): Promise<Looked> {
    const looked = await this.look(id, call);
    if (looked.is !== 'pending') return looked;
    await this.#replica.confirmNow(this.#confirmMs);
    return this.look(id, call);
  }

  /**
   * Uses an approval: one step with a confirmation, whose head is applied before it is judged again. `use` names this
   * very use: asked again with it, whoever had it is told so again. Never rejects.
   */
  async use(id: string, call: ApprovalCall, use: string): Promise<Used> {
    const looked = await this.find(id, call);
    if (looked.is !== 'approved') return looked;
    const until = this.requestOf(id)?.expires_at;
    if (until === undefined) return notApproved('missing', 'is not known here');
    const claimed = await this.#claim({ id, times: null, until, use });
    if (claimed.is !== 'claimed') return claimed;
    const judged = this.#judgeUsed(id, call);
    if (judged.is !== 'approved') return judged;
    const { edited } = judged;
    const spoiled = (): Unapproved | Faulty | null => {
      const now = this.#judgeUsed(id, call);
      return now.is === 'approved' ? null : now;
    };
    return { ...claimed, id, edited, spoiled };
  }

  #judgeUsed(id: string, call: ApprovalCall): Exclude<Looked, { is: 'pending' }> {
    return this.judge(id, call) ?? notApproved('missing', 'is not known here any more');
  }

  /** What a decided request is about; undefined where the local copy has no decision on it. */
  requestOf(id: string): BoundRequest | undefined {
    return this.#entry(id)?.request;
  }

  /** For how long a request with this expiry can still be answered, in milliseconds; 1 where it no longer can. */
  timeLeft(expiresAt: string): number {
    return Math.max(1, Date.parse(expiresAt) - this.#now());
  }

  /** Whether a standing approval may be good for this call, by the local copy. `tried`: those that are used up. */
  hasStanding(call: HeldCall, tried: ReadonlySet<string>): boolean {
    const mine = this.#standingFor(call, tried);
    if (mine.length === 0) return false;
    const asked = { ...call, input: inputOf(call.input) };
    return mine.some((each) => isStandingFor(each, asked, this.#facts()));
  }

  #standingFor({ subject }: HeldCall, tried: ReadonlySet<string>): Entry<'standing'>[] {
    const standing = [...(this.#replica.state?.standing.values() ?? [])];
    return standing.filter(({ id, action }) => action === subject.action && !tried.has(id));
  }

  /**
   * Uses a standing approval that is good for this call; null where there is none. Never rejects.
   *
   * @param tried those that are used up, to which those that are found to be are added
   */
  async useStanding(call: HeldCall, use: string, tried = new Set<string>()): Promise<Claimed | Faulty | null> {
    if (this.#standingFor(call, tried).length === 0) return null;
    const asked = { ...call, input: inputOf(call.input) };
    const isGood = (each: Entry<'standing'> | undefined): boolean =>
      each !== undefined && this.#replica.fault() === null && isStandingFor(each, asked, this.#facts());
    for (;;) {
      const mine = this.#standingFor(call, tried);
      for (const each of mine) await this.#remember({ ...each, head_hash: null }).catch(() => {});
      const good = mine.find(isGood);
      if (!good) return null;
      tried.add(good.id);
      const { id, times, until } = good;
      const claimed = await this.#claim({ id, times, until, use });
      if (claimed.is === 'fault') return claimed;
      if (claimed.is !== 'claimed') continue; // used up: another one may be good
      const spoiled = (): Unapproved | Faulty | null => {
        const fault = this.#replica.fault();
        if (fault) return { is: 'fault', fault };
        if (isGood(this.#replica.state?.standing.get(id))) return null;
        return notApproved('cancelled', 'was withdrawn, is over, or this has been restricted since');
      };
      if (!spoiled()) return { ...claimed, id, edited: null, spoiled };
    }
  }

  /**
   * This call needs its request no longer: ends it, where it could still be used for this call. Where the store does
   * not take that, it expires. Never rejects.
   */
  async giveUp(id: string, call: ApprovalCall): Promise<void> {
    const isOwn = this.#own.has(id);
    const { is } = isOwn ? (this.judge(id, call) ?? PENDING) : await this.look(id, call);
    this.#own.delete(id);
    if (is === 'pending' || is === 'approved' || (isOwn && is === 'fault')) await this.cancel(id);
  }

  /** Nobody waits for it any more. Where the store does not take that, it expires. */
  async cancel(id: string): Promise<void> {
    this.#own.delete(id);
    await this.#approvals.end(id, 'cancelled').catch(() => {});
  }

  /** Forgets requests that are over, and for which nobody has waited here. */
  #prune(): void {
    for (const [id, { expires_at }] of this.#own) if (Date.parse(expires_at) <= this.#now()) this.#own.delete(id);
  }

  #entry(id: string): Entry<'approval'> | undefined {
    return this.#replica.state?.approvals.get(id);
  }

  #now(): number {
    this.#latest = Math.max(this.#latest, this.#replica.storeNow() ?? 0);
    return this.#latest;
  }

  #facts(): ApprovalFacts {
    return {
      generation: this.#replica.state?.head?.generation ?? '',
      now: this.#now(),
      restrictionsSince: (epoch) => this.#replica.restrictions.since(epoch),
    };
  }

  /** What the local copy says of a request; null where nobody has decided and nothing speaks against it. */
  judge(id: string, call: ApprovalCall): Exclude<Looked, { is: 'pending' }> | null {
    const fault = this.#replica.fault();
    if (fault) return { is: 'fault', fault };
    const entry = this.#entry(id);
    const own = this.#own.get(id);
    const judged = entry ? judgeApproval(entry, call, this.#facts()) : own && endOfRequest(own, call, this.#facts());
    if (judged?.is === 'not approved' && judged.status === 'expired') void this.#expire(id);
    return !judged || judged.is === 'pending' ? null : judged;
  }

  #pending(expiresAt: string): Looked {
    return this.#now() < Date.parse(expiresAt)
      ? { is: 'pending', expiresAt }
      : notApproved('expired', `has expired at ${expiresAt}`);
  }

  /** Says so in the store: then it stays expired whatever a clock says later, also in other processes. */
  async #expire(id: string): Promise<void> {
    if (!this.#own.delete(id) && !this.#entry(id)) return;
    await this.#approvals.end(id, 'expired').catch(() => {}); // it is expired all the same
  }

  /** Makes sure that what was restricted since a request is known, also if that was before the copy was loaded. */
  async #remember(since: { readonly epoch: number; readonly head_hash: string | null } | undefined): Promise<void> {
    const { restrictions } = this.#replica;
    const { epoch: floor, hash } = restrictions.floor;
    if (!since || since.epoch >= floor) return;
    const after = { epoch: since.epoch, hash: since.head_hash ?? '' };
    const events = await this.#approvals.events(after, floor, MOST_EVENTS);
    if (events && restrictions.floor.hash === hash) restrictions.extend(events); // else it stays unknown, which voids
  }

  async #claim(asked: ClaimAsked): Promise<{ readonly is: 'claimed'; readonly sent: Instant } | Unapproved | Faulty> {
    try {
      const { answer, sent, confirmed } = await this.#replica.confirmBy<Claim>((beat, nonce) =>
        this.#approvals.claim(asked, { beat, nonce }),
      );
      if (answer.claim.is === 'ended') return notApproved(answer.claim.as, ENDED[answer.claim.as]);
      this.#own.delete(asked.id);
      if (confirmed) return { is: 'claimed', sent };
      const outcome = await this.#replica.confirmNow(this.#confirmMs);
      if (outcome.is === 'confirmed') return { is: 'claimed', sent: outcome.sent };
      return { is: 'fault', fault: outcome.is === 'failed' ? outcome.fault : LATE };
    } catch (error) {
      return { is: 'fault', fault: faultFrom(error) };
    }
  }
}

const PENDING = Object.freeze({ is: 'pending' });
const NOT_READY: Fault = deepFreeze({ code: 'NOT_READY', message: 'the switch has not been read yet' });
const LATE: Fault = deepFreeze({
  code: 'STALE',
  message: 'the store did not confirm the use of this approval in time',
});

const ENDED = { used: 'is used', cancelled: 'was given up', expired: 'has expired' } as const;

const notApproved = (status: string, why: string): Unapproved => ({ is: 'not approved', status, why });

const lineageOf = ({ lineageAgents, lineageMissions, lineageRuns }: Subject) => ({
  lineage_agents: [...(lineageAgents ?? [])],
  lineage_missions: [...(lineageMissions ?? [])],
  lineage_runs: [...(lineageRuns ?? [])],
});

/** The beginning of a text, which is not cut within a character. */
const beginning = (text: string, most: number): string =>
  text.length <= most
    ? text
    : text
        .slice(0, most)
        .toWellFormed()
        .replace(/\ufffd$/, '');
