import { InMemoryProvider, OpenFeature, type Provider } from '@openfeature/server-sdk';
import { describe, expect, it } from 'vitest';
import { FailClosedHook, IdentityHook } from '../../hooks/index.ts';
import { clientOf, modeOf } from '../provider/helpers.ts';

/** A provider that stops only the agent `x`, and knows nothing of odd identities. */
function permissive(hook: IdentityHook): Provider {
  const provider: Provider = new InMemoryProvider({
    'kill-switch.mode': {
      variants: { live: 'live', full_stop: 'full_stop' },
      defaultVariant: 'live',
      disabled: false,
      contextEvaluator: (context) => (context['agent_id'] === 'x' ? 'full_stop' : 'live'),
    },
    plan: { variants: { it: 'gold' }, defaultVariant: 'it', disabled: false },
  });
  return Object.assign(provider, { hooks: [hook] });
}

describe('IdentityHook', () => {
  it('fills the context over what the caller put there', async () => {
    let agentId = 'x';
    const client = await clientOf(permissive(new IdentityHook(() => ({ agentId, runId: 'r' }))));
    expect(await modeOf(client, { agent_id: 'y' })).toBe('full_stop');
    agentId = 'y';
    expect(await modeOf(client, { agent_id: 'x' })).toBe('live');
  });

  it('lets the function answer with members of the application', async () => {
    const identity = { agentId: 'y', actor: 'ann', parentId: 'p', userId: 7, agents: [] };
    const client = await clientOf(permissive(new IdentityHook(() => identity)));
    expect(await modeOf(client)).toBe('live');
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no run');
      },
    ],
    ['answers undefined', () => undefined],
    ['answers a text', () => 'returns-bot'],
    ['answers a promise', () => Promise.resolve({ agentId: 'y' })],
    ['answers somebody without any name', () => ({})],
    ['answers with a misspelled name', () => ({ agent: 'y' })],
    ['answers with a mission under its attribute', () => ({ agentId: 'y', mission_id: 'm' })],
    ['answers with a run in other letters', () => ({ agentId: 'y', runID: 'r' })],
    ['answers with a British organization', () => ({ agentId: 'y', organisationId: 'o' })],
    ['answers with an empty name', () => ({ agentId: '' })],
    ['answers with a number', () => ({ agentId: 7 })],
    ['answers with null', () => ({ agentId: null })],
    ['answers with a lineage that is a text', () => ({ agentId: 'y', lineageAgents: 'x' })],
    ['answers with a lineage of numbers', () => ({ agentId: 'y', lineageRuns: [1] })],
  ])('makes the mode full_stop where its function %s, whatever the provider finds', async (_what, identify) => {
    const client = await clientOf(permissive(new IdentityHook(identify as never)));
    const expected = { value: 'full_stop', variant: 'full_stop', flagMetadata: { cause: 'identity' } };
    const details = await client.getStringDetails('kill-switch.mode', 'live');
    expect(details).toMatchObject(expected);
    expect(details.flagMetadata['message']).toMatch(/IdentityHook|identity|must be/);
    expect(await client.getStringValue('plan', 'none')).toBe('gold');
    OpenFeature.addHooks(new FailClosedHook());
    expect(await client.getStringDetails('kill-switch.mode', 'live')).toMatchObject(expected);
  });
});
