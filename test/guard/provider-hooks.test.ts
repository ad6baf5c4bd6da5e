import {
  type EvaluationContext,
  type EvaluationDetails,
  FirstMatchStrategy,
  type Hook,
  InMemoryProvider,
  MultiProvider,
  OpenFeature,
  type Provider,
  ProviderEvents,
} from '@openfeature/server-sdk';
import { describe, expect, test } from 'vitest';
import { IdentityHook } from '../../hooks/index.ts';
import { createKillSwitch, type KillSwitch } from '../../index.ts';
import { FailClosedProvider, KillSwitchProvider, StrictestWinsStrategy } from '../../provider/index.ts';
import { closeAfterwards, openMemorySwitch } from './open-switch.ts';

/** `full_stop` for the agent `bot` and its children, else the mode. */
class Source extends InMemoryProvider {
  readonly hooks: Hook[];

  constructor(hooks: readonly Hook[] = [], mode = 'live') {
    super({
      'kill-switch.mode': {
        variants: { live: 'live', full_stop: 'full_stop' },
        defaultVariant: mode,
        disabled: false,
        contextEvaluator: ({ agent_id: agent, lineage_agents: parents }: EvaluationContext) =>
          agent === 'bot' || (Array.isArray(parents) && parents.includes('bot')) ? 'full_stop' : mode,
      },
    });
    this.hooks = [...hooks];
  }
}

class DeadSource extends Source {
  override resolveStringEvaluation = (): Promise<never> => Promise.reject(new Error('dead'));
}

const strictestOf = (...sources: Provider[]): Provider =>
  new MultiProvider(
    sources.map((provider, index) => ({ provider, name: `source-${index}` })),
    new StrictestWinsStrategy(),
  );
const firstOf = (provider: Provider): Provider => new MultiProvider([{ provider }], new FirstMatchStrategy());

let domains = 0;
async function open(provider: Provider): Promise<{ killSwitch: KillSwitch; domain: string }> {
  domains += 1;
  const domain = `provider-hooks-${domains}`;
  const killSwitch = await createKillSwitch({ provider, domain });
  closeAfterwards(killSwitch);
  return { killSwitch, domain };
}

/** How the attempt of an action by this agent ends, with the cause. */
async function attempt({ killSwitch }: { readonly killSwitch: KillSwitch }, agentId = 'bot') {
  const action = killSwitch.action({ name: 'a.b', execute: () => 1 });
  const { status, decision } = await killSwitch.run({ agentId }, () => action.attempt(undefined));
  return { status, cause: decision.cause };
}
const EXECUTED = expect.objectContaining({ status: 'executed' });
const BLOCKED = expect.objectContaining({ status: 'blocked' });
const REFUSED = {
  status: 'blocked',
  cause: { kind: 'identity', message: expect.stringContaining('agent_id') },
};

/** Sources over one store, in which the agent `bot` is killed. */
async function killedInStore() {
  const { store, control } = await openMemorySwitch();
  await control.kill({ target: 'agent:bot' });
  return (hooks: readonly Hook[]): Provider => new KillSwitchProvider({ store, hooks });
}

const another: Hook = { before: () => ({ agent_id: 'somebody-else' }) };
const nobody: Hook = { before: () => ({ agent_id: undefined }) as unknown as EvaluationContext };

describe('a hook of a source that names another agent does not free a killed one', () => {
  test.each([
    ['MultiProvider[source]', (hook: Hook) => strictestOf(new Source([hook]))],
    [
      'MultiProvider[FailClosedProvider(source)]',
      (hook: Hook) => strictestOf(new FailClosedProvider(new Source([hook]))),
    ],
    ['MultiProvider[MultiProvider[source]]', (hook: Hook) => strictestOf(strictestOf(new Source([hook])))],
    ['another strategy over a FailClosedProvider', (hook: Hook) => firstOf(new FailClosedProvider(new Source([hook])))],
  ])('%s', async (_name, make) => {
    expect(await attempt(await open(make(another)))).toEqual(REFUSED);
    expect(await attempt(await open(make(nobody)))).toEqual(REFUSED);
  });

  test.each([
    ['MultiProvider[KillSwitchProvider]', strictestOf],
    ['another strategy over a KillSwitchProvider', firstOf],
  ])('%s', async (_name, around) => {
    const source = await killedInStore();
    expect(await attempt(await open(around(source([another]))))).toEqual(REFUSED);
    expect(await attempt(await open(around(source([new IdentityHook(() => ({ agentId: 'other' }))]))))).toEqual(
      REFUSED,
    );
  });

  test('nor does one that names a mission where the guard names none', async () => {
    const mission: Hook = { before: () => ({ mission_id: 'harmless' }) };
    expect(await attempt(await open(strictestOf(new Source([mission]))), 'innocent')).toMatchObject({
      status: 'blocked',
      cause: { kind: 'identity', message: expect.stringContaining('mission_id') },
    });
  });

  test('a source by itself is asked about the guard’s own subject', async () => {
    expect(await attempt(await open(new Source([another])))).toEqual(BLOCKED);
    expect(await attempt(await open(new Source([another])), 'innocent')).toEqual(EXECUTED);
    const source = await killedInStore();
    expect(await attempt(await open(source([another])))).toEqual(BLOCKED);
  });
});

