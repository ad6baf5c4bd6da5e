import assert from 'node:assert/strict';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, expect, type TestContext } from 'vitest';
import { type ControlPlane, openControlPlane } from '../../operator/index.ts';
import type { ControlStore } from '../../store/ports.ts';
import type { FaultProxy } from '../../testing/fault-proxy.ts';
import { type RedisServer, startFaultProxy, startRedis, temporaryFolder } from '../servers/index.ts';
import {
  type Executor,
  type ExecutorOptions,
  expectStoppedInTime,
  PATIENCE_MS,
  startExecutor,
  startObserver,
  type Witness,
} from './witness.ts';

const RESOLUTION_MS = 5;
const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delays.enable();

/** The longest time for which this process was held up since it began, in milliseconds. */
export const heldUpMs = (): number => RESOLUTION_MS + delays.max / 1e6;

const unhandled: unknown[] = [];
for (const event of ['unhandledRejection', 'uncaughtException'] as const)
  process.on(event, (error: unknown) => unhandled.push(error));
afterAll(() => assert.deepEqual(unhandled, []));

/**
 * What one test has running; it is ended in reverse order. Tests run side by side here, so each ends it by its own
 * context.
 */
export class Scene {
  readonly #ends: Array<() => unknown> = [];

  constructor({ onTestFinished }: TestContext) {
    onTestFinished(async () => {
      const failures: unknown[] = [];
      for (const end of this.#ends.reverse()) {
        try {
          await end();
        } catch (error) {
          failures.push(error); // go on with the others
        }
      }
      assert.deepEqual([...failures, ...unhandled], []);
    });
  }

  own<T>(thing: T, end: (thing: T) => unknown): T {
    this.#ends.push(() => end(thing));
    return thing;
  }

  folder(name: string): string {
    return this.own(temporaryFolder(name), (folder) => folder.remove()).path;
  }

  async control(store: ControlStore, organizationId?: string): Promise<ControlPlane> {
    const opening = openControlPlane({ store, organizationId, operator: { id: 'dana' }, retryMs: 1500 });
    return this.own(await opening, (control) => control.close());
  }

  /** An operator whose control plane has just been made, and is live. */
  async live(store: ControlStore, organizationId?: string): Promise<ControlPlane> {
    const control = await this.control(store, organizationId);
    await control.init();
    await control.setMode({ mode: 'live', reason: 'a test' });
    return control;
  }

  /** Makes one more change, and waits until all of these have applied it. */
  async seen(control: ControlPlane, witnesses: readonly Witness[]): Promise<void> {
    const { acknowledgements } = await control.kill({ target: 'agent:lost', waitMs: PATIENCE_MS });
    assert.equal(acknowledgements.applied, witnesses.length);
  }

  async executor(options: ExecutorOptions): Promise<Executor> {
    return this.own(await startExecutor(options), (executor) => executor.close());
  }

  async observer(options: ExecutorOptions): Promise<Witness> {
    return this.own(await startObserver(options), (observer) => observer.close());
  }

  async redis(options?: Parameters<typeof startRedis>[0]): Promise<RedisServer> {
    return this.own(await startRedis(options), (redis) => redis.stop());
  }

  async proxy(port: number, listenPort?: number): Promise<FaultProxy> {
    return this.own(await startFaultProxy({ port, ...(listenPort && { listenPort }) }), (proxy) => proxy.stop());
  }
}

/** A fault: how it is made, what mends it, and whether an operator must then recover. */
export interface Fault<Place> {
  readonly name: string;
  /** The cause that decisions name while it lasts. */
  readonly cause: string;
  /** The text of decisions and events while it lasts. */
  readonly says: RegExp;
  /** Resolves when the fault is there: no question that is sent later is confirmed. */
  readonly begin: (place: Place & Subject) => unknown;
  readonly during?: (place: Place & Subject) => Promise<unknown>;
  readonly end?: (place: Place & Subject) => unknown;
  /** True: executors stay stopped until `recover`, also when the fault is over. */
  readonly recover?: boolean;
}

/** Where a fault is played: an executor that acts, and a process that only evaluates. */
export interface Subject {
  readonly control: ControlPlane;
  readonly executor: Executor;
  readonly observer: Witness;
  /** Starts one more executor. */
  readonly newcomer: () => Promise<Executor>;
}

/**
 * Plays one fault from its beginning to its end, and expects what the design promises, of processes that ran before and
 * of one that is started meanwhile.
 */
export async function play<Place>(fault: Fault<Place>, subject: Place & Subject): Promise<void> {
  const { control, executor, observer } = subject;
  const both = [executor, observer];
  await Promise.all(both.map((witness) => witness.goes()));
  expect(executor.starts.length).toBeGreaterThan(0);

  await executor.renew(); // so that its lease ends as late as possible
  await fault.begin(subject);
  const from = performance.now();
  await Promise.all(both.map((witness) => witness.stops(fault.cause)));
  const newcomer = await subject.newcomer();
  await fault.during?.(subject);
  // Checked after the lease too: a process that has stopped early must stay stopped.
  await Promise.all(both.map((witness) => witness.stops(fault.cause, from + witness.leaseMs)));
  for (const { client } of both) expect(await client.getStringValue('kill-switch.mode', 'live')).toBe('full_stop');
  const to = performance.now();
  for (const witness of both) {
    expectStoppedInTime(witness, { from, to, heldUpMs: heldUpMs() });
    expectEvents(witness, fault);
  }
  await newcomer.stops(/./);
  expect(newcomer.looks.filter(({ stopped }) => !stopped)).toEqual([]);
  expect(newcomer.starts).toEqual([]);

  let ending = performance.now();
  await fault.end?.(subject);
  let healed = performance.now();
  if (fault.recover) {
    const confirmedSince = healed + executor.leaseMs; // several confirmations later
    await Promise.all(both.map((witness) => witness.stops(fault.cause, confirmedSince)));
    ending = healed = performance.now();
    await control.recover({ reason: 'looked at it' });
    await control.setMode({ mode: 'live', reason: 'a test' });
  }
  await Promise.all([...both, newcomer].map((witness) => witness.goes(healed)));
  await Promise.all(both.map((witness) => witness.told('READY', ending)));
  expect(executor.starts.some((at) => at > healed)).toBe(true);
}

/** STALE while the last good state still held, then ERROR; a fork is an ERROR at once. */
function expectEvents(
  { name, events, looks }: Witness,
  { says, recover }: Pick<Fault<never>, 'says' | 'recover'>,
): void {
  const [types, last] = [events.map(({ type }) => type).join(' '), events.at(-1)];
  expect(types, name).toMatch(recover ? /ERROR$/ : /STALE( ERROR)+$/); // twice where two faults showed
  expect(last?.message, name).toMatch(says);
  expect(looks.at(-1)?.message, name).toMatch(says);
}
