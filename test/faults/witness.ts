import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, OpenFeature, ProviderEvents } from '@openfeature/server-sdk';
import { expect } from 'vitest';
import { createKillSwitch, type Decision, type KillSwitch } from '../../index.ts';
import { KillSwitchProvider } from '../../provider/index.ts';
import type { ExecutorStore } from '../../store/ports.ts';

/** One look at the switch: in which way, when it was asked and answered (by `performance.now()`), and the answer. */
export interface Look {
  readonly by: string;
  readonly asked: number;
  readonly told: number;
  /** True for `full_stop`, and for a write that is blocked. */
  readonly stopped: boolean;
  /** True for `live`, and for a write that is allowed. */
  readonly free: boolean;
  /** The code of a fault, else the kind of the cause. */
  readonly cause: string;
  readonly message: string;
}

type Answer = Pick<Look, 'stopped' | 'free' | 'cause' | 'message'>;
type Ask = () => Promise<Answer> | Answer;

export interface ProviderEvent {
  readonly type: 'READY' | 'STALE' | 'ERROR';
  readonly at: number;
  readonly message: string;
}

export const LOOK_MS = 20;
/** Longer than any step takes on a slow machine; a test that waits this long has failed. */
export const PATIENCE_MS = 20_000;
const QUIET = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };
let domains = 0;

async function look(by: string, ask: Ask): Promise<Look> {
  const asked = performance.now();
  const answer = await ask();
  return { by, asked, told: performance.now(), ...answer };
}

/** The looks of a client, one after the other, until `done` settles. */
async function looksUntil(done: Promise<unknown>, ask: Ask): Promise<Look[]> {
  let isDone = false;
  const end = (): void => {
    isDone = true;
  };
  done.then(end, end);
  const looks: Look[] = [];
  do {
    looks.push(await look('client', ask));
    await sleep(LOOK_MS / 4);
  } while (!isDone);
  return looks;
}

interface WitnessParts {
  readonly client: Client;
  readonly asks: ReadonlyMap<string, Ask>;
  readonly starts?: readonly number[];
  /** The looks so far. */
  readonly early?: readonly Look[];
  readonly release: () => Promise<void>;
}

/** Looks at one switch all the time, in several ways, and records the answers. */
export class Witness {
  readonly name: string;
  readonly leaseMs: number;
  readonly client: Client;
  readonly looks: Look[] = [];
  /** When each action started. */
  readonly starts: readonly number[];
  readonly events: ProviderEvent[] = [];
  readonly #latest = new Map<string, Look>();
  readonly #asks: ReadonlyMap<string, Ask>;
  readonly #release: () => Promise<void>;
  readonly #watching: Promise<void>;
  #ended = false;
  #heard = (): void => {};
  #failed: unknown = null;