const EMPTIES: Record<string, Hook> = {
  'names none': { before: () => ({ lineage_agents: [] }) },
  'empties the list': {
    before({ context }) {
      const { lineage_agents: parents } = context;
      if (Array.isArray(parents)) parents.length = 0;
    },
  },
};

describe.each(Object.entries(EMPTIES))('a hook that takes parents away (%s) does not free the child', (_name, hook) => {
  async function attemptOfChild(provider: Provider) {
    const { killSwitch } = await open(provider);
    const action = killSwitch.action({ name: 'a.b', execute: () => 1 });
    return killSwitch.run({ agentId: 'bot' }, () =>
      killSwitch.run({ agentId: 'child' }, () => action.attempt(undefined)),
    );
  }

  test('of a source of a MultiProvider', async () => {
    expect(await attemptOfChild(strictestOf(new Source([hook])))).toMatchObject({
      status: 'blocked',
      decision: { cause: { kind: 'identity' } },
    });
  });

  test('of a source, or of the API', async () => {
    expect(await attemptOfChild(new Source([hook]))).toEqual(BLOCKED);
    OpenFeature.addHooks(hook);
    expect(await attemptOfChild(new Source())).toEqual(BLOCKED);
    expect(await attemptOfChild(strictestOf(new Source()))).toEqual(BLOCKED);
  });
});

describe('hooks that are honest work as before', () => {
  test('a hook of a source adds attributes of its own', async () => {
    const region: Hook = { before: () => ({ region: 'eu' }) };
    expect(await attempt(await open(strictestOf(new Source([region]))), 'innocent')).toEqual(EXECUTED);
    expect(await attempt(await open(strictestOf(new Source([region]))))).toEqual(BLOCKED);
  });

  test('a hook of a source adds a parent, which only restricts', async () => {
    const child = (parent: string): Hook => ({ before: () => ({ lineage_agents: [parent] }) });
    expect(await attempt(await open(strictestOf(new Source([child('other')]))), 'innocent')).toEqual(EXECUTED);
    expect(await attempt(await open(strictestOf(new Source([child('bot')]))), 'innocent')).toEqual(BLOCKED);
  });

  test('an IdentityHook of a source names the agent that the guard names, and any agent for a client', async () => {
    let agentId = 'innocent';
    const source = (await killedInStore())([new IdentityHook(() => ({ agentId }))]);
    const { killSwitch, domain } = await open(strictestOf(source));
    expect(await attempt({ killSwitch }, 'innocent')).toEqual(EXECUTED);
    const client = OpenFeature.getClient(domain);
    expect(await client.getStringValue('kill-switch.mode', 'full_stop', { agent_id: 'bot' })).toBe('live');
    agentId = 'bot';
    expect(await client.getStringValue('kill-switch.mode', 'live', { agent_id: 'innocent' })).toBe('full_stop');
    expect(await attempt({ killSwitch }, 'innocent')).toEqual(REFUSED);
  });

  test('a hook on the API asks another switch about somebody else', async () => {
    const { domain } = await open(strictestOf(new Source()));
    const said: string[] = [];
    const first = await open(strictestOf(new Source()));
    OpenFeature.addHooks({
      async before({ clientMetadata }) {
        if (clientMetadata.domain === domain) return;
        const client = OpenFeature.getClient(domain);
        said.push(await client.getStringValue('kill-switch.mode', 'full_stop', { agent_id: 'third' }));
      },
    });
    expect(await attempt(first)).toEqual(BLOCKED);
    expect(said[0]).toBe('live');
  });
});

