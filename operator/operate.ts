import {
  type ActiveKill,
  type Clock,
  entryKey,
  type Head,
  type Instant,
  type LogEvent,
  stateFrom,
} from '../flags/index.ts';
import { loadWhole, sameHead } from '../store/answers.ts';
import type { ControlConnection } from '../store/ports.ts';
import type { Order, Recorded } from './change-queue.ts';
import type { Command } from './commands/index.ts';
import { copyStops } from './copy-stops.ts';
import { clocksAgree, type ClockLook, expiryProof, type Timekeeping } from './expiry.ts';
import { newEvents } from './new-events.ts';
import { SYSTEM } from './operators.ts';
import { ForgetJournals } from './forget-journals.ts';
import { Looking } from './looking.ts';
import { isChangeRefusedError, type Refusal } from './refusals.ts';
import { Renewals } from './renewals.ts';

export interface OperateOptions {
  readonly connection: Pick<ControlConnection, 'read' | 'load' | 'log' | 'journals' | 'stops' | 'operating'>;
  /** @throws ChangeRefusedError where the kill is gone; KillSwitchError that says why it was not recorded */
  readonly append: (order: Order) => Promise<Recorded>;
  /** How long recording an end is tried, in milliseconds. */
  readonly retryMs: number;
  /** Whether the store has a clock that is not this machine's. */
  readonly ownClock: boolean;
  readonly clock: Clock;
  /** Called once with what keeps it from working, and once with an empty text when that is over. */
  readonly onTrouble: (problem: string) => void;
}

const LOOK_MS = 1000;

/** How often it says that it runs, in milliseconds. */
const NOTE_MS = 5000;

/** A kill that has an end, and when this process first saw that end. */
interface Ending {
  readonly kill: ActiveKill;
  readonly seen: Instant;
}

/**
 * The loop of an operating process: ends each kill whose time is over by an event, copies what executors have stopped,
 * and has the windows of rules compiled further ahead before they run out. It looks about once a second, reads only new
 * events of the log, and goes on through outages. Any number may run side by side: the first to append ends the kill,
 * the others find it gone.
 */
export class Operating {
  readonly #options: OperateOptions;
  readonly #started: Instant;
  readonly #endings = new Map<string, Ending>();
  readonly #renewals = new Renewals();
  readonly #journals: ForgetJournals;
  readonly #looking: Looking;
  #head: Head | null = null;
  #lastEventAt = 0;
  #notedAt = Number.NEGATIVE_INFINITY;

