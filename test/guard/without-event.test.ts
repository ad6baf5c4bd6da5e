import { setTimeout as sleep } from 'node:timers/promises';
import { InMemoryProvider, OpenFeature } from '@openfeature/server-sdk';
import { describe, expect, test, vi } from 'vitest';
import type { CreateKillSwitchOptions } from '../../index.ts';
import type { Mode } from '../../flags/index.ts';
import { openSwitch } from './open-switch.ts';
import { stores } from './real-sides.ts';

const LEASE_MS = 1500;
/** What all that runs or waits may take to follow the switch, with room for a busy machine. */
const IN_TIME_MS = 2000;

const settled = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    (value) => value,
    (error: { code?: string; decision?: { cause?: { code?: string } } }) =>
      [error.code, error.decision?.cause?.code].filter(Boolean).join(' '),
  );

/** A provider that never changes. */
const alwaysLive = () =>
  new InMemoryProvider({
    'kill-switch.mode': { variants: { live: 'live' }, defaultVariant: 'live', disabled: false },
  });

describe.each(stores)('on %s, what changes without an event', (_name, sides) => {
  /** A switch with a real lease whose base mode, some seconds from now, becomes the next of these with each second. */
  async function open([before, ...others]: readonly [Mode, ...Mode[]], options: Partial<CreateKillSwitchOptions> = {}) {
    const { control, killSwitch } = await openSwitch(await sides(), { agentId: 'x', leaseMs: LEASE_MS, ...options });
    const changesAt = Math.ceil(Date.now() / 1000) + 2;
    const isBefore = (second: number) => ({ '<': [{ var: '$flagd.timestamp' }, second] });
    const windows = [before, ...others.slice(0, -1)].flatMap((mode, at) => [isBefore(changesAt + at), mode]);
    const targeting = { if: [...windows, others.at(-1)] };
    const { epoch } = await control.setMode({ mode: 'full_stop', targeting, reason: 'a window' });
    await vi.waitFor(() => expect(killSwitch.check()).toMatchObject({ epoch, mode: before }), { timeout: 2000 });
    const leftMs = (): number => (changesAt + others.length - 1) * 1000 + IN_TIME_MS - Date.now();
    return { control, killSwitch, leftMs };
  }

  test.each<[string, () => Partial<CreateKillSwitchOptions>]>([
    ['from the store alone', () => ({})],
    ['from a provider as well, which never changes', () => ({ provider: alwaysLive() })],
    [
      'from a client as well, whose provider never changes',
      () => {
        OpenFeature.setProvider('of the app', alwaysLive());
        return { client: OpenFeature.getClient('of the app') };
      },
    ],
  ])('stops work when its window closes, and reports it as draining until it ends: %s', async (_from, options) => {
    const { control, killSwitch, leftMs } = await open(['live', 'full_stop'], options());
    let end = (): void => {};
    const told: string[] = [];
    const long = killSwitch.action({
      name: 'a.long',
      execute: (_input: null, { signal }) => {
        signal.addEventListener('abort', () => told.push('work'));
        return new Promise<void>((resolve) => {
          end = resolve;
        });
      },
    });
    const work = killSwitch.run({ runId: 'r' }, async (run) => {
      run.signal.addEventListener('abort', () => told.push('run'));
      return long.attempt(null);
    });
    await vi.waitFor(() => expect(told).toEqual(['work', 'run']), { timeout: leftMs() });
    await vi.waitFor(
      async () =>
        expect((await control.executors()).data).toMatchObject([{ state: 'draining', in_flight: 1, draining: 1 }]),
      { timeout: IN_TIME_MS },
    );
    await sleep(LEASE_MS / 2); // longer than from one report to the next
    expect((await control.executors()).data).toMatchObject([{ state: 'draining', in_flight: 1 }]);
    end();
    expect((await work).status).toBe('aborted');
    await vi.waitFor(
      async () => expect((await control.executors()).data).toMatchObject([{ state: 'stopped', in_flight: 0 }]),
      { timeout: IN_TIME_MS },
    );
  });

  test('wakes a call and a checkpoint that wait in a pause whose window closes', async () => {
    const { killSwitch, leftMs } = await open(['paused', 'live']);
    const call = killSwitch.action({ name: 'a.call', execute: () => 'ran' })(undefined);
    const checkpoint = killSwitch.run({ runId: 'r' }, async (run) => {
      await run.checkpoint('here');
      return 'passed';
    });
    expect(await Promise.race([Promise.all([call, checkpoint]), sleep(leftMs(), 'late')])).toEqual(['ran', 'passed']);
  });

  test('holds the steps of a result back while a pause lasts, and lets them go on when it is over', async () => {
    const { killSwitch, leftMs } = await open(['live', 'paused', 'live']);
    const steps = killSwitch.action({
      name: 'a.steps',
      async *execute() {
        for (;;) yield await sleep(20, Date.now());
      },
    });
    const pauses: number[] = [];
    let last = Date.now();
    for await (const at of await steps(undefined)) {
      if (at - last > 500) pauses.push(at - last);
      last = at;
      if (leftMs() < 500 || pauses.length > 0) break;
    }
    expect(pauses).toEqual([expect.closeTo(1000, -3)]); // within 500 ms of it
  });

  test('blocks a call that waits in a pause which becomes a full stop', async () => {
    const { killSwitch, leftMs } = await open(['paused', 'full_stop']);
    const call = settled(killSwitch.action({ name: 'a.call', execute: () => 'ran' })(undefined));
    expect(await Promise.race([call, sleep(leftMs(), 'late')])).toBe('BLOCKED');
  });
});

