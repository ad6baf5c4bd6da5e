import { describe, expect, test } from 'vitest';
import { type Anchor, type Clock, type Head, type Instant, type LogEvent, strictness } from '../../flags/index.ts';
import { LiveCopy, type Ticket } from '../../store/live-copy.ts';
import type { Confirmation } from '../../store/confirmation.ts';
import { TestLog } from './test-log.ts';

/** One round trip, and one load, at a moment. */
const confirmOnce = (copy: LiveCopy, log: TestLog, now: Instant): string => {
  const ticket = copy.ask(now, 'confirm');
  return copy.reply(ticket, log.confirmation(ticket), now);
};
const loadOnce = (copy: LiveCopy, log: TestLog): string => {
  const ticket = { held: copy.held, nonce: 'load' };
  return copy.loaded(ticket, log.snapshot(ticket));
};

const TICK = 1000;
const LEASE_TICKS = 3;
const STORE_BEGAN = Date.UTC(2026, 0, 1);

/**
 * One executor, one store, and a hop that has asked the store at some time and may answer for it. Every message waits
 * until the test lets it arrive. The promises of the protocol are checked after each step.
 */
class World {
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

describe('the violated traces of the protocol model do not happen', () => {
  test('a reply that a push has overtaken is merely late, not a fork', () => {
    const world = new World();
    const index = world.ask();
    world.serve(index);
    world.append('kill');
    expect(world.push(0)).toBe('applied');
    expect(world.reply(index)).toBe('again');
    expect(world.forked).toBe(false);
    expect(world.confirm()).toBe('renewed');
  });

  test('a late push of a lost loosening event does not loosen', () => {
    const world = new World();
    world.append('kill');
    world.append('revive');
    world.cut(3);
    world.tick(LEASE_TICKS, LEASE_TICKS);
    world.confirm();
    world.pushed.shift();
    expect(world.push(0)).toBe('confirm');
    expect(world.broken()).toBeNull();
    expect(world.log.modeOf(world.copy.state)).toBe('full_stop');
  });

  test('a reply that was sent before one already taken is dropped', () => {
    const world = new World();
    world.append('kill');
    world.append('revive');
    const old = world.ask();
    world.serve(old);
    world.cut(3);
    world.tick(LEASE_TICKS, LEASE_TICKS);
    expect(world.confirm()).toBe('renewed');
    expect(world.reply(old)).toBe('dropped');
    expect(world.broken()).toBeNull();
  });

  test('a restarted executor recognises a restored backup by its anchor', () => {
    const world = new World();
    world.append('kill');
    world.cut(2);
    world.push(0);
    world.restart();
    expect(world.load()).toBe('faulty');
    expect(world.confirm()).toBe('faulty');
    expect(world.forked).toBe(true);
    expect(world.copy.forkReport).toMatchObject({ against: 'g0' });
  });

  test('a push of a lost event after recover does not convict the recovered store', () => {
    const world = new World();
    world.append('kill');
    world.cut(2);
    world.append('recover');
    expect(world.confirm()).toBe('renewed');
    world.push(0);
    expect(world.forked).toBe(false);
    expect(world.confirm()).toBe('renewed');
  });

  test('a state that lacks an event that was seen is not taken, however long its log is', () => {
    const world = new World();
    world.append('kill');
    world.cut(2);
    world.push(0);
    world.append('kill');
    expect(world.confirm()).toBe('faulty');
    expect(world.load()).toBe('faulty');
    expect(world.forked).toBe(true);
  });

  test('a recover that was already seen is not accepted twice', () => {
    const world = new World();
    world.append('kill');
    world.confirm();
    world.cut(2);
    world.append('recover');
    world.confirm();
    world.confirm();
    expect(world.acts).toBe(true);
    const recovered = world.log.hashes().length;
    world.append('kill');
    world.confirm();
    world.cut(recovered); // back to right after the recover, without the kill
    expect(world.confirm()).toBe('faulty');
    expect(world.forked).toBe(true);
    expect(world.confirm()).toBe('faulty');
  });

  test('a fork that another executor has reported stops this one too, until a recover', () => {
    const world = new World();
    const index = world.ask();
    const entry = world.asked[index] as { reply: Confirmation | null; ticket: Ticket };
    entry.reply = { ...world.log.confirmation(entry.ticket), forkReported: true };
    expect(world.reply(index)).toBe('faulty');
    expect(world.forked).toBe(true);
    expect(world.copy.forkReport).toBeNull();
    expect(world.confirm()).toBe('faulty');
    world.append('recover');
    expect(world.confirm()).toBe('reload');
    expect(world.confirm()).toBe('renewed');
    expect(world.acts).toBe(true);
  });

  test.each([
    ['monotonic clock alone stands still (suspended)', 0, LEASE_TICKS],
    ['wall clock alone stands still', LEASE_TICKS, 0],
    ['wall clock steps back', 1, -1],
  ])('the lease is over when the %s', (_name, mono, wall) => {
    const world = new World();
    expect(world.acts).toBe(true);
    world.tick(mono, wall);
    expect(world.acts).toBe(false);
    world.tick(0, 1);
    expect(world.acts).toBe(false);
    expect(world.confirm()).toBe('renewed');
    expect(world.acts).toBe(true);
  });

  test('a confirmation counts from when it was sent, and a push renews nothing', () => {
    const world = new World();
    const index = world.ask();
    world.serve(index);
    world.append('tighten');
    world.tick(LEASE_TICKS, LEASE_TICKS);
    world.push(0);
    expect(world.acts).toBe(false);
    world.reply(index);
    expect(world.acts).toBe(false);
  });

  test('an unreadable anchor is a fault until it can be read or is removed', () => {
    let unreadable = true;
    const copy = new LiveCopy({
      leaseMs: 3000,
      keeper: {
        read: () => {
          if (unreadable) throw new Error('not JSON');
          return null;
        },
        write: () => {},
      },
      organizationId: 'default',
    });
    const log = new TestLog();
    log.append('init', { generation: 'g0' });
    const now = { mono: 1, wall: 1 };
    expect(confirmOnce(copy, log, now)).toBe('faulty');
    expect(loadOnce(copy, log)).toBe('faulty');
    expect(copy.fault(now)?.code).toBe('ANCHOR_UNUSABLE');
    unreadable = false;
    copy.ask(now, 'again');
    expect(loadOnce(copy, log)).toBe('taken');
  });

  test('an anchor of another control plane counts for nothing until it is replaced or a recover names its generation', () => {
    const [log, foreign] = [new TestLog(), new TestLog()];
    log.append('init', { generation: 'g0' });
    foreign.append('init', { generation: 'f0' });
    const head = foreign.state.head as Head;
    const anchor: Anchor = { head, generations: ['f0'] }; // an older version's: it names no organisation
    const writes: Anchor[] = [];
    const copy = new LiveCopy({
      leaseMs: 3000,
      keeper: { read: () => anchor, write: (written) => writes.push(written) },
      organizationId: 'default',
    });
    const now = { mono: 1, wall: 1 };
    const confirm = (): string => confirmOnce(copy, log, now);
    expect(confirm()).toBe('reload'); // only the whole state tells
    expect(loadOnce(copy, log)).toBe('faulty');
    for (let again = 0; again < 3; again += 1) {
      expect(copy.fault(now)).toMatchObject({ code: 'ANCHOR_FOREIGN', message: expect.stringMatching(/"f0".*"g0"/) });
      expect([copy.held, copy.forkReport, copy.needsLoad, confirm()]).toEqual([null, null, false, 'faulty']);
    }
    expect(writes).toEqual([]);

    log.append('recover', { generation: 'g1', given_up: [head] }, 1);
    expect(confirm()).toBe('reload');
    expect(loadOnce(copy, log)).toBe('taken');
    expect(confirm()).toBe('renewed');
    expect(writes.at(-1)).toMatchObject({ generations: ['f0', 'g1', 'g0'], first_generation: 'g0' });
  });

  test('a store that was recovered from nothing knows no earlier generation, so any anchor may be of it', () => {
    const [log, lost] = [new TestLog(), new TestLog()];
    log.append('recover', { generation: 'g1', given_up: [] });
    lost.append('init', { generation: 'g0' });
    const anchor: Anchor = { head: lost.state.head as Head, generations: ['g0'] };
    const copy = new LiveCopy({
      leaseMs: 3000,
      keeper: { read: () => anchor, write: () => {} },
      organizationId: 'default',
    });
    expect(loadOnce(copy, log)).toBe('taken');
  });

  test('an anchor that cannot be written is a fault, although the event counts', () => {
    const log = new TestLog();
    log.append('init', { generation: 'g0' });
    let full = false;
    const copy = new LiveCopy({
      leaseMs: 3000,
      keeper: {
        read: () => null,
        write: () => {
          if (full) throw new Error('no space left');
        },
      },
      organizationId: 'default',
    });
    const now = { mono: 1, wall: 1 };
    loadOnce(copy, log);
    confirmOnce(copy, log, now);
    expect(copy.fault(now)).toBeNull();
    full = true;
    log.append('kill', { id: 'k', target: 'all', mode: 'paused', expires_at: null });
    expect(copy.push(log.event(log.hash))).toBe('applied');
    expect(copy.fault(now)?.code).toBe('ANCHOR_UNUSABLE');
    expect(copy.state?.killCount).toBe(1);
    full = false;
    confirmOnce(copy, log, now);
    expect(copy.fault(now)).toBeNull();
  });
});

describe('the anchor, with many changes', () => {
  /**
   * A live copy, and its calls to the outside in order: the anchors that it wrote, and what held when it aborted work
   * in flight.
   */
  function keeping() {
    const log = new TestLog();
    log.append('init', { generation: 'g0' });
    log.append('mode', { mode: 'live', targeting: null });
    const done: string[] = [];
    const keeper = {
      read: () => null,
      write: ({ head }: Anchor) => done.push(`kept ${head.epoch} of ${head.generation}`),
    };
    const signal = (): void => {
      done.push(`signalled at ${copy.state?.epoch}`);
    };
    const copy: LiveCopy = new LiveCopy({ leaseMs: 3000, keeper, organizationId: 'default', signal });
    const now = { mono: 1, wall: 1 };
    loadOnce(copy, log);
    const confirm = (): string => confirmOnce(copy, log, now);
    confirm();
    done.splice(0);
    const kill = (id: string) => log.append('kill', { id, target: `run:${id}`, mode: 'full_stop', expires_at: null });
    return { log, copy, done, confirm, kill, now };
  }

  test('is written once for 900 that were missed', () => {
    const { done, confirm, kill } = keeping();
    for (let number = 0; number < 900; number += 1) kill(`k${number}`);
    expect(confirm()).toBe('renewed');
    expect(done).toEqual(['signalled at 902', 'kept 902 of g0']);
  });

  test('is written once for a burst of pushes, up to the first that loosens', () => {
    const { log, done, copy, kill } = keeping();
    const events = [kill('a'), kill('b'), log.append('revive', { id: 'a', target: 'run:a' }), kill('c')];
    expect(copy.push(...events)).toBe('confirm');
    expect(done).toEqual(['signalled at 4', 'kept 4 of g0']);
    expect(copy.push(...events.slice(0, 2))).toBe('known');
    expect(done).toHaveLength(2);
  });

  test('is written after a tightening has aborted work, and before a loosening holds', () => {
    const { log, done, copy, confirm, kill } = keeping();
    kill('a');
    log.append('revive', { id: 'a', target: 'run:a' });
    kill('b');
    expect(confirm()).toBe('renewed');
    expect(done).toEqual(['signalled at 3', 'kept 5 of g0']);
    log.append('recover', { generation: 'g1', given_up: [] });
    kill('c');
    expect(confirm()).toBe('renewed');
    expect(done.slice(2)).toEqual(['signalled at 5', 'kept 7 of g1']);
    expect(copy.state?.epoch).toBe(7);
  });

  test('is not written for an answer with a gap, of which nothing is applied', () => {
    const { log, done, copy, kill, now } = keeping();
    for (const id of ['a', 'b', 'c']) kill(id);
    const ticket = copy.ask(now, 'n');
    const answer = log.confirmation(ticket);
    const events = (answer.events as LogEvent[]).filter((_, index) => index !== 1);
    expect(() => copy.reply(ticket, { ...answer, events }, now)).toThrow(/gap at 5/);
    expect([copy.state?.epoch, done]).toEqual([2, []]);
  });
});

describe('random walks keep the promises', () => {
  const random = (seed: number) => () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 4294967296;
  };

  test.each([
    ['nothing lost', { cuts: 0, restarts: 0 }],
    ['events lost', { cuts: 2, restarts: 0 }],
    ['events lost, restarts and recovers', { cuts: 3, restarts: 3 }],
  ])('%s', (name, { cuts, restarts }) => {
    const seen = { live: 0, stopped: 0, forked: 0, recovered: 0, late: 0, hopped: 0, stood: 0 };
    for (let walk = 0; walk < 1500; walk += 1) {
      const roll = random(walk * 7919 + name.length);
      const pick = (count: number): number => Math.floor(roll() * count);
      const world = new World();
      const trace: string[] = [];
      let [cut, restarted, recovers] = [0, 0, 0];
      for (let step = 0; step < 60; step += 1) {
        const level = world.log.level();
        const steps: Array<[string, () => unknown]> = [
          ['tick', () => world.tick()],
          ['ask', () => world.asked.length < 3 && world.ask()],
          ['hop asks', () => world.hopAsks()],
          ...world.asked.flatMap(
            (entry, i): Array<[string, () => unknown]> =>
              entry.reply
                ? [[`reply ${i}`, () => world.reply(i)]]
                : [
                    [`serve ${i}`, () => world.serve(i)],
                    [`hop ${i}`, () => world.hop(i)],
                  ],
          ),
          ...world.pushed.map((_, i): [string, () => unknown] => [`push ${i}`, () => world.push(i)]),
        ];
        if (world.events < 10 && level < strictness('full_stop')) steps.push(['kill', () => world.append('kill')]);
        if (world.events < 10 && level === 0) steps.push(['tighten', () => world.append('tighten')]);
        if (world.events < 10 && level > 0) steps.push(['revive', () => world.append('revive')]);
        if (cut > recovers)
          steps.push([
            'recover',
            () => {
              recovers += 1;
              world.append('recover');
            },
          ]);
        if (cut < cuts && world.log.hashes().length > 2)
          steps.push([
            'cut',
            () => {
              cut += 1;
              world.cut(2 + pick(world.log.hashes().length - 2));
            },
          ]);
        if (restarted < restarts)
          steps.push([
            'restart',
            () => {
              restarted += 1;
              world.restart();
            },
          ]);
        if (world.copy.needsLoad) steps.push(['load', () => world.load()], ['load', () => world.load()]);
        const [label, act] = steps[pick(steps.length)] as [string, () => unknown];
        trace.push(label);
        act();
        const broken = world.broken();
        if (broken) throw new Error(`walk ${walk}: ${broken} after ${trace.join(' → ')}`);
      }
      for (const key of Object.keys(seen) as Array<keyof typeof seen>) seen[key] += world.seen[key];
    }
    expect(seen.live).toBeGreaterThan(1000);
    expect(seen.stopped).toBeGreaterThan(1000);
    expect(seen.late).toBeGreaterThan(10);
    expect(seen.hopped).toBeGreaterThan(1000);
    expect(seen.stood).toBeGreaterThan(100);
    if (cuts > 0) expect(seen.forked).toBeGreaterThan(100);
    if (restarts > 0) expect(seen.recovered).toBeGreaterThan(10);
  });
});
