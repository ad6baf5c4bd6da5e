import { readFileSync } from 'node:fs';
import { FlagdProvider } from '@openfeature/flagd-provider';
import { type Client, OpenFeature } from '@openfeature/server-sdk';
import { describe, expect, onTestFinished, test } from 'vitest';
import { deadManBound } from '../../operator/dead-man.ts';
import { replicaSource } from '../../operator/export-source.ts';
import { type FlagdExport, startFlagdExport } from '../../operator/flagd-export.ts';
import { openControlPlane } from '../../operator/open.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { Memory, memoryStore } from '../../store/memory/index.ts';
import { connectExecutor } from '../../store/connect-executor.ts';
import { type FlagdServer, hasFlagd, startFlagd } from '../servers/index.ts';

/**
 * flagd looks at its file every second, and keeps time by the same clock as this test; the machine may be busy when a
 * write is due.
 */
const TIMES = { reissueMs: 250, writeMs: 750, pollMs: 1000, skewMs: 0 };
const VALID_MS = deadManBound(TIMES);
/** How long one question to flagd may take on a busy machine, in milliseconds. */
const ASKING_MS = 500;

/** The mode from a client of the official provider, without anything of this package, and with a careless default. */
async function vanilla(flagd: FlagdServer, resolverType: 'rpc' | 'in-process'): Promise<Client> {
  const domain = `${resolverType} ${flagd.port}`;
  const port = resolverType === 'rpc' ? flagd.port : flagd.syncPort;
  await OpenFeature.setProviderAndWait(domain, new FlagdProvider({ host: flagd.host, port, resolverType, tls: false }));
  return OpenFeature.getClient(domain);
}

const modeOf = (client: Client, agent = 'a'): Promise<string> =>
  client.getStringValue('kill-switch.mode', 'live', { agent_id: agent });

/** A switch in `live`, exported into the file of a real flagd, with a client of each kind that reads it. */
async function exported() {
  const memory = new Memory();
  const control = await openControlPlane({
    store: memoryControlStore({ memory }),
    operator: { id: 'dana', roles: ['admin'] },
  });
  await control.init();
  await control.setMode({ mode: 'live', reason: 'test' });
  const flagd = await startFlagd({ flags: { flags: {} } });
  const { replica } = connectExecutor({ store: memoryStore({ memory }), organizationId: 'default', leaseMs: 500 });
  await replica.start();
  const source = replicaSource(replica);
  const running: FlagdExport = await startFlagdExport({
    source,
    file: flagd.file,
    organizationId: 'default',
    reissueMs: TIMES.reissueMs,
    validMs: VALID_MS,
  });
  onTestFinished(async () => {
    await running.close();
    await replica.close();
    await control.close();
    await OpenFeature.clearProviders();
  });
  const clients = [await vanilla(flagd, 'rpc'), await vanilla(flagd, 'in-process')];
  const modes = (agent?: string): Promise<string[]> => Promise.all(clients.map((client) => modeOf(client, agent)));
  await expect.poll(() => running.validUntil, { timeout: 5000 }).not.toBeNull();
  // Before the export both answered `full_stop` (nothing was confirmed yet) or their own default; a kill of one agent
  // shows that it is there.
  await control.kill({ target: 'agent:probe', waitMs: 0 });
  await expect.poll(() => modes('probe'), { timeout: 5000, interval: 20 }).toEqual(['full_stop', 'full_stop']);
  return { memory, control, flagd, source, running, clients, modes };
}

/** Asks until everybody is stopped; the wall time when that was seen. */
async function untilStopped(modes: () => Promise<string[]>): Promise<number> {
  await expect.poll(modes, { timeout: VALID_MS + 5000, interval: 20 }).toEqual(['full_stop', 'full_stop']);
  return Date.now();
}

describe.skipIf(!hasFlagd)(
  'an export with the dead man, served by a real flagd to clients that know nothing of it',
  () => {
    test('is renewed without a gap for longer than its validity, and carries a kill of one agent', async () => {
      const { control, modes } = await exported();
      const until = Date.now() + VALID_MS + 1000;
      while (Date.now() < until) expect(await modes('b')).toEqual(['live', 'live']);
      await control.kill({ target: 'agent:a', waitMs: 0 });
      await expect.poll(() => modes('a'), { timeout: 5000, interval: 20 }).toEqual(['full_stop', 'full_stop']);
      expect(await modes('b')).toEqual(['live', 'live']);
    });

    test('stops everyone within its validity when the exporter is gone', async () => {
      const { source, running, modes } = await exported();
      expect(await modes()).toEqual(['live', 'live']);
      await running.close();
      const confirmedAt = source.confirmedAt() ?? 0;
      expect((await untilStopped(modes)) - confirmedAt).toBeLessThan(VALID_MS + ASKING_MS);
    });

    test('stops everyone within its validity when the exporter is alive but cut off from its store, and goes on afterwards', async () => {
      const { memory, modes, running } = await exported();
      memory.fault = 'hang';
      const cutOffAt = Date.now();
      expect((await untilStopped(modes)) - cutOffAt).toBeLessThan(VALID_MS + ASKING_MS);
      const ended = running.validUntil;
      memory.fault = null;
      await expect.poll(modes, { timeout: 10_000, interval: 20 }).toEqual(['live', 'live']);
      expect(running.validUntil).not.toBe(ended);
    });

    test('stops everyone at once when the store was wiped', async () => {
      const { memory, modes } = await exported();
      memory.wipe();
      const wipedAt = Date.now();
      expect((await untilStopped(modes)) - wipedAt).toBeLessThan(VALID_MS);
    });

    test('stops everyone within its validity when what flagd reads is an old copy of the file', async () => {
      const { flagd, source, clients } = await exported();
      const copiedAt = source.confirmedAt() ?? 0;
      const stale = await startFlagd({ flags: JSON.parse(readFileSync(flagd.file, 'utf8')) });
      const client = await vanilla(stale, 'in-process');
      await expect.poll(() => modeOf(client), { timeout: VALID_MS + 5000, interval: 20 }).toBe('full_stop');
      expect(Date.now() - copiedAt).toBeLessThan(VALID_MS + ASKING_MS);
      expect(await modeOf(clients[1] as Client)).toBe('live');
    });
  },
);