test.each(stores)(
  'on %s, work that a provider stops is reported as draining soon, however long the lease',
  async (_name, sides) => {
    const provider = alwaysLive();
    const { control, killSwitch } = await openSwitch(await sides(), { agentId: 'x', leaseMs: 60_000, provider });
    let end = (): void => {};
    const long = killSwitch.action({
      name: 'a.long',
      execute: () =>
        new Promise<void>((resolve) => {
          end = resolve;
        }),
    });
    await vi.waitFor(() => expect(killSwitch.check().mode).toBe('live'));
    const work = long.attempt(undefined);
    await sleep(20);
    provider.putConfiguration({
      'kill-switch.mode': { variants: { paused: 'paused' }, defaultVariant: 'paused', disabled: false },
    });
    await vi.waitFor(
      async () =>
        expect((await control.executors()).data).toMatchObject([{ state: 'draining', in_flight: 1, draining: 1 }]),
      { timeout: IN_TIME_MS },
    );
    end();
    expect((await work).status).toBe('executed');
  },
);

const taking: ReadonlyArray<[string, (domain: string) => unknown]> = [
  ['OpenFeature.close()', () => OpenFeature.close()],
  ['another provider', (domain) => OpenFeature.setProvider(domain, new InMemoryProvider({}))],
  [
    'another provider that is never ready, where ours serves another domain too',
    (domain) => {
      OpenFeature.setProvider(`${domain}-too`, OpenFeature.getProvider(domain));
      const initialize = (): Promise<void> => new Promise(() => {});
      OpenFeature.setProvider(domain, Object.assign(new InMemoryProvider({}), { initialize }));
    },
  ],
];

describe.each(stores)('on %s, a domain that is taken', (_name, sides) => {
  test.each(taking)('stops what runs and what waits, as it stops new calls: %s', async (_how, take) => {
    const { control, killSwitch, domain } = await openSwitch(await sides(), { agentId: 'x', leaseMs: LEASE_MS });
    const heard = ({ epoch }: { epoch: number }) =>
      vi.waitFor(() => expect(killSwitch.check().epoch).toBeGreaterThanOrEqual(epoch));
    const told: string[] = [];
    const long = killSwitch.action({
      name: 'a.long',
      execute: (_input: null, { signal }) =>
        new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => {
            told.push('work');
            resolve();
          });
        }),
    });
    const work = killSwitch.run({ runId: 'r' }, async (run) => {
      run.signal.addEventListener('abort', () => told.push('run'));
      return long.attempt(null);
    });
    const steps = killSwitch.action({
      name: 'a.steps',
      async *execute() {
        for (;;) yield await sleep(5);
      },
    });
    const generator = await steps(undefined);
    await generator.next();
    await heard(await control.kill({ target: 'agent:y', mode: 'paused' }));
    const waits = settled(
      killSwitch.run({ agentId: 'y' }, () => killSwitch.action({ name: 'a.call', execute: () => 'ran' })(undefined)),
    );
    await sleep(20);
    await take(domain);
    expect(await settled(generator.next())).toBe('ABORTED DOMAIN_TAKEN');
    expect(killSwitch.check()).toMatchObject({ verdict: 'block', cause: { code: 'DOMAIN_TAKEN' } });
    expect(await Promise.race([waits, sleep(IN_TIME_MS, 'late')])).toBe('BLOCKED DOMAIN_TAKEN');
    expect(told).toEqual(['work', 'run']);
    expect(await work).toMatchObject({ status: 'aborted', decision: { cause: { code: 'DOMAIN_TAKEN' } } });
    expect(await settled(long(null))).toBe('BLOCKED DOMAIN_TAKEN');
  });
});
