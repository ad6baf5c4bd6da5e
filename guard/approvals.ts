import { randomUUID } from 'node:crypto';
import {
  type ApprovalCall,
  type ApprovalFacts,
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
export type Opened = { readonly is: 'open'; readonly id: string; readonly expiresAt: string } | Unapproved | Faulty;

/** What has become of a request. */
export type Looked =
  | { readonly is: 'pending'; readonly expiresAt: string }
  | { readonly is: 'approved'; readonly edited: EditedInput | null }
  | Unapproved
  | Faulty;

/** What came of using an approval. */
export type Used =
  /**
   * It is used. `sent`: when the store was last asked, for a permit; the action starts after another look, or not at
   * all. `id`: of the request, or of the standing approval.
   */
  | { readonly is: 'claimed'; readonly id: string; readonly edited: EditedInput | null; readonly sent: Instant }
  | Exclude<Looked, { readonly is: 'approved' }>;

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
 * How often the store is asked, in milliseconds, whether a request was used or given up elsewhere: no event tells of
 * that. What was asked for here is nearly always ended here.
 */
const LOOK_MS = { own: 60_000, others: 5000 };

/**
 * Asks people about calls of this executor, waits for what they decide, and uses it. Decisions come as events with the
 * local copy, so waiting costs the store next to nothing. Nothing here lets a call start: it says what is approved, and
 * whoever starts the call decides again.
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
    if (subject.action === undefined || subject.agentId === undefined)
      return notApproved('missing', 'cannot be asked for: the call names no agent or no action');
    const shown = JSON.stringify(redactWhole(inputOf(call.input) ?? null));
    const asked: AskedApproval = {
      id: randomUUID(),
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
          return notApproved('too_many', `was not asked for: ${answer.most} requests of this executor wait already`);
        case 'taken':
          return notApproved('missing', 'was not asked for: its id is taken');
        default:
          return answer satisfies never;
      }
    } catch (error) {
      return { is: 'fault', fault: faultFrom(error) };
    }
  }

  /** What has become of a request, as far as the copy and the store know. Never rejects. */
  async look(id: string, call: ApprovalCall): Promise<Looked> {
    try {
      await this.#remember(this.#entry(id)?.request ?? this.#own.get(id));
      const known = this.#judge(id, call);
      if (known) return known;
      const found = await this.#approvals.find(id);
      const decided = this.#judge(id, call); // meanwhile
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

  /**
   * Waits until a request is decided or over. Resolves to `pending` where the signal has fired before. Never rejects.
   */
  async decided(id: string, call: ApprovalCall, signal: AbortSignal): Promise<Looked> {
    for (;;) {
      const looked = await this.look(id, call);
      if (looked.is !== 'pending' || signal.aborted) return looked;
      const left = Date.parse(looked.expiresAt) - this.#now();
      const again = this.#own.has(id) ? LOOK_MS.own : LOOK_MS.others;
      await this.#untilKnown(id, call, { ms: Math.max(1, Math.min(again, left)), signal });
    }
  }

  /** Resolves as soon as the local copy has something to say, or when the time is over. */
  #untilKnown(
    id: string,
    call: ApprovalCall,
    { ms, signal }: { readonly ms: number; readonly signal: AbortSignal },
  ): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        stop();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      const look = (): void => {
        if (this.#judge(id, call)) done();
      };
      const stop = this.#replica.on(look);
      signal.addEventListener('abort', done);
      look(); // meanwhile
    });
  }

  /**
   * Uses an approval: one step with a confirmation, whose head is applied before it is judged again. `use` names this
   * very use: asked again with it, whoever had it is told so again. Never rejects.
   */
  async use(id: string, call: ApprovalCall, use: string): Promise<Used> {
    let looked = await this.look(id, call);
    if (looked.is === 'pending') {
      // It may be decided, and this copy not have heard of it yet.
      await this.#replica.confirmNow(this.#confirmMs);
      looked = await this.look(id, call);
    }
    if (looked.is !== 'approved') return looked;
    const until = this.#entry(id)?.request.expires_at;
    if (until === undefined) return notApproved('missing', 'is not known here');
    const claimed = await this.#claim({ id, times: null, until, use });
    if (claimed.is !== 'claimed') return claimed;
    const judged = this.#judge(id, call) ?? notApproved('missing', 'is not known here any more');
    return judged.is === 'approved' ? { ...claimed, id, edited: judged.edited } : judged;
  }

  /** Uses a standing approval that is good for this call; null where there is none. Never rejects. */
  async useStanding(call: HeldCall, use: string): Promise<Used | null> {
    const asked = { ...call, input: inputOf(call.input) };
    const tried = new Set<string>();
    for (;;) {
      const standing = [...(this.#replica.state?.standing.values() ?? [])];
      const mine = standing.filter(({ id, action }) => action === call.subject.action && !tried.has(id));
      for (const each of mine) await this.#remember({ ...each, head_hash: null }).catch(() => {});
      const good = mine.find((each) => this.#replica.fault() === null && isStandingFor(each, asked, this.#facts()));
      if (!good) return null;
      tried.add(good.id);
      const { id, times, until } = good;
      const claimed = await this.#claim({ id, times, until, use });
      if (claimed.is === 'fault') return claimed;
      if (claimed.is !== 'claimed') continue; // used up: another one may be good
      const present = this.#replica.state?.standing.get(id);
      if (present && isStandingFor(present, asked, this.#facts())) return { ...claimed, id, edited: null };
    }
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

  /** What the local copy says; null where nobody has decided and nothing speaks against it. */
  #judge(id: string, call: ApprovalCall): Exclude<Looked, { is: 'pending' }> | null {
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