  constructor(name: string, leaseMs: number, { client, asks, starts = [], early = [], release }: WitnessParts) {
    this.name = name;
    this.leaseMs = leaseMs;
    this.starts = starts;
    this.looks.push(...early);
    this.client = client;
    this.#asks = asks;
    this.#release = release;
    for (const type of ['READY', 'STALE', 'ERROR'] as const) {
      const event = { READY: ProviderEvents.Ready, STALE: ProviderEvents.Stale, ERROR: ProviderEvents.Error }[type];
      client.addHandler(event, (details) => {
        this.events.push({ type, at: performance.now(), message: details?.message ?? '' });
      });
    }
    this.#watching = this.#watch().catch((error: unknown) => {
      this.#failed = error;
      this.#heard();
    });
  }

  async #watch(): Promise<void> {
    while (!this.#ended) {
      for (const [by, ask] of this.#asks) {
        const seen = await look(by, ask);
        this.looks.push(seen);
        this.#latest.set(by, seen);
      }
      this.#heard();
      await sleep(LOOK_MS);
    }
  }

  /** Resolves once every way has given an answer that `fits`, to a question after `since`. */
  async until(what: string, fits: (look: Look) => boolean, since = 0): Promise<void> {
    const until = performance.now() + PATIENCE_MS;
    const holds = (): boolean =>
      this.#latest.size === this.#asks.size &&
      [...this.#latest.values()].every((look) => look.asked >= since && fits(look));
    while (!holds()) {
      if (this.#failed) throw new Error(`${this.name} could not be asked.`, { cause: this.#failed });
      if (performance.now() > until) {
        const last = JSON.stringify([...this.#latest.values()], null, 1);
        throw new Error(`${this.name}: not ${what} within ${PATIENCE_MS} ms. Last seen: ${last}`);
      }
      await new Promise<void>((resolve) => {
        this.#heard = resolve;
      });
    }
  }

  goes(since = 0): Promise<void> {
    return this.until('going', ({ free }) => free, since);
  }

  stops(cause: string | RegExp, since = 0): Promise<void> {
    const fits = (found: string): boolean => (typeof cause === 'string' ? found === cause : cause.test(found));
    return this.until(`stopped by ${cause}`, (look) => look.stopped && fits(look.cause), since);
  }

  /** Resolves with the first event of that type after `since`. */
  async told(type: ProviderEvent['type'], since: number): Promise<ProviderEvent> {
    const find = (): ProviderEvent | undefined => this.events.find((event) => event.type === type && event.at >= since);
    const until = performance.now() + PATIENCE_MS;
    while (!find()) {
      if (performance.now() > until) throw new Error(`${this.name}: no ${type} within ${PATIENCE_MS} ms.`);
      await sleep(5);
    }
    return find() as ProviderEvent;
  }

  async close(): Promise<void> {
    this.#ended = true;
    await this.#watching;
    await this.#release();
    if (this.#failed) throw new Error(`${this.name} could not be asked.`, { cause: this.#failed });
  }
}

export interface Executor extends Witness {
  readonly killSwitch: KillSwitch;
  /** Renews its lease, with an action that the store must confirm. */
  readonly renew: () => Promise<void>;
}

export interface ExecutorOptions {
  readonly store: ExecutorStore;
  readonly leaseMs?: number | undefined;
  readonly name?: string | undefined;
  readonly organizationId?: string | undefined;
}

const agentId = 'worker';

const fromDecision = ({ verdict, mode, cause }: Decision): Answer => ({
  stopped: verdict === 'block' && mode === 'full_stop',
  free: verdict === 'allow' && mode === 'live',
  cause: cause.kind === 'fault' ? cause.code : cause.kind,
  message: 'message' in cause ? cause.message : '',
});

/** A client of OpenFeature that knows nothing of this package, and whose default would let everything through. */
export const carelessly =
  (client: Client, context: Record<string, string> = { agent_id: agentId }) =>
  async (): Promise<Answer> => {
    const { value, flagMetadata } = await client.getStringDetails('kill-switch.mode', 'live', context);
    return {
      stopped: value === 'full_stop',
      free: value === 'live',
      cause: String(flagMetadata['code'] ?? flagMetadata['cause'] ?? ''),
      message: String(flagMetadata['message'] ?? ''),
    };
  };

const nextDomain = (): string => {
  OpenFeature.setLogger(QUIET);
  domains += 1;
  return `faults-${domains}`;
};

/**
 * A real executor that acts all the time, asked in three ways: by `check`, by an action, and by a careless client of
 * its domain.
 */
export async function startExecutor(options: ExecutorOptions): Promise<Executor> {
  const { store, leaseMs = 1000, name = 'executor', organizationId } = options;
  const domain = nextDomain();
  const client = OpenFeature.getClient(domain);
  const starting = createKillSwitch({ store, leaseMs, domain, organizationId, agentId, executor: { name } });
  const early = await looksUntil(starting, carelessly(client));
  const killSwitch = await starting;
  const starts: number[] = [];
  const act = killSwitch.action({ name: 'work.do', execute: () => void starts.push(performance.now()) });
  const confirmed = killSwitch.action({ name: 'work.confirm', irreversible: true, execute: () => {} });
  const asks = new Map<string, Ask>([
    ['check', () => fromDecision(killSwitch.check({ action: 'work.do' }))],
    ['action', async () => fromOutcome(await act.attempt(undefined))],
    ['client', carelessly(client)],
  ]);
  const witness = new Witness(name, leaseMs, { client, asks, starts, early, release: () => killSwitch.close() });
  const renew = async (): Promise<void> => {
    const until = performance.now() + PATIENCE_MS;
    while ((await confirmed.attempt(undefined)).status !== 'executed') {
      if (performance.now() > until) throw new Error(`${name}: nothing was confirmed within ${PATIENCE_MS} ms.`);
    }
  };
  return Object.assign(witness, { killSwitch, renew });
}

const fromOutcome = ({ status, decision }: { status: string; decision: Decision }): Answer => ({
  ...fromDecision(decision),
  stopped: status === 'blocked' && decision.mode === 'full_stop',
  free: status === 'executed',
});

/**
 * A process that only evaluates: a provider of its own and a careless client. Only its own regular confirmations renew
 * its lease.
 */
export async function startObserver(options: ExecutorOptions): Promise<Witness> {
  const { store, leaseMs = 1000, name = 'observer', organizationId } = options;
  const domain = nextDomain();
  const provider = new KillSwitchProvider({ store, leaseMs, organizationId });
  // a start during a fault fails, and the provider goes on trying
  await OpenFeature.setProviderAndWait(domain, provider).catch(() => {});
  const client = OpenFeature.getClient(domain);
  const asks = new Map<string, Ask>([['client', carelessly(client)]]);
  return new Witness(name, leaseMs, { client, asks, release: () => provider.onClose() });
}

/**
 * Expects that nothing was let through that was asked more than `leaseMs` after the fault, until the fault ended, and
 * that no action started later. The clock is the executor's own, so questions have no margin. The system may hold up an
 * action between its last look and its first line, so a start may be later by the longest time for which this process
 * was held up.
 */
export function expectStoppedInTime(
  witness: Witness,
  { from, to, heldUpMs }: Record<'from' | 'to' | 'heldUpMs', number>,
) {
  const end = from + witness.leaseMs;
  const after = witness.looks.filter(({ asked, told }) => asked >= end && told <= to);
  expect(after.length, `${witness.name} was looked at after its lease`).toBeGreaterThan(0);
  const letThrough = after.filter(({ stopped }) => !stopped);
  expect(
    letThrough.map((look) => ({ ...look, late: look.asked - end })),
    witness.name,
  ).toEqual([]);
  const late = witness.starts.filter((at) => at > end + heldUpMs && at < to);
  expect(
    late.map((at) => at - end),
    `${witness.name} started actions too late (ms)`,
  ).toEqual([]);
}