  constructor(options: OperateOptions) {
    this.#options = options;
    this.#started = options.clock();
    this.#journals = new ForgetJournals(options.connection.journals);
    this.#looking = new Looking({
      look: async () => [await this.#look(), await this.#copyStops()].filter((problem) => problem !== '').join(' '),
      pauseMs: () => LOOK_MS,
      onTrouble: options.onTrouble,
    });
  }

  /** Ends it, after the append that is under way. */
  close(): Promise<void> {
    return this.#looking.close();
  }

  /** One look. @returns why a kill past its end cannot be ended yet, or an empty text */
  async #look(): Promise<string> {
    const { clock, connection } = this.#options;
    const before = clock();
    const { head, time } = await connection.read([entryKey('control')]);
    const look: ClockLook = { before, after: clock(), store: Date.parse(time) };
    if (!sameHead(head, this.#head)) await this.#catchUp(head);
    if (head) await this.#sayThatItRuns(look.after.mono);
    if (head) await this.#journals.look(look.after.mono, [look.store, look.after.wall]);
    const timekeeping: Timekeeping = {
      started: this.#started,
      ownClock: this.#options.ownClock,
      lastEventAt: this.#lastEventAt,
    };
    const endings = [...this.#endings.values()];
    const over = endings.filter(({ kill, seen }) => expiryProof(kill, seen, look, timekeeping));
    await Promise.all(over.map(({ kill }) => this.#end(kill)));
    await Promise.all(this.#renewals.due(look.store).map((name) => this.#renew(name)));
    const due = endings.filter(({ kill }) => kill.expires_at !== null && Date.parse(kill.expires_at) <= look.store);
    const waiting = due.length - over.length;
    if (waiting === 0) return '';
    const why = clocksAgree(look, timekeeping) ? 'the log has events of a later time' : this.#whyWaiting();
    const which = waiting === 1 ? 'A kill is past its end' : `${waiting} kills are past their end`;
    return `${which} by the store's clock, and ${waiting === 1 ? 'stays' : 'stay'}: ${why}.`;
  }

  /** A user who may only read cannot say so, and ends no kills either. */
  async #sayThatItRuns(now: number): Promise<void> {
    if (now - this.#notedAt < NOTE_MS) return;
    this.#notedAt = now;
    await this.#options.connection.operating?.note().catch(() => {});
  }

  /** Copies what executors have stopped. @returns what of it cannot be read, or an empty text */
  async #copyStops(): Promise<string> {
    const { connection, append, retryMs } = this.#options;
    if (!connection.stops || this.#head === null) return '';
    const { problems } = await copyStops({ connection, append, retryMs: Math.min(retryMs, LOOK_MS) });
    if (problems.length === 0) return '';
    return `Stops of executors cannot be taken: ${problems.slice(0, 3).join('; ')}${problems.length > 3 ? '; …' : ''}.`;
  }

  #whyWaiting(): string {
    return this.#options.ownClock
      ? "this machine's clock and the store's do not agree, or this machine's was set since this process began; each kill ends when its whole duration has passed here"
      : "the store has no clock but this machine's; each kill ends when its whole duration has passed since this process saw it";
  }

  /** Reads the new events; or everything, where they do not follow on what was known. */
  async #catchUp(head: Head | null): Promise<void> {
    if (head === null) {
      this.#endings.clear();
      this.#renewals.clear();
      this.#head = null;
      return;
    }
    const events = this.#head && (await newEvents(this.#options.connection, this.#head, head));
    if (!events) return this.#loadAll();
    const targets = new Set(events.map(({ data }) => data['target']).filter((target) => typeof target === 'string'));
    if (targets.size > 0) {
      const view = await this.#options.connection.read([...targets].map((target) => entryKey('kill', target)));
      const now = this.#options.clock();
      for (const target of targets) this.#note(target, view.get('kill', target), now);
    }
    const rules = [...new Set(events.flatMap(ruleNamed))];
    if (rules.length > 0) {
      const view = await this.#options.connection.read(rules.map((name) => entryKey('rule', name)));
      for (const name of rules) this.#renewals.note(name, view.get('rule', name));
    }
    this.#head = head;
    this.#lastEventAt = Math.max(this.#lastEventAt, ...events.map(({ at }) => Date.parse(at)));
  }

  async #loadAll(): Promise<void> {
    const { connection } = this.#options;
    const { head, entries } = await loadWhole(connection);
    if (!head) return;
    const state = stateFrom(entries, head);
    this.#renewals.clear();
    for (const [name, rule] of state.rules) this.#renewals.note(name, rule);
    const kills = [...state.activeKills()];
    const now = this.#options.clock();
    const targets = new Set(kills.map(({ target }) => target));
    for (const target of [...this.#endings.keys()]) if (!targets.has(target)) this.#endings.delete(target);
    for (const kill of kills) this.#note(kill.target, kill, now);
    for await (const { at } of connection.log(head.epoch - 1)) this.#lastEventAt = Date.parse(at);
    this.#head = head;
  }

  /** Notes a kill's end. A changed end is waited for from now on. */
  #note(target: string, kill: ActiveKill | undefined, now: Instant): void {
    const known = this.#endings.get(target);
    if (!kill || kill.expires_at === null) this.#endings.delete(target);
    else if (known?.kill.id !== kill.id || known.kill.expires_at !== kill.expires_at)
      this.#endings.set(target, { kill, seen: now });
  }

  /** Another process may have ended it, or an operator have lifted or extended it: the next look reads that. */
  #end({ target, id, expires_at }: ActiveKill): Promise<void> {
    return this.#append({ type: 'expire', target, id, expiresAt: expires_at }, 'not_killed');
  }

  /** Another process may have done it, or an operator have replaced or removed the rule. */
  #renew(name: string): Promise<void> {
    return this.#append({ type: 'rule_renew', name }, 'not_due');
  }

  /** @param overtaken the refusal by which it shows that somebody else was first */
  async #append(command: Command, overtaken: Refusal['kind']): Promise<void> {
    const { append, retryMs } = this.#options;
    try {
      // What is not appended soon is tried again at the next look.
      await append({ command, actor: SYSTEM, retryMs: Math.min(retryMs, LOOK_MS) });
    } catch (error) {
      if (!isChangeRefusedError(error) || error.refusal.kind !== overtaken) throw error;
    }
  }
}

/** The rule that an event has changed. */
const ruleNamed = ({ type, data: { name } }: LogEvent): string[] =>
  type.startsWith('rule_') && typeof name === 'string' ? [name] : [];
