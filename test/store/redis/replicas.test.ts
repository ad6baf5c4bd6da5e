import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openControlPlane } from '../../../operator/index.ts';
import { redisControlStore } from '../../../store/redis/control.ts';
import { runHere } from '../../operator/cli/command.ts';
import { hasRedis, type RedisServer, startRedis } from '../../servers/index.ts';
import { charge } from '../spenders.ts';
import { beat, failure, init, kill, killData, logOf, openControl, openExecutor, plan } from './harness.ts';

describe.skipIf(!hasRedis)('a Redis whose replica must have every write', () => {
  let master: RedisServer;
  let replica: RedisServer;
  beforeAll(async () => {
    master = await startRedis({ config: ['repl-diskless-sync-delay 0'] });
    replica = await startRedis({ config: [`replicaof 127.0.0.1 ${master.port}`] });
    const linked = async () => expect(await replica.cli('INFO', 'replication')).toMatch(/master_link_status:up/);
    await vi.waitFor(linked, { timeout: 15_000, interval: 50 });
    // The replica is connected first, and only later does the master count its acknowledgements.
    const counted = async () =>
      expect(await master.cli('INFO', 'replication')).toMatch(/slave0:.*state=online,offset=[1-9].*lag=[01]\b/);
    await vi.waitFor(counted, { timeout: 15_000, interval: 50 });
  });

  const setUp = async (organizationId: string) => {
    const at = { url: master.url, organizationId, requestTimeoutMs: 1000, replicas: 1 };
    const control = openControl(at);
    const executor = openExecutor(at);
    const head = await init(control);
    return { at, control, confirm: () => executor.confirm(beat(executor.id, head), 'n') };
  };

  const freezeReplica = async () => {
    onTestFinished(replica.thaw);
    await replica.freeze();
  };

  test('acknowledged changes are on the replica', async () => {
    const { at, control, confirm } = await setUp('a');
    for (let count = 0; count < 20; count += 1) {
      const head = await kill(control, `agent:${count}`);
      const copy = openControl({ ...at, url: replica.url, replicas: 0 });
      expect((await copy.read([])).head).toEqual(head);
      await copy.close();
    }
    expect((await confirm()).events).toHaveLength(20);
  });

  test('while the replica does not answer nothing is confirmed, and an append does not count as done, though it is in the log', async () => {
    const { at, control, confirm } = await setUp('b');
    const change = await plan(control, 'kill', killData('all'));
    await freezeReplica();
    expect(await failure(confirm())).toMatchObject({
      code: 'STORE_READ_ONLY',
      message: expect.stringMatching(/fewer than 1 of its replicas/),
    });
    expect(await failure(control.append(change))).toMatchObject({
      message: expect.stringMatching(/Change 2 is in the log there, but may yet be lost/),
    });
    expect(await logOf(openControl(at))).toHaveLength(2);
    expect(await failure(control.read([]))).toMatchObject({
      code: 'STORE_READ_ONLY',
      message: expect.stringMatching(/may yet be lost/),
    });
    await replica.thaw();
    await expect
      .poll(
        () =>
          control.read([]).then(
            ({ head }) => head?.epoch,
            () => 0,
          ),
        { timeout: 5000 },
      )
      .toBe(2);
    expect((await confirm()).events).toHaveLength(1);
  });

  test('a kill says how many replicas have it, in words too; one that hangs holds kills up by no more than that', async () => {
    const store = redisControlStore({ url: master.url });
    const at = { store, organizationId: 'says', operator: { id: 'ann' } };
    const control = await openControlPlane(at);
    onTestFinished(() => control.close());
    await control.init();
    const words = ['--store', master.url, '--organization', 'says', '--wait', '0'];
    expect(await control.kill({ target: 'agent:a' })).toMatchObject({ replicas: 1, replicated: 1 });
    expect((await runHere(['kill', 'agent:b', ...words])).stdout).toContain('1 of 1 replica of the store has it.');
    await freezeReplica();
    const begun = performance.now();
    const targets = Array.from({ length: 50 }, (_, index) => `agent:c-${index}`);
    const kills = await Promise.all(targets.map((target) => control.kill({ target })));
    expect(performance.now() - begun).toBeLessThan(1500);
    expect(kills.filter(({ replicas, replicated }) => replicas === 1 && replicated === 0)).toHaveLength(50);
    const { stdout, code } = await runHere(['kill', 'agent:d', 'agent:e', ...words]);
    expect({ stdout, code }).toMatchObject({ code: 0, stdout: expect.stringMatching(/^0 of 1 replica of the store/m) });
    expect(stdout).toMatch(/If its master is lost now, so may this be/);
    await replica.thaw();
    await vi.waitFor(async () => {
      expect(await control.kill({ target: 'agent:a' })).toMatchObject({ already: true, replicated: 1 });
    }, 5000);
    await expect(
      openControl({ url: replica.url, organizationId: 'says' }).replication({ epoch: 1, hash: '' }),
    ).resolves.toBeNull();
  });

  test('while the replica does not answer no reservation counts, and no stop', async () => {
    const { at } = await setUp('ledger');
    const { ledger, stops } = openExecutor(at);
    const charges = [charge('a', 1, 10)];
    expect(await ledger?.reserve({ id: '1', charges })).toMatchObject({ is: 'reserved' });
    await freezeReplica();
    const stop = {
      id: 's',
      target: 'run:r',
      epoch: 1,
      by: 'executor',
      name: 'x',
      mode: 'paused',
      reason: null,
    } as const;
    expect(await failure(ledger?.reserve({ id: '2', charges }) ?? Promise.resolve())).toMatchObject({
      code: 'STORE_READ_ONLY',
    });
    expect(await failure(ledger?.settle('1', { usd: 0 }) ?? Promise.resolve())).toMatchObject({
      code: 'STORE_READ_ONLY',
    });
    expect(await failure(stops?.add(stop) ?? Promise.resolve())).toMatchObject({ code: 'STORE_READ_ONLY' });
  });

  test('an append whose answer was lost does not count as done either', async () => {
    const { control } = await setUp('c');
    const change = await plan(control, 'kill', killData('all'));
    await master.freeze();
    expect(await failure(control.append(change))).toMatchObject({ message: expect.stringMatching(/not known/) });
    await freezeReplica();
    await master.thaw();
    expect((await failure(control.read([]))).code).toMatch(/STORE_/);
    expect(await failure(control.read([]))).toMatchObject({ message: expect.stringMatching(/may yet be lost/) });
    await replica.thaw();
    await expect
      .poll(
        () =>
          control.read([]).then(
            () => true,
            () => false,
          ),
        { timeout: 5000 },
      )
      .toBe(true);
  });

  test('a change that was overtaken is reported as such, whatever the replica does', async () => {
    const { at, control } = await setUp('d');
    const late = await plan(control, 'kill', killData('all'));
    await kill(control, 'agent:x');
    await freezeReplica();
    expect(await openControl(at).append(late)).toBe(false);
    await replica.thaw();
  });

  test('a last change that was lost with its master, since no replica had it, is a fork for the executors that saw it', async () => {
    const { at, control } = await setUp('e');
    const change = await plan(control, 'kill', killData('all'));
    await replica.cli('REPLICAOF', 'NO', 'ONE');
    expect(await failure(control.append(change))).toMatchObject({ message: expect.stringMatching(/may yet be lost/) });
    await master.kill();
    const executor = openExecutor({ ...at, url: replica.url, replicas: 0 });
    const saw = await executor.confirm(beat(executor.id, change.head), 'n');
    expect(saw).toMatchObject({ head: change.expected, events: null });
  });
});
