import { type Anchor, type Clock, type Instant, strictness } from '../../flags/index.ts';
import { LiveCopy, type Ticket } from '../../store/live-copy.ts';
import type { Confirmation } from '../../store/confirmation.ts';
import { TestLog } from './test-log.ts';

/** One round trip, and one load, at a moment. */
export const confirmOnce = (copy: LiveCopy, log: TestLog, now: Instant): string => {
  const ticket = copy.ask(now, 'confirm');
  return copy.reply(ticket, log.confirmation(ticket), now);
};
export const loadOnce = (copy: LiveCopy, log: TestLog): string => {
  const ticket = { held: copy.held, nonce: 'load' };
  return copy.loaded(ticket, log.snapshot(ticket));
};

const TICK = 1000;
export const LEASE_TICKS = 3;
const STORE_BEGAN = Date.UTC(2026, 0, 1);

/**
 * One executor, one store, and a hop that has asked the store at some time and may answer for it. Every message waits
 * until the test lets it arrive. The promises of the protocol are checked after each step.
 */
export class World {
  readonly log = new TestLog();
  mono = 100;
  wall = 1_000_000;
  copy: LiveCopy;
  asked: Array<{ ticket: Ticket; reply: Confirmation | null }> = [];
  pushed: string[] = [];
  events = 0;
  losses = 0;
  anchor: Anchor | null = null;
  #window: number[];
  #lost: string | null = null;
  #hop: { readonly asked: number; readonly answer: ReturnType<TestLog['asOfNow']> } | null = null;
  #told = 0;
  seen = { live: 0, stopped: 0, forked: 0, recovered: 0, late: 0, hopped: 0, stood: 0 };

  constructor() {
    this.log.append('init', { generation: 'g0' });
    this.log.append('mode', { mode: 'live', targeting: null });
    this.copy = this.#open();
    this.#window = Array(LEASE_TICKS).fill(0) as number[];
    this.load();
    this.confirm();
    this.pushed = [];
  }

  readonly clock: Clock = () => ({ mono: this.mono, wall: this.wall });

  #open(): LiveCopy {
    return new LiveCopy({
      leaseMs: LEASE_TICKS * TICK,
      keeper: {
        read: () => this.anchor,
        write: (anchor) => {
          this.anchor = anchor;
        },
      },
      organizationId: 'default',
    });
  }

  append(kind: 'kill' | 'tighten' | 'revive' | 'recover'): void {
    this.events += 1;
    const id = `k${this.events}`;
    if (kind === 'kill') this.log.append('kill', { id, target: 'all', mode: 'full_stop', expires_at: null });
    if (kind === 'tighten') this.log.append('kill', { id, target: 'all', mode: 'draft_only', expires_at: null });
    if (kind === 'revive') this.log.append('revive', { id: this.log.state.get('kill', 'all')?.id, target: 'all' });
    if (kind === 'recover') {
      this.log.append('recover', { generation: `g${this.events}`, given_up: [] }, this.copy.held?.epoch ?? 0);
    }
    this.pushed.push(this.log.hash);
    this.note();
  }

  cut(length: number): void {
    const before = this.log.hashes();
    this.log.cut(length);
    if (this.log.hashes().length < before.length) this.losses += 1;
    this.note();
  }

  /** Ghost variables: the loosest mode of the store in each tick, and the lost event that the executor has seen. */
  note(): void {
    const level = this.log.level();
    this.#window[0] = Math.min(this.#window[0] as number, level);
    const own = this.copy.state?.hash ?? '';
    if (this.losses > 0 && !this.#lost && own && !this.log.hashes().includes(own)) {
      this.#lost = own;
    }
  }

  tick(mono = 1, wall = 1): void {
    this.mono += mono * TICK;
    this.wall += wall * TICK;
    this.#window = [this.log.level(), ...this.#window.slice(0, LEASE_TICKS - 1)];
  }

  ask(): number {
    return this.asked.push({ ticket: this.copy.ask(this.clock(), `n${this.copy.held?.epoch}`), reply: null }) - 1;
  }

  /** What the store's clock shows. All clocks run at the same speed. */
  get storeTime(): number {
    return STORE_BEGAN + this.mono;
  }

  serve(index: number): void {
    const entry = this.asked[index];
    if (entry && !entry.reply) entry.reply = this.log.confirmation(entry.ticket, this.storeTime);
  }

  hopAsks(): void {
    this.#hop = { asked: this.mono, answer: this.log.asOfNow(this.storeTime) };
  }

  /** The hop answers from memory, unless it does not know the held head. */
  hop(index: number): void {
    const entry = this.asked[index];
    if (!entry || entry.reply || !this.#hop) return;
    const reply = this.#hop.answer(entry.ticket, this.mono - this.#hop.asked);
    if (reply.events === null) return;
    entry.reply = reply;
    this.seen.hopped += 1;
  }

  reply(index: number): string {
    const [entry] = this.asked.splice(index, 1);
    if (!entry?.reply) throw new Error('not served yet');
    const outcome = this.copy.reply(entry.ticket, entry.reply, this.clock());
    if (outcome === 'again') this.seen.late += 1;
    if (outcome === 'reload') this.load();
    this.note();
    return outcome;
  }

  push(index: number): string {
    const [hash] = this.pushed.splice(index, 1);
    const outcome = this.copy.push(this.log.event(hash as string));
    this.note();
    return outcome;
  }

  load(): string {
    const known = this.anchor?.generations ?? [];
    const ticket = { held: this.copy.held, nonce: 'load' };
    const snapshot = this.log.snapshot(ticket);
    const { linked } = snapshot;
    const outcome = this.copy.loaded(ticket, snapshot);
    if (outcome === 'taken' && !linked && !known.includes(this.copy.held?.generation ?? '')) {
      this.seen.recovered += 1;
      this.#lost = null; // an operator has accepted the loss
    }
    this.note();
    return outcome;
  }

  confirm(): string {
    const index = this.ask();
    this.serve(index);
    return this.reply(index);
  }

  restart(): void {
    this.#told = 0;
    this.asked = [];
    this.pushed = [];
    this.copy = this.#open();
  }

  get forked(): boolean {
    return this.copy.fault(this.clock())?.code === 'GENERATION_CHANGED';
  }

  get acts(): boolean {
    return this.copy.fault(this.clock()) === null;
  }

  /** Checks the promises of the protocol. */
  broken(): string | null {
    const { state } = this.copy;
    const own = state ? this.log.chain(state.hash) : [];
    if (this.acts && state) {
      const now = this.copy.storeNow(this.clock()) ?? Number.NaN;
      if (!(now >= this.storeTime)) return `time: ${now} is behind the store's ${this.storeTime}`;
      if (now >= this.storeTime + LEASE_TICKS * TICK) return `time: ${now} is a lease ahead of ${this.storeTime}`;
      if (now < this.#told) return `time: ${now} after ${this.#told}`;
      if (now === this.#told && now > this.storeTime) this.seen.stood += 1;
      this.#told = now;
      const level = strictness(this.log.modeOf(state));
      this.seen[level === 0 ? 'live' : 'stopped'] += 1;
      if (level < Math.min(...this.#window)) return `bounded: acts at ${level}, looser than ${this.#window.join()}`;
      if (this.#lost && !own.includes(this.#lost)) return 'lost event stops: acts without an event that it had applied';
    }
    if (this.forked) {
      this.seen.forked += 1;
      const held = this.copy.held ? this.log.chain(this.copy.held.hash) : [];
      if (held.filter((hash) => this.log.isRecover(hash)).length >= this.losses) return 'no false fork';
    }
    return null;
  }
}
