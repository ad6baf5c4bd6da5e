import { writeFileSync } from 'node:fs';
import type { Client } from '@openfeature/server-sdk';
import { describe, expect, it } from 'vitest';
import { compileFlagd, State } from '../../flags/index.ts';
import { FlagdKillSwitchProvider } from '../../provider/flagd/index.ts';
import { Lineage } from '../../provider/flagd/lineage.ts';
import { clientOf, untilMode } from '../provider/helpers.ts';
import { hasFlagd, startFlagd } from '../servers/index.ts';
import { LAST_CHANGE } from '../flags/last-change.ts';

/** What the export of a switch in `live` writes, whose log is the last of these generations. */
function exported(generations: readonly string[], epoch: number, recovered = generations.length > 1) {
  const state = new State();
  const generation = generations.at(-1) as string;
  state.put('control', { format: 1, generation, generations: [...generations], recovered, ...LAST_CHANGE });
  state.put('mode', { mode: 'live', targeting: null, ...LAST_CHANGE });
  state.epoch = epoch;
  return compileFlagd(state, { organizationId: 'default', validUntil: Math.floor(Date.now() / 1000) + 3600 });
}

const follows = [
  { what: 'a later epoch', definition: exported(['g1'], 6) },
  { what: 'a generation that a recover began, and that counts anew', definition: exported(['g1', 'g2'], 3) },
  { what: 'a generation that was recovered from nothing', definition: exported(['n1'], 2, true) },
] as const;

const goesBack = [
  { what: 'another switch of the same organization', definition: exported(['other'], 9), fault: 'FOREIGN_ANSWER' },
  { what: 'another switch that was recovered once', definition: exported(['other', 'o2'], 9), fault: 'FOREIGN_ANSWER' },
  { what: 'an epoch before', definition: exported(['g1'], 4), fault: 'STALE' },
] as const;

describe.skipIf(!hasFlagd).each(['rpc', 'in-process'] as const)('the file behind a flagd, %s', (resolverType) => {
  async function serving() {
    const flagd = await startFlagd({ flags: exported(['g1'], 5) });
    const port = resolverType === 'rpc' ? flagd.port : flagd.syncPort;
    const client = await clientOf(new FlagdKillSwitchProvider({ host: flagd.host, port, resolverType }));
    await untilMode(client, 'live');
    return { client, write: (definition: object) => writeFileSync(flagd.file, JSON.stringify(definition)) };
  }
  const causeOf = async (client: Client): Promise<unknown> =>
    (await client.getStringDetails('kill-switch.mode', 'live')).flagMetadata['code'];

  it.each(goesBack)(
    'stops everyone where it becomes that of $what, and goes on with its own',
    async ({ definition, fault }) => {
      const { client, write } = await serving();
      write(definition);
      await untilMode(client, 'full_stop');
      expect(await causeOf(client)).toBe(fault);
      write(exported(['g1'], 5));
      await untilMode(client, 'live');
    },
  );

  it.each(follows)('goes on with $what, and never back', async ({ definition }) => {
    const { client, write } = await serving();
    write(definition);
    await expect
      .poll(async () => (await client.getStringDetails('kill-switch.mode', 'live')).flagMetadata['epoch'], {
        timeout: 10_000,
      })
      .toBe(definition.metadata['epoch']);
    await untilMode(client, 'live');
    write(exported(['g1'], 5));
    await untilMode(client, 'full_stop');
    expect(await causeOf(client)).toBe('STALE');
  });
});

describe('an answer that another has overtaken', () => {
  it('is late, and no step back; one that was asked for after it is a step back', () => {
    const lineage = new Lineage();
    const metadataOf = (...of: Parameters<typeof exported>) => exported(...of).metadata;
    expect(lineage.follow(metadataOf(['g1'], 5), null)).toBeNull();
    const before = lineage.seen;
    expect(lineage.follow(metadataOf(['g1'], 6), lineage.seen)).toBeNull();
    expect(lineage.follow(metadataOf(['g1'], 5), before)).toBeNull();
    expect(lineage.follow(metadataOf(['g1'], 5), lineage.seen)).toMatchObject({ code: 'STALE' });
    expect(lineage.follow(metadataOf(['g1', 'g2'], 1), lineage.seen)).toBeNull();
    expect(lineage.follow(metadataOf(['g1'], 6), before)).toBeNull();
    expect(lineage.follow(metadataOf(['g1'], 6), lineage.seen)).toMatchObject({ code: 'STALE' });
    expect(lineage.follow({ epoch: 9 }, lineage.seen)).toMatchObject({ code: 'FOREIGN_ANSWER' });
  });
});
