import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type Beat, type Head, MAX_EPOCH } from '../../flags/index.ts';
import { createKillSwitch } from '../../index.ts';
import { type ControlPlane, openControlPlane } from '../../operator/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import type { ControlStore, ExecutorStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import { hasRedis, startRedis, temporaryFolder } from '../servers/index.ts';

type Stores = readonly [ExecutorStore, ControlStore];
const STORES: Array<readonly [string, () => Promise<Stores>]> = [
  [
    'the file store',
    async () => {
      const directory = join(temporaryFolder('forged').path, 'switch');
      return [fileStore({ directory }), fileControlStore({ directory })];
    },
  ],
];
if (hasRedis) {
  STORES.push([
    'Redis',
    async () => {
      const { url } = await startRedis();
      return [redisStore({ url }), redisControlStore({ url })];
    },
  ]);
}

async function open(store: ControlStore, id = 'ann'): Promise<ControlPlane> {
  const control = await openControlPlane({ store, operator: { id } });
  onTestFinished(() => control.close());
  return control;
}

let domains = 0;
async function setUp(make: () => Promise<Stores>) {
  const [executorStore, controlStore] = await make();
  const control = await open(controlStore);
  await control.init();
  await control.setMode({ mode: 'live', reason: 'test' });
  domains += 1;
  const killSwitch = await createKillSwitch({
    store: executorStore,
    domain: `forged-${domains}`,
    leaseMs: 1000,
    agentId: 'honest',
    executor: { name: 'honest' },
  });
  onTestFinished(() => killSwitch.close());
  let done = 0;
  const action = killSwitch.action({ name: 'mail.send', execute: () => (done += 1) });
  const acts = (): Promise<void> =>
    vi.waitFor(async () => expect(await action.attempt(null)).toMatchObject({ status: 'executed' }), 5000);

  /** Writes a report of a fork, as any executor may. */
  const report = async (held: Head, against: string, name = 'liar'): Promise<void> => {
    const executorId = randomUUID();
    const connection = executorStore.open({
      organizationId: 'default',
      executorId,
      executorName: 'liar',
      requestTimeoutMs: 2000,
    });
    const at = new Date().toISOString();
    const beat: Beat = {
      id: executorId,
      name,
      host: 'h',
      pid: 1,
      version: '0',
      started_at: at,
      at,
      lease_ms: 5000,
      applied: held,
      in_flight: 0,
      draining: 0,
      agents: [],
      runs: [],
      fork: { against, held },
    };
    await connection.confirm(beat, 'n').catch(() => {}); // it may be refused; the report was written
    await connection.close();
  };
  return { controlStore, control, killSwitch, acts, report };
}

const forgeries: ReadonlyArray<readonly [string, (head: Head) => Head]> = [
  ['the largest whole number', (head) => ({ ...head, epoch: Number.MAX_SAFE_INTEGER })],
  ['the largest epoch', (head) => ({ ...head, epoch: MAX_EPOCH })],
  ['an epoch far beyond the head', (head) => ({ ...head, epoch: head.epoch + 2_000_000 })],
  ['a negative epoch', (head) => ({ ...head, epoch: -1 })],
  ['half an epoch', (head) => ({ ...head, epoch: 1.5 })],
  ['a text for an epoch', (head) => ({ ...head, epoch: '1e99' as never })],
  ['an unknown generation', (head) => ({ ...head, epoch: head.epoch + 1, generation: 'x'.repeat(100) })],
  ['a generation of 12 MB', (head) => ({ ...head, epoch: head.epoch + 1, generation: 'x'.repeat(12_000_000) })],
];

describe.each(STORES)('a forged report, on %s', (_name, make) => {
  test.each(forgeries)(
    'of %s uses up no numbers of events, and recover says what it did not believe',
    async (_what, forge) => {
      const { control, acts, report } = await setUp(make);
      const { head } = await control.status();
      await report({ ...forge(head), hash: 'f'.repeat(64) }, head.generation);
      await vi.waitFor(() => control.status(), 20_000); // 12 MB may keep Redis busy for a while

      const { epoch, given_up } = await control.recover({ reason: 'somebody reported a fork' });
      expect(epoch).toBe(head.epoch + 1);
      expect(given_up).toEqual([]);
      await acts();
      const killed = await control.kill({ target: 'agent:other' });
      expect(killed.epoch).toBe(epoch + 1);
      expect(await control.recover({ reason: 'again' })).toMatchObject({ epoch: killed.epoch + 1 });
      expect((await control.kills()).data.map(({ target }) => target)).toEqual(['agent:other']);
      expect(await control.verifyLog()).toMatchObject({ ok: true, events: 5 });
    },
  );

  test('that could be true skips no more numbers than a failover can lose', async () => {
    const { control, report, acts } = await setUp(make);
    const { head } = await control.status();
    await report({ ...head, epoch: head.epoch + 3, hash: 'f'.repeat(64) }, head.generation);
    const { epoch, given_up, given_up_count } = await control.recover({ reason: 'looked at it' });
    expect({ epoch, given_up_count }).toEqual({ epoch: head.epoch + 4, given_up_count: 1 });
    expect(given_up).toMatchObject([{ epoch: head.epoch + 3 }]);
    await acts();
    await control.kill({ target: 'all' });
  });
});

