import { type BoundRequest, boundBy, escalationOf, expiryOf, type KeptApproval, stateFrom } from '../flags/index.ts';
import { loadWhole } from '../store/answers.ts';
import { APPROVALS_KEPT_MS, type ReportedApproval } from '../store/capabilities/approvals.ts';
import type { ControlConnection } from '../store/ports.ts';
import type { Order } from './change-queue.ts';
import type { CommandOf } from './commands/index.ts';
import { Looking } from './looking.ts';
import { SYSTEM } from './operators.ts';
import { isChangeRefusedError } from './refusals.ts';

export interface ApprovalUpkeepOptions {
  readonly connection: Pick<ControlConnection, 'approvals' | 'load'>;
  /** @throws ChangeRefusedError where another process has done it */
  readonly append: (order: Order) => Promise<unknown>;
  /** Called once with what keeps it from working, and once with an empty text when that is over. */
  readonly onTrouble: (problem: string) => void;
  /** How long between two looks, in milliseconds; default 1 s, and more where reading everything takes long. */
  readonly lookMs?: number | undefined;
}

const LOOK_MS = 1000;
/** A look takes at most about this share of the time. */
const MOSTLY_IDLE = 20;
/** How often the whole state is read, in milliseconds, where no request says that there is something to do. */
const WHOLE_EVERY_MS = 300_000;
/** How many requests one event names. */
const MOST_TOGETHER = 100;
/** How long the requests of one event are together, in characters of JSON; a single one may be longer. */
const LONGEST_TOGETHER = 1_000_000;

/**
 * What an operating process does for approvals: it tells again, once, what nobody has answered; says of what has
 * expired that it has, so that no clock revives it; takes what can be used no more out of the state; and removes
 * requests a day after they have expired.
 */
export class ApprovalUpkeep {
  readonly #options: ApprovalUpkeepOptions;
  readonly #looking: Looking;
  readonly #escalated = new Set<string>();
  #wholeAt = Number.NEGATIVE_INFINITY;

  constructor(options: ApprovalUpkeepOptions) {
    this.#options = options;
    const { lookMs = LOOK_MS, onTrouble } = options;
    this.#looking = new Looking({
      look: async () => {
        await this.#look();
        return '';
      },
      pauseMs: (tookMs) => Math.max(lookMs, MOSTLY_IDLE * tookMs),
      onTrouble,
    });
  }

  close(): Promise<void> {
    return this.#looking.close();
  }

  async #look(): Promise<void> {
    const { connection } = this.#options;
    const { approvals } = connection;
    if (!approvals) return;
    const { requests } = await approvals.all();
    const isDue = this.#wholeAt + WHOLE_EVERY_MS < performance.now();
    if (!isDue && !requests.some((each) => this.#mayBeDue(each, Date.now()))) return;
    const { head, entries, time } = await loadWhole(connection);
    if (!head) return;
    this.#wholeAt = performance.now();
    const now = Date.parse(time);
    const state = stateFrom(entries, head);
    const read = requests.flatMap(({ request, end, problem }) =>
      request && problem === null ? [{ request, end, isOver: Date.parse(expiryOf(request)) <= now }] : [],
    );
    const expired = read.filter(({ end, isOver }) => end === null && isOver).map(({ request }) => request.id);
    if (expired.length > 0) await approvals.expire(expired);
    const late = read.filter(({ end, isOver, request }) => end === null && !isOver && isLate(request, now));
    await this.#escalate(late.map(({ request }) => request).filter(({ id }) => !this.#escalated.has(id)));
    await this.#lapse({
      approvals: [...state.approvals.values()].filter((e) => e.request.expires_at <= time).map((e) => e.request.id),
      standing: [...state.standing.values()].filter(({ until }) => until <= time).map(({ id }) => id),
    });
    const over = [...state.standing.values()].filter(({ until }) => until <= time);
    const old = read.filter(({ request }) => Date.parse(expiryOf(request)) + APPROVALS_KEPT_MS <= now);
    if (old.length + over.length > 0)
      await approvals.forget(
        old.map(({ request }) => request.id),
        over,
      );
  }

  /** By this machine's clock, which only says that it is worth while to look: the store's decides. */
  #mayBeDue({ request, end }: ReportedApproval, now: number): boolean {
    if (!request) return false;
    const expiry = Date.parse(expiryOf(request));
    if (end === null && expiry <= now) return true;
    if (expiry + APPROVALS_KEPT_MS <= now) return true;
    return end === null && isLate(request, now) && !this.#escalated.has(request.id);
  }

  async #escalate(requests: readonly KeptApproval[]): Promise<void> {
    for (const some of together(requests.map(boundBy))) {
      await this.#append({ type: 'escalate', requests: some });
      for (const { id } of some) this.#escalated.add(id);
    }
    if (this.#escalated.size > MOST_REMEMBERED) this.#escalated.clear(); // the log knows them
  }

  async #lapse({ approvals, standing }: Omit<CommandOf<'lapse'>, 'type'>): Promise<void> {
    const most = Math.max(approvals.length, standing.length);
    for (let from = 0; from < most; from += MOST_TOGETHER) {
      const part = (ids: readonly string[]): readonly string[] => ids.slice(from, from + MOST_TOGETHER);
      await this.#append({ type: 'lapse', approvals: part(approvals), standing: part(standing) });
    }
  }

  async #append(command: CommandOf<'escalate'> | CommandOf<'lapse'>): Promise<void> {
    try {
      await this.#options.append({ command, actor: SYSTEM });
    } catch (error) {
      if (!isChangeRefusedError(error)) throw error; // another process has done it
    }
  }
}

const MOST_REMEMBERED = 100_000;

/** The requests in parts, each of which one event can name: a store takes no line without end. */
export function together(requests: readonly BoundRequest[]): readonly (readonly BoundRequest[])[] {
  const parts: BoundRequest[][] = [];
  let length = Number.POSITIVE_INFINITY;
  for (const request of requests) {
    const own = JSON.stringify(request).length;
    const last = parts.at(-1);
    if (last && last.length < MOST_TOGETHER && length + own <= LONGEST_TOGETHER) {
      last.push(request);
      length += own;
    } else {
      parts.push([request]);
      length = own;
    }
  }
  return parts;
}

function isLate(request: KeptApproval, now: number): boolean {
  const at = escalationOf(request);
  return at !== null && Date.parse(at) <= now;
}
