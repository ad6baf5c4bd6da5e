import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FlagdProvider } from '@openfeature/flagd-provider';
import type { Client } from '@openfeature/server-sdk';
import { describe, expect, it } from 'vitest';
import { compileFlagd, type FlagdDefinition, MODES, State } from '../../flags/index.ts';
import { type FlagdKillSwitchOptions, FlagdKillSwitchProvider } from '../../provider/flagd/index.ts';
import { clientOf, faultOf, modeOf, untilMode } from '../provider/helpers.ts';
import { type FlagdServer, hasFlagd, startFlagd, temporaryFolder } from '../servers/index.ts';
import { LAST_CHANGE } from '../flags/last-change.ts';

const READY = new URL('../../flags/kill-switch.flagd.json', import.meta.url);
const inAnHour = (): number => Math.floor(Date.now() / 1000) + 3600;

/** The definition that an exporter writes after `kill all`, or in live. */
function exported(mode: 'live' | 'full_stop', validUntil = inAnHour(), organizationId = 'default'): FlagdDefinition {
  const state = new State();
  state.put('mode', { mode, targeting: null, ...LAST_CHANGE });
  state.put('feature:x', { stage: 'live', ...LAST_CHANGE });
  state.epoch = 7;
  return compileFlagd(state, { organizationId, validUntil });
}

/** The definition that the package ships, pasted into an app's own file and opened. */
function pasted(metadata?: object): object {
  const ready = JSON.parse(readFileSync(READY, 'utf8'));
  ready.flags['kill-switch.mode'].defaultVariant = 'live';
  return { flags: ready.flags, ...(metadata ? { metadata } : {}) };
}

/** A flagd with these files as sources, in this order; `write` replaces one of them. */
async function serving(
  ...definitions: object[]
): Promise<{ flagd: FlagdServer; write(index: number, to: object): void }> {
  const { path } = temporaryFolder('sources');
  const files = definitions.map((_, index) => join(path, `${index}.json`));
  const write = (index: number, to: object): void => writeFileSync(files[index] as string, JSON.stringify(to));
  definitions.forEach((definition, index) => void write(index, definition));
  return { flagd: await startFlagd({ sources: files.map((uri) => ({ uri, provider: 'file' as const })) }), write };
}

describe.skipIf(!hasFlagd).each(['rpc', 'in-process'] as const)('two sources of one flagd, %s', (resolverType) => {
  const portOf = (flagd: FlagdServer): number => (resolverType === 'rpc' ? flagd.port : flagd.syncPort);
  const connect = (flagd: FlagdServer, options: FlagdKillSwitchOptions = {}): Promise<Client> =>
    clientOf(new FlagdKillSwitchProvider({ host: flagd.host, port: portOf(flagd), resolverType, ...options }));

  it('says live to a client that asks flagd itself, although the export says full_stop', async () => {
    const { flagd } = await serving(exported('full_stop'), pasted({ flagSetId: 'kill-switch' }));
    const client = await clientOf(new FlagdProvider({ host: flagd.host, port: portOf(flagd), resolverType }));
    await untilMode(client, 'live');
  });

  it.each([
    ['without a set', undefined],
    ['with the set of the switch', { flagSetId: 'kill-switch' }],
    ['with the metadata of a static export', { flagSetId: 'kill-switch', organization_id: 'default', epoch: 9 }],
    ['with another organization', { organization_id: 'other', epoch: 9, valid_until: inAnHour() }],
    ['with an end that has passed', { organization_id: 'default', epoch: 9, valid_until: 1 }],
    ['with texts for numbers', { organization_id: 'default', epoch: '9', valid_until: '9999999999' }],
  ])('never lets the second source replace the export, %s', async (_how, metadata) => {
    const { flagd } = await serving(exported('full_stop'), pasted(metadata));
    const careful = await connect(flagd, { organizationId: 'default' });
    // In-process, which of two sets wins without a selector is flagd's own matter: either way nobody is live.
    for (let look = 0; look < 20; look += 1) expect(await modeOf(careful)).toBe('full_stop');
  });

  it('is noticed where it appears later, also by a client without an organizationId', async () => {
    const { flagd, write } = await serving(exported('live'), { flags: {} });
    const client = await connect(flagd);
    await untilMode(client, 'live');
    write(1, pasted({ flagSetId: 'kill-switch' }));
    await untilMode(client, 'full_stop');
    expect(await faultOf(client)).toBe('FOREIGN_ANSWER');
    expect(await client.getStringDetails('kill-switch.mode', 'live')).toMatchObject({
      flagMetadata: { message: expect.stringMatching(/without organization_id, epoch, valid_until.*flagd validate/) },
    });
    // flagd takes the flag away with the source that had it, until the other one is written again, as an exporter does
    // all the time.
    write(1, { flags: {} });
    await expect.poll(() => faultOf(client), { timeout: 5000 }).toMatch(/FLAG_NOT_FOUND|STALE/);
    write(0, exported('live', inAnHour() + 1));
    await untilMode(client, 'live');
  });

  it('is passed over with the switch’s own set as the selector, where it has another set or none', async () => {
    for (const metadata of [undefined, { flagSetId: 'app' }]) {
      const { flagd, write } = await serving(exported('live'), pasted(metadata));
      const client = await connect(flagd, { organizationId: 'default', selector: 'flagSetId=kill-switch' });
      await untilMode(client, 'live');
      expect(await client.getStringValue('kill-switch.feature.x', 'dark')).toBe('live');
      write(0, exported('full_stop'));
      await untilMode(client, 'full_stop');
      expect(await faultOf(client)).toBe('');
    }
  });
});

