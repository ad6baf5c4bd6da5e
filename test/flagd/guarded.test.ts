import { type Hook, MultiProvider, type Provider } from '@openfeature/server-sdk';
import { describe, expect, it } from 'vitest';
import { createKillSwitch, type KillSwitch } from '../../index.ts';
import { FlagdKillSwitchProvider, type FlagdKillSwitchOptions } from '../../provider/flagd/index.ts';
import { StrictestWinsStrategy } from '../../provider/index.ts';
import { closeAfterwards } from '../guard/open-switch.ts';
import { hasFlagd, startFlagd } from '../servers/index.ts';

const flags = {
  flags: {
    'kill-switch.mode': {
      state: 'ENABLED',
      variants: { live: 'live', full_stop: 'full_stop' },
      defaultVariant: 'live',
      targeting: { if: [{ '==': [{ var: 'agent_id' }, 'bot'] }, 'full_stop', null] },
    },
  },
};

const strictestOf = (provider: Provider): Provider => new MultiProvider([{ provider }], new StrictestWinsStrategy());

let domains = 0;
async function open(provider: Provider): Promise<KillSwitch> {
  domains += 1;
  const killSwitch = await createKillSwitch({ provider, domain: `guarded-${domains}` });
  closeAfterwards(killSwitch);
  return killSwitch;
}

const attempts = async (provider: Provider): Promise<string[]> => attemptsOf(await open(provider));

/** How the attempts of the killed agent and of another end, once the provider answers. */
function attemptsOf(killSwitch: KillSwitch): Promise<string[]> {
  const action = killSwitch.action({ name: 'a.b', execute: () => 1 });
  const ends = ['bot', 'innocent'].map((agentId) =>
    killSwitch.run({ agentId }, async () => {
      for (;;) {
        const { status, decision } = await action.attempt(undefined);
        const { cause } = decision;
        if (cause.kind !== 'fault' || cause.code !== 'NOT_READY') return `${status} ${cause.kind}`;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }),
  );
  return Promise.all(ends);
}

describe.skipIf(!hasFlagd).each(['rpc', 'in-process'] as const)('a guard over flagd, %s', (resolverType) => {
  const inProcess = resolverType === 'in-process';
  const another: Hook = { before: () => ({ agent_id: 'somebody-else' }) };

  it('frees no killed agent because of the provider’s own hooks', async () => {
    const { port, syncPort } = await startFlagd({ flags });
    const make = (options: FlagdKillSwitchOptions) =>
      new FlagdKillSwitchProvider({ port: inProcess ? syncPort : port, resolverType, ...options });
    expect(await attempts(make({}))).toEqual(['blocked mode', 'executed mode']);
    expect(await attempts(strictestOf(make({})))).toEqual(['blocked mode', 'executed mode']);
    expect(await attempts(make({ hooks: [another] }))).toEqual(['blocked mode', 'executed mode']);
    expect(await attempts(strictestOf(make({ hooks: [another] })))).toEqual(['blocked identity', 'blocked identity']);
    const rewriting: Hook = { after: (_context, details) => void Object.assign(details, { value: 'live' }) };
    for (const provider of [make({ hooks: [rewriting] }), strictestOf(make({ hooks: [rewriting] }))]) {
      expect(await attempts(provider)).toEqual(['blocked mode', 'executed mode']);
    }
  });

  it.runIf(inProcess)('frees no killed agent because of the context that flagd sends along', async () => {
    const { syncPort } = await startFlagd({ flags, args: ['-X', 'agent_id=somebody-else'] });
    const make = () => new FlagdKillSwitchProvider({ port: syncPort, resolverType });
    expect(await attempts(make())).toEqual(['blocked mode', 'executed mode']);
    const killSwitch = await open(strictestOf(make()));
    // the context comes with the first message of the stream
    await expect.poll(() => attemptsOf(killSwitch)).toEqual(['blocked identity', 'blocked identity']);
  });

  it.runIf(inProcess)('goes by the attributes that flagd sends along', async () => {
    const withRegion = structuredClone(flags);
    const mode = withRegion.flags['kill-switch.mode'];
    mode.targeting.if[0] = { '==': [{ var: 'region' }, 'eu'] };
    const { syncPort } = await startFlagd({ flags: withRegion, args: ['-X', 'region=eu'] });
    const killSwitch = await open(strictestOf(new FlagdKillSwitchProvider({ port: syncPort, resolverType })));
    await expect.poll(() => attemptsOf(killSwitch)).toEqual(['blocked mode', 'blocked mode']);
  });
});
