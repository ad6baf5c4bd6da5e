import { randomUUID } from 'node:crypto';
import { InMemoryProvider, OpenFeature } from '@openfeature/server-sdk';
import { FailClosedHook } from '../hooks/index.ts';
import { createKillSwitch, type KillSwitch } from '../index.ts';
import { memoryControlStore } from '../store/memory/control.ts';
import { memoryStore } from '../store/memory/index.ts';
import type { Measurement } from './measurement.ts';
import { change, kill, START, targetAt } from './operate.ts';
import { result } from './results.ts';
import { interleave, median, ratioOf } from './rounds.ts';

const KILLS = 200;
const FEATURES = 20;
const AGENTS = 100;

/** What does it cost to ask, beside the plainest thing that OpenFeature can do? */
export const evaluations: Measurement = {
  name: 'evaluations',
  async run({ quick, say }) {
    const perRound = quick ? 50 : 500;
    const size = quick ? { rounds: 4 } : { rounds: 200, warmUp: 50 };
    say(`a live switch with ${KILLS} kills and ${FEATURES} features`);
    const killSwitch = await openSwitch();
    OpenFeature.clearHooks(); // createKillSwitch had added its own; the floor is without any
    await OpenFeature.setProviderAndWait('bench-floor', inMemory());
    const bare = OpenFeature.getClient('bench-floor');
    const ours = OpenFeature.getClient('bench');

    const agents = Array.from({ length: AGENTS }, (_, index) => ({
      agentId: `agent-${index}`,
      missionId: `mission-${index % 10}`,
      runId: randomUUID(),
      feature: `feature-${index % FEATURES}`,
    }));
    const contexts = agents.map(({ agentId, missionId, runId, feature }) => ({
      targetingKey: runId,
      organization_id: 'default',
      agent_id: agentId,
      mission_id: missionId,
      run_id: runId,
      lineage_agents: ['planner'],
      lineage_runs: [agents[0]?.runId ?? ''],
      action: 'email.send',
      effect: 'write',
      surface: 'tool',
      feature,
    }));
    const ask = (client: typeof bare) => async (): Promise<number> => {
      const started = performance.now();
      for (let index = 0; index < perRound; index += 1) {
        const context = contexts[index % AGENTS] as (typeof contexts)[number];
        const { value } = await client.getStringDetails('kill-switch.mode', 'full_stop', context);
        if (value !== 'live') throw new Error(`A live agent got ${value}.`);
      }
      return ((performance.now() - started) * 1000) / perRound;
    };
    const checkAll = (): number => {
      const started = performance.now();
      for (let index = 0; index < perRound; index += 1) {
        const { agentId, missionId, runId, feature } = agents[index % AGENTS] as (typeof agents)[number];
        const { verdict } = killSwitch.check({
          agentId,
          missionId,
          runId,
          action: 'email.send',
          effect: 'write',
          surface: 'tool',
          feature,
        });
        if (verdict !== 'allow') throw new Error(`A live agent got ${verdict}.`);
      }
      return ((performance.now() - started) * 1000) / perRound;
    };

    say('evaluations and checks');
    const numbers = await interleave(
      {
        bare: ask(bare),
        check: checkAll,
        provider: ask(ours),
        hooked: async () => {
          OpenFeature.addHooks(new FailClosedHook());
          try {
            return await ask(ours)();
          } finally {
            OpenFeature.clearHooks();
          }
        },
      },
      size,
    );
    await killSwitch.close();
    await OpenFeature.clearProviders();

    const beside = { unit: 'µs', floor: median(numbers.bare) };
    const floor = "getStringDetails on the SDK's InMemoryProvider, with the same contexts and without hooks";
    return [
      result({
        name: 'check() ÷ bare client.getStringDetails on the InMemoryProvider',
        ...beside,
        value: median(numbers.check),
        ratio: ratioOf(numbers.check, numbers.bare),
        goal: 0.05,
        how: `check() of ${AGENTS} agents in turn by name, on a memory store with ${KILLS} kills and ${FEATURES} features; floor: ${floor}`,
      }),
      result({
        name: 'evaluation on KillSwitchProvider through the client ÷ the same on the InMemoryProvider',
        ...beside,
        value: median(numbers.provider),
        ratio: ratioOf(numbers.provider, numbers.bare),
        goal: 0.8,
        how: `getStringDetails for ${AGENTS} agents in turn; floor: ${floor}`,
      }),
      result({
        name: 'the same with FailClosedHook ÷ the InMemoryProvider without a hook',
        ...beside,
        value: median(numbers.hooked),
        ratio: ratioOf(numbers.hooked, numbers.bare),
        goal: 0.95,
        how: `as before, with the hook on the API; floor: ${floor}`,
      }),
    ];
  },
};

async function openSwitch(): Promise<KillSwitch> {
  const store = memoryStore();
  const control = memoryControlStore(store).open({ organizationId: 'default', requestTimeoutMs: 1000 });
  for (const command of START) await change(control, command);
  for (let index = 0; index < KILLS; index += 1) await change(control, kill(targetAt(index)));
  for (let index = 0; index < FEATURES; index += 1) {
    await change(control, { type: 'feature', name: `feature-${index}`, stage: 'live', reason: 'ready' });
  }
  await control.close();
  return createKillSwitch({ store, domain: 'bench', leaseMs: 60_000 });
}

const inMemory = (): InMemoryProvider =>
  new InMemoryProvider({
    'kill-switch.mode': {
      disabled: false,
      defaultVariant: 'live',
      variants: { live: 'live', full_stop: 'full_stop' },
    },
  });