describe.skipIf(!hasFlagd).each(['rpc', 'in-process'] as const)('what flagd serves, %s', (resolverType) => {
  const connect = async (definition: object, options: FlagdKillSwitchOptions = {}): Promise<Client> => {
    const flagd = await startFlagd({ flags: definition });
    const port = resolverType === 'rpc' ? flagd.port : flagd.syncPort;
    return clientOf(new FlagdKillSwitchProvider({ host: flagd.host, port, resolverType, ...options }));
  };
  const byHand = { flags: { 'kill-switch.mode': { ...exported('live').flags['kill-switch.mode'], ...handWritten() } } };

  it('is believed where nothing says that it must be an export', async () => {
    await untilMode(await connect(byHand), 'live');
    await untilMode(await connect(byHand, { organizationId: 'default', expect: 'any' }), 'live');
  });

  it('is a fault where an export is expected and none is served, or that of another organization', async () => {
    expect(await faultOf(await connect(byHand, { expect: 'export' }))).toBe('FOREIGN_ANSWER');
    const other = await connect(exported('live', inAnHour(), 'other'), { organizationId: 'default', expect: 'any' });
    expect(await faultOf(other)).toBe('FOREIGN_ANSWER');
  });

  it('is a fault from the second on at which it ends, also where its rule forgot it', async () => {
    const end = Math.floor(Date.now() / 1000) + 3;
    const client = await connect({ ...byHand, metadata: { valid_until: end } });
    await untilMode(client, 'live');
    await untilMode(client, 'full_stop');
    expect(Date.now()).toBeGreaterThanOrEqual(end * 1000);
    expect(await faultOf(client)).toBe('STALE');
  });
});

function handWritten(): object {
  return { variants: Object.fromEntries(MODES.map((mode) => [mode, mode])), defaultVariant: 'live', targeting: {} };
}

it('refuses an unknown `expect`, an organizationId that is no id, and a deadline that no timer counts', () => {
  expect(() => new FlagdKillSwitchProvider({ deadlineMs: 30 * 86_400_000 })).toThrow(
    /deadlineMs must be .* at most 300000/,
  );
  expect(() => new FlagdKillSwitchProvider({ expect: 'exports' as never })).toThrow(/expect must be/);
  expect(() => new FlagdKillSwitchProvider({ organizationId: '*' })).toThrow(/organizationId must not be/);
});