test.each([
  ['a source', (source: Source): Provider => source],
  ['a source of a MultiProvider', strictestOf],
])(
  'what %s begins while a guard asks, and goes on afterwards, is asked by clients for whom they name',
  async (_name, around) => {
    const source = new Source();
    const resolve = source.resolveStringEvaluation.bind(source);
    let connected = false;
    source.resolveStringEvaluation = (...asked) => {
      if (!connected) setTimeout(() => source.events.emit(ProviderEvents.ConfigurationChanged), 20);
      connected = true;
      return resolve(...asked);
    };
    const opened = await open(around(source));
    const client = OpenFeature.getClient(opened.domain);
    const said = new Promise((settle) =>
      client.addHandler(ProviderEvents.ConfigurationChanged, () =>
        settle(client.getStringValue('kill-switch.mode', 'full_stop', { agent_id: 'third' })),
      ),
    );
    expect(await attempt(opened)).toEqual(BLOCKED);
    expect(await said).toBe('live');
  },
);

type Rewrite = (details: EvaluationDetails<never>) => void;
const live = { value: 'live', variant: 'live', reason: 'STATIC' };
const REWRITES: Record<string, Rewrite> = {
  'writes another value': (details) => void Object.assign(details, { value: 'live' }),
  'writes another answer, and removes the fault': (details) => {
    Object.assign(details, live, { flagMetadata: {} });
    Reflect.deleteProperty(details, 'errorCode');
    Reflect.deleteProperty(details, 'errorMessage');
  },
  'writes a value that is another each time': (details) => {
    Object.assign(details, { variant: 'live', reason: 'STATIC', flagMetadata: {} });
    Reflect.deleteProperty(details, 'errorCode');
    let asked = 0;
    const get = (): string => (asked++ < 3 ? 'full_stop' : 'live');
    Object.defineProperty(details, 'value', { get, set() {}, enumerable: true });
  },
};
const rewriting = (rewrite: Rewrite): readonly Hook[] => [
  { after: (_context, details) => rewrite(details as never) },
  { finally: (_context, details) => rewrite(details as never) },
];

describe.each(Object.entries(REWRITES))('a hook after the answer that %s frees nobody', (_name, rewrite) => {
  test.each([
    ['of a source', (hook: Hook) => new Source([hook])],
    ['of a source of a MultiProvider', (hook: Hook) => strictestOf(new Source([hook]), new Source())],
    [
      'of a dead source of a MultiProvider',
      (hook: Hook) => strictestOf(new DeadSource([hook]), new Source([], 'live')),
    ],
    ['of a source of a MultiProvider of a MultiProvider', (hook: Hook) => strictestOf(strictestOf(new Source([hook])))],
  ])('%s', async (_where, make) => {
    for (const hook of rewriting(rewrite)) expect(await attempt(await open(make(hook)))).toEqual(BLOCKED);
  });

  test('on the API, whether the provider answers, is dead, or is never asked', async () => {
    const fatal = Object.assign(new Source(), {
      initialize: () => Promise.reject(Object.assign(new Error('no such key'), { code: 'PROVIDER_FATAL' })),
    });
    for (const provider of [new Source(), strictestOf(new Source()), new DeadSource(), fatal]) {
      const opened = await open(provider);
      for (const hook of rewriting(rewrite)) {
        OpenFeature.addHooks(hook);
        expect(await attempt(opened)).toEqual(BLOCKED);
      }
      OpenFeature.clearHooks();
    }
  });

  test('over a store', async () => {
    const { killSwitch, control } = await openMemorySwitch();
    await control.kill({ target: 'agent:bot' });
    await expect.poll(() => killSwitch.check({ agentId: 'bot' }).verdict).toBe('block');
    for (const hook of rewriting(rewrite)) OpenFeature.addHooks(hook);
    expect(await attempt({ killSwitch })).toEqual(BLOCKED);
  });
});

test('a hook after the answer may make it stricter', async () => {
  const opened = await open(strictestOf(new Source()));
  expect(await attempt(opened, 'innocent')).toEqual(EXECUTED);
  OpenFeature.addHooks({ after: (_context, details) => void Object.assign(details, { value: 'full_stop' }) });
  expect(await attempt(opened, 'innocent')).toEqual(BLOCKED);
});
