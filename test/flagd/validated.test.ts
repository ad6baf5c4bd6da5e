import { FlagdProvider } from '@openfeature/flagd-provider';
import { describe, expect, it } from 'vitest';
import { parseFlagsDefinition } from '../../operator/flags-definition.ts';
import { validateFlagd } from '../../operator/flagd-validate.ts';
import { clientOf, modeOf, untilMode } from '../provider/helpers.ts';
import { hasFlagd, startFlagd } from '../servers/index.ts';

const mode = (targeting: object): object => ({
  flags: {
    'kill-switch.mode': {
      state: 'ENABLED',
      variants: { live: 'live', full_stop: 'full_stop' },
      defaultVariant: 'full_stop',
      targeting,
    },
  },
});

describe.skipIf(!hasFlagd)('what flagd validate says', () => {
  it.each([
    ['warns of a share by an attribute that a context lacks: the resolvers disagree', { var: 'email' }, 'live'],
    ['says nothing where it has a fallback: the resolvers agree', { var: ['email', 'none'] }, 'live'],
  ])('%s', async (what, by, asked) => {
    const definition = mode({ fractional: [by, ['live', 100]] });
    const isWarned = what.startsWith('warns');
    const { problems } = validateFlagd(JSON.stringify(definition));
    expect(problems.some(({ message }) => message.includes('shares out by "email"'))).toBe(isWarned);
    const flagd = await startFlagd({ flags: definition });
    const { host, port, syncPort } = flagd;
    const rpc = await clientOf(new FlagdProvider({ host, port, cache: 'disabled' }));
    const inProcess = await clientOf(new FlagdProvider({ host, port: syncPort, resolverType: 'in-process' }));
    await untilMode(rpc, asked, { targetingKey: 'k' });
    expect(await modeOf(inProcess, { targetingKey: 'k' })).toBe(isWarned ? 'full_stop' : 'live');
  });

  it.each<[string, object]>([
    ['a rule of null', { targeting: null }],
    ['variants of several types', { variants: { on: true, off: 'off' } }],
    ['no state', { state: undefined }],
    ['too few operands', { targeting: { if: [{ in: ['a'] }, 'off', 'on'] } }],
  ])('is true of %s: flagd serves it, and it does not pass flagd’s schema', async (_, changes) => {
    const flag = { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'on', ...changes };
    const definition = { flags: { checkout: flag } };
    expect(() => parseFlagsDefinition(definition)).toThrow(/does not pass flagd's own schema: .*flagd may serve it/);
    const flagd = await startFlagd({ flags: definition });
    const ask = async (): Promise<unknown> => {
      const url = `http://${flagd.host}:${flagd.ofrepPort}/ofrep/v1/evaluate/flags/checkout`;
      const answer = await fetch(url, { method: 'POST', body: JSON.stringify({ context: {} }) });
      return ((await answer.json()) as { value?: unknown }).value;
    };
    await expect.poll(ask, { timeout: 5000 }).toBe(true);
  });
});
