import { type AlertKind, type AlertTarget, entryKey, messageOf } from '../../flags/index.ts';
import type { AlertKeeper } from '../../store/capabilities/alerts.ts';
import type { ControlConnection } from '../../store/ports.ts';
import type { Order } from '../change-queue.ts';
import type { Hearing } from '../hearing.ts';
import { Looking } from '../looking.ts';
import { whatIsLeft } from '../what-is-left.ts';
import { conditionsNow, dataOf, hasConditions } from './conditions.ts';
import { Delivery, type Sending } from './delivery.ts';
import { SenderLease } from './lease.ts';
import { NO_NOTICES, noticesAfter, withNotice } from './notices.ts';
import { Outage } from './outage.ts';
import { ALERT_PACE, type AlertPace } from './pace.ts';
import { Kept, NAMES, type Notices, noticesSchema } from './records.ts';

export interface AlertingOptions {
  readonly connection: ControlConnection;
  readonly hearing: Hearing;
  readonly organizationId: string;
  readonly append: (order: Order) => Promise<unknown>;
  /**
   * Makes what is called with what one part of it cannot do (looking, or telling one target), and with an empty text
   * when that is over.
   */
  readonly trouble: () => (problem: string) => void;
  readonly pace?: AlertPace | undefined;
}

/** Looking takes at most about this share of the time. */
const MOSTLY_IDLE = 20;

/**
 * What an operating process does for alerts. Of all that run, one sends at a time (`lease.ts`). The log itself is the
 * outbox for what it says: each target has a cursor in it, which moves when an alert is delivered. What no change says
 * becomes a notice, once, in a list with a cursor too.
 */
export class Alerting {
  readonly #options: AlertingOptions;
  readonly #pace: AlertPace;
  readonly #lease: SenderLease;
  readonly #notices: Kept<Notices>;
  readonly #deliveries = new Map<string, Delivery>();
  readonly #outage: Outage;
  readonly #looking: Looking;
  #known: Notices = NO_NOTICES;
  #epoch = 0;
  /** The store's time when it was read last, and this process's then. */
  #time = { store: Date.now(), mono: performance.now() };
  #lookAt = 0;
  /** What could not be looked at then, and why. */
  #unlooked = '';

  constructor(options: AlertingOptions, keeper: AlertKeeper) {
    const { connection, organizationId, append, pace = ALERT_PACE } = options;
    this.#options = options;
    this.#pace = pace;
    this.#lease = new SenderLease(keeper, pace.leaseMs);
    this.#notices = new Kept(keeper, NAMES.notices, noticesSchema);
    this.#outage = new Outage({ organizationId, pace });
    this.#sending = {
      ...{ keeper, organizationId, append, pace, log: whatIsLeft((after) => connection.log(after)) },
      isHeld: () => this.#lease.isHeld,
      epoch: () => this.#epoch,
      now: () => this.#now(),
      notices: () => this.#known,
    };
    const onTrouble = options.trouble();
    this.#looking = new Looking({
      look: () => this.#look().catch((error: unknown) => this.#failed(error)),
      pauseMs: () => pace.lookMs,
      onTrouble: (problem) => onTrouble(problem === '' ? '' : `Not all alerts can be told: ${problem}`),
    });
  }

  readonly #sending: Sending;

  /** Ends the loop, and lets another process begin. An attempt that is under way may end. */
  async close(): Promise<void> {
    await this.#looking.close();
    await this.#stop(() => true);
    this.#outage.over();
    await this.#lease.release().catch(() => {}); // another process sees by itself that nothing is said any more
  }

  #failed(error: unknown): string {
    if (this.#deliveries.size > 0) this.#outage.failed(error, [...this.#deliveries.values()], this.#now());
    return messageOf(error);
  }

  /** Resolves to what cannot be looked at, or an empty text. */
  async #look(): Promise<string> {
    const view = await this.#options.connection.read([entryKey('control'), entryKey('alerts')]);
    this.#time = { store: Date.parse(view.time), mono: performance.now() };
    const targets = view.head ? (view.get('alerts')?.targets ?? []) : [];
    await this.#letGo(({ target }) => !targets.some(({ id }) => id === target.id));
    if (targets.length === 0) {
      await this.#lease.release();
      return '';
    }
    const wasHeld = this.#lease.isHeld;
    if (!(await this.#lease.hold(view.time))) {
      this.#outage.over();
      await this.#letGo(() => true);
      return '';
    }
    if (!wasHeld) this.#known = (await this.#notices.read()) ?? NO_NOTICES;
    this.#epoch = view.head?.epoch ?? 0;
    for (const target of targets)
      if (!this.#deliveries.has(target.id))
        this.#deliveries.set(target.id, new Delivery(target, this.#sending, this.#options.trouble()));
    const wanted = new Set(targets.flatMap(({ events }) => events));
    const outage = this.#outage.over();
    if (outage !== null && wanted.has('store_fault')) {
      const data = dataOf({ text: outage, next: 'kill-switch status' }, this.#options.organizationId);
      await this.#keepNotices(withNotice(this.#known, 'store_fault', data, view.time));
    }
    return this.#lookAtConditions(targets, wanted);
  }

  /** What no change says is looked at now and then, and never for most of the time. */
  async #lookAtConditions(targets: readonly AlertTarget[], wanted: ReadonlySet<AlertKind>): Promise<string> {
    const begun = performance.now();
    if (begun < this.#lookAt) return this.#unlooked;
    const { connection, hearing, organizationId } = this.#options;
    const kinds = [...wanted].filter(hasConditions);
    const { found, failed } = await conditionsNow(kinds, { connection, hearing, organizationId });
    const done = Math.min(...targets.map(({ id }) => this.#deliveries.get(id)?.doneNotice ?? 0));
    const time = new Date(this.#now()).toISOString();
    await this.#keepNotices(noticesAfter(this.#known, { found, unknown: new Set(failed.keys()), time, done }));
    const took = performance.now() - begun;
    this.#lookAt = begun + took + Math.max(this.#pace.conditionsMs, MOSTLY_IDLE * took);
    this.#unlooked = [...failed].map(([kind, error]) => `${kind}: ${messageOf(error)}`).join(' ');
    return this.#unlooked;
  }

  async #keepNotices(after: Notices): Promise<void> {
    if (after === this.#known) return;
    if (await this.#notices.write(after)) this.#known = after;
    else this.#known = (await this.#notices.read()) ?? NO_NOTICES; // another process sends now
  }

  async #letGo(which: (delivery: Delivery) => boolean): Promise<void> {
    for (const delivery of await this.#stop(which)) delivery.letGo();
  }

  async #stop(which: (delivery: Delivery) => boolean): Promise<readonly Delivery[]> {
    const stopped = [...this.#deliveries.values()].filter(which);
    for (const { target } of stopped) this.#deliveries.delete(target.id);
    await Promise.all(stopped.map((delivery) => delivery.close()));
    return stopped;
  }

  #now(): number {
    return this.#time.store + (performance.now() - this.#time.mono);
  }
}
