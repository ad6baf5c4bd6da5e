import { setTimeout as sleep } from 'node:timers/promises';
import { OpenFeature } from '@openfeature/server-sdk';
import { onTestFinished } from 'vitest';
import type { Beat, LogEvent } from '../../../flags/index.ts';
import { createKillSwitch, type KillSwitch } from '../../../index.ts';
import { type ControlPlane, openControlPlane, type OpenControlPlaneOptions } from '../../../operator/index.ts';
import { connectExecutor } from '../../../store/connect-executor.ts';
import { NO_WORK, type Work } from '../../../store/own-beat.ts';
import type { Sides } from '../../guard/open-switch.ts';

let domains = 0;

/** A live switch. */
export async function operated({ controlStore: store }: Sides, more: Partial<OpenControlPlaneOptions> = {}) {
  const control = await openControlPlane({ store, operator: { id: 'ann' }, ...more });
  onTestFinished(() => control.close());
  await control.init();
  await control.setMode({ mode: 'live', reason: 'launch' });
  await control.removeTripwire({ name: 'repeats', reason: 'the work of these tests repeats itself' });
  return control;
}

export interface Worker {
  readonly killSwitch: KillSwitch;
  /** What became of the calls of its agent. */
  readonly statuses: string[];
}

export interface WorkerOptions {
  readonly name: string;
  readonly agentId?: string;
  /** How long one action takes, in milliseconds. */
  readonly ms?: number;
  /** False: its action does not heed its signal. */
  readonly heeds?: boolean;
  readonly leaseMs?: number;
  /** False: it only reports, and does nothing. */
  readonly works?: boolean;
}

/** An executor whose agent does one thing after the other. */
export async function worker(
  { store }: Pick<Sides, 'store'>,
  { name, agentId = 'mail-bot', ms = 20, heeds = true, leaseMs = 1500, works = true }: WorkerOptions,
): Promise<Worker> {
  const killSwitch = await createKillSwitch({
    ...{ store, leaseMs, executor: { name }, domain: `drills-${(domains += 1)}` },
  });
  const statuses: string[] = [];
  const ending = new AbortController();
  const send = killSwitch.action({
    name: 'mail.send',
    execute: (_: undefined, { signal }) => sleep(ms, undefined, heeds ? { signal } : { signal: ending.signal }),
  });
  const loop = works
    ? killSwitch.run({ agentId, runId: `run-of-${name}` }, async () => {
        while (!ending.signal.aborted) {
          const outcome = await send.attempt(undefined).catch(() => ({ status: 'thrown' }));
          statuses.push(outcome.status);
          await sleep(30);
        }
      })
    : Promise.resolve();
  onTestFinished(async () => {
    ending.abort();
    await loop.catch(() => {});
    await killSwitch.close();
    await OpenFeature.clearProviders();
  });
  return { killSwitch, statuses };
}

/** An executor that says of its work what the test says, whatever it has been told. */
export async function liar(
  { store }: Pick<Sides, 'store'>,
  work: () => Partial<Work>,
  more: (beat: Beat) => Partial<Beat> = () => ({}),
) {
  const { replica, id } = connectExecutor({
    store: {
      ...store,
      open(scope) {
        const connection = store.open(scope);
        return { ...connection, confirm: (beat, nonce) => connection.confirm({ ...beat, ...more(beat) }, nonce) };
      },
    },
    ...{ organizationId: 'default', leaseMs: 600, executorName: 'liar', work: () => ({ ...NO_WORK, ...work() }) },
  });
  onTestFinished(() => replica.close());
  await replica.start();
  return { replica, id };
}

export async function eventsOf(control: ControlPlane, ...types: string[]): Promise<LogEvent[]> {
  const events: LogEvent[] = [];
  for await (const event of control.log()) if (types.includes(event.type)) events.push(event);
  return events;
}

/** Resolves with the first event for which this is true. */
export async function eventThat(control: ControlPlane, is: (event: LogEvent) => boolean): Promise<LogEvent> {
  for await (const event of control.follow()) if (is(event)) return event;
  throw new Error('The log has ended.');
}
