import { join } from 'node:path';
import { OpenFeature } from '@openfeature/server-sdk';
import { afterAll, describe, expect, test, type TestContext, vi } from 'vitest';
import { createKillSwitch, type ExecutorStore } from '../../index.ts';
import { openControlPlane } from '../../operator/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import type { ControlStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';
import { KINDS, startMember } from './members.ts';

interface Place {
  readonly url: string;
  readonly store: ExecutorStore;
  readonly control: ControlStore;
}

const PLACES: Readonly<Record<string, () => Promise<Place>>> = {
  async 'a file store'() {
    const directory = join(temporaryFolder('fleet').path, 'switch');
    return { url: `file:${directory}`, store: fileStore({ directory }), control: fileControlStore({ directory }) };
  },
  ...(hasRedis && {
    async 'a Redis store'() {
      const { url } = await startRedis();
      return { url, store: redisStore({ url }), control: redisControlStore({ url }) };
    },
  }),
};

afterAll(async () => {
  await OpenFeature.clearProviders();
  OpenFeature.clearHooks();
});

let domains = 0;
/** Long enough for a busy machine: when a lease ends, decisions name that as the cause, not the kill. */
const LEASE_MS = 6000;
const SOON = { timeout: 20_000 };
const CASES = KINDS.flatMap((kind) => Object.entries(PLACES).map(([place, open]) => ({ kind, place, open })));

/**
 * A process with an action in flight that has started two members. All have one executor name, and share its anchor.
 */
async function setUp({ onTestFinished }: TestContext, kind: string, open: () => Promise<Place>, handsLineage = true) {
  const { url, store, control: controlStore } = await open();
  const control = await openControlPlane({ store: controlStore, operator: { id: 'ann' } });
  onTestFinished(() => control.close());
  await control.init();
  await control.setMode({ mode: 'live', reason: 'test' });
  domains += 1;
  const killSwitch = await createKillSwitch({
    store,
    executor: { name: 'fleet' },
    leaseMs: LEASE_MS,
    domain: `fleet-${domains}`,
  });
  onTestFinished(() => killSwitch.close());
  const work = killSwitch.action({
    name: 'host.work',
    execute: async (lineage: string, { signal }) => {
      const members = [0, 1].map(() =>
        startMember(kind, { url, lineage: handsLineage ? lineage : undefined, leaseMs: LEASE_MS }),
      );
      for (const member of members) onTestFinished(member.kill);
      for (const member of members) expect(await member.next()).toEqual({ is: 'working' });
      told(members);
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    },
  });
  let told: (members: ReadonlyArray<ReturnType<typeof startMember>>) => void = () => {};
  const started = new Promise<ReadonlyArray<ReturnType<typeof startMember>>>((resolve) => {
    told = resolve;
  });
  const own = killSwitch.run({ agentId: 'host', missionId: 'm' }, (run) => work.attempt(run.lineage));
  const members = await Promise.race([
    started,
    own.then(({ decision }) => Promise.reject(new Error(JSON.stringify(decision)))),
  ]);
  /** Waits until the executors have these states; silent ones come first. */
  const reported = (expected: readonly object[]): Promise<void> =>
    vi.waitFor(async () => {
      const { executors } = await control.status();
      const silentFirst = [...executors].sort((a, b) => Number(b.state === 'silent') - Number(a.state === 'silent'));
      expect(silentFirst).toMatchObject(expected);
    }, SOON);
  return { control, members, own, reported };
}

const busy = { in_flight: 1, draining: 0 };
const still = { state: 'stopped', in_flight: 0, draining: 0 };

describe.concurrent.each(CASES)('$kind, on $place', { timeout: 90_000 }, ({ kind, open }) => {
  test('each counts its own work, a kill of the run above reaches all, and each leaves the count by itself', async (context) => {
    const { control, members, own, reported } = await setUp(context, kind, open);
    await reported([busy, busy, busy]);
    const { acknowledgements } = await control.kill({ target: 'mission:m', waitMs: 20_000 });
    expect(acknowledgements).toMatchObject({ total: 3, applied: 3, drained: 3, silent: 0 });
    expect(await own).toMatchObject({ status: 'aborted', decision: { cause: { target: 'mission:m' } } });
    for (const member of members) {
      expect(await member.next()).toEqual({ is: 'ended', status: 'aborted', target: 'mission:m' });
      expect(await member.next()).toEqual({ is: 'tried again', status: 'blocked', target: 'mission:m' });
    }
    await reported([still, still, still]);
    await members[0]?.leave();
    await reported([still, still]);
    await members[1]?.leave();
    await reported([still]);
  });

  test('one that dies in the middle of its work is silent, and never counts as stopped; the others go on', async (context) => {
    const { control, members, own, reported } = await setUp(context, kind, open);
    await reported([busy, busy, busy]);
    await members[0]?.kill();
    await reported([{ state: 'silent', in_flight: 1 }, busy, busy]);
    const { acknowledgements } = await control.kill({ target: 'all' });
    expect(acknowledgements).toMatchObject({ total: 3, silent: 1 });
    await reported([{ state: 'silent', in_flight: 1 }, still, still]);
    expect(await members[1]?.next()).toMatchObject({ status: 'aborted', target: 'all' });
    expect((await own).status).toBe('aborted');
  });
});

test.for(CASES.filter(({ place }) => place === 'a file store'))(
  'a run ends where $kind begin: without its lineage a kill of it does not reach them',
  async ({ kind, open }, context) => {
    const { control, members, own } = await setUp(context, kind, open, false);
    const { acknowledgements } = await control.kill({ target: 'mission:m', waitMs: 20_000 });
    expect(acknowledgements).toMatchObject({ total: 3, drained: 3 }); // nothing has to drain there
    expect(await own).toMatchObject({ status: 'aborted', decision: { cause: { target: 'mission:m' } } });
    await control.kill({ target: 'agent:member' });
    for (const member of members) expect(await member.next()).toMatchObject({ target: 'agent:member' });
  },
);