test('on the file store the owner of a report’s file is excluded too, whatever name the report has', async () => {
  const [, make] = STORES[0] as (typeof STORES)[number];
  const { control, acts, report } = await setUp(make);
  await control.recover({ reason: 'whoever writes there lies', exclude: [`uid ${process.getuid?.()}`] });
  const { head } = await control.status();
  await report({ ...head, epoch: head.epoch + 1, hash: 'f'.repeat(64) }, head.generation);
  await new Promise((resolve) => setTimeout(resolve, 1200));
  await acts();
  expect(await control.status()).toMatchObject({
    forks: [],
    ignored_forks: [{ executor: 'liar', why: 'an operator has said not to believe it' }],
  });
});

test.runIf(hasRedis)(
  'on Redis executors and operators know a reporter by the name in its keys, whatever its report says',
  async () => {
    const [, make] = STORES[1] as (typeof STORES)[number];
    const { control, killSwitch, acts, report } = await setUp(make);
    const lie = async (name: string): Promise<void> => {
      const { head } = await control.status();
      await report({ ...head, epoch: head.epoch + 1, hash: 'f'.repeat(64) }, head.generation, name);
    };
    await control.recover({ reason: 'it lies', exclude: ['liar'] });
    await lie('innocent');
    await new Promise((resolve) => setTimeout(resolve, 1200));
    await acts();
    expect(await control.status()).toMatchObject({ forks: [], ignored_forks: [{ executor: 'innocent' }] });

    await control.recover({ reason: 'another lies', exclude: ['other'], include: ['liar'] });
    await acts();
    await lie('other');
    await vi.waitFor(() => expect(killSwitch.check()).toMatchObject({ cause: { code: 'GENERATION_CHANGED' } }), 5000);
    expect((await control.status()).forks).toMatchObject([{ executor: 'liar', known_as: ['liar'] }]);
  },
);

describe.each(STORES)('a reporter that an operator has excluded, on %s', (_name, make) => {
  test('stops nobody any more, and is shown; included again, it stops everyone', async () => {
    const { control, killSwitch, acts, report } = await setUp(make);
    const invented = async (): Promise<Head> => {
      const { head } = await control.status();
      return { ...head, epoch: head.epoch + 1, hash: randomUUID().replaceAll('-', '').padEnd(64, '0') };
    };
    const lie = async (): Promise<void> => {
      const held = await invented();
      await report(held, held.generation);
    };
    const stopped = (): Promise<void> =>
      vi.waitFor(
        () => expect(killSwitch.check()).toMatchObject({ verdict: 'block', cause: { code: 'GENERATION_CHANGED' } }),
        5000,
      );
    await lie();
    await stopped();
    expect((await control.status()).forks).toMatchObject([
      { executor: 'liar', known_as: expect.arrayContaining(['liar']) },
    ]);

    const { excluded } = await control.recover({ reason: 'it lies', exclude: ['liar'] });
    expect(excluded).toEqual(['liar']);
    await acts();
    await lie();
    const until = performance.now() + 1500; // longer than a lease, within which a report that counts would stop it
    while (performance.now() < until) {
      await acts();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(await control.status()).toMatchObject({
      forks: [],
      excluded: ['liar'],
      ignored_forks: expect.arrayContaining([{ executor: 'liar', why: 'an operator has said not to believe it' }]),
    });

    expect(await control.recover({ reason: 'looked at it', include: ['liar'] })).toMatchObject({ excluded: [] });
    await acts();
    await lie();
    await stopped();
    await control.recover({ reason: 'end of the test', exclude: ['liar'] });
    expect(await control.verifyLog()).toMatchObject({ ok: true });
  });
});

describe.each(STORES)('recover, on %s', (_name, make) => {
  test('twice at once: the one that had read an older state is refused', async () => {
    const { controlStore, control, acts } = await setUp(make);
    const other = await open(controlStore, 'bob');
    for (let round = 0; round < 5; round += 1) {
      const before = await control.status();
      const outcomes = await Promise.allSettled([control.recover({ reason: 'a' }), other.recover({ reason: 'b' })]);
      const done = outcomes.filter(({ status }) => status === 'fulfilled');
      const refused = outcomes.filter(({ status }) => status === 'rejected');
      expect(done.length).toBeGreaterThan(0);
      for (const outcome of refused) expect(outcome).toMatchObject({ reason: { code: 'CONFLICT' } });
      expect((await control.status()).epoch).toBe(before.epoch + done.length);
      await acts();
    }
    expect(await control.verifyLog()).toMatchObject({ ok: true });
  });

  test('and a kill at the same moment are both recorded', async () => {
    const { controlStore, control, killSwitch } = await setUp(make);
    const other = await open(controlStore, 'bob');
    for (let round = 0; round < 8; round += 1) {
      const [recovered, killed] = await Promise.all([
        control.recover({ reason: 'looked at it' }),
        other.kill({ target: `run:r${round}` }),
      ]);
      expect(recovered.epoch).not.toBe(killed.epoch);
      await vi.waitFor(
        () =>
          expect(killSwitch.check({ runId: `run:r${round}`.slice(4) })).toMatchObject({
            verdict: 'block',
            cause: { kind: 'kill' },
          }),
        5000,
      );
    }
    expect((await control.kills()).data.length).toBe(8);
    expect(await control.verifyLog()).toMatchObject({ ok: true });
  });
});
