import { OpenFeature } from '@openfeature/server-sdk';
import { randomUUID } from 'node:crypto';
import { contextFromSubject, resolveMode, type State, type Subject } from '../flags/index.ts';
import { KillSwitchProvider } from '../provider/index.ts';
import { connectExecutor } from '../store/connect-executor.ts';
import { fixedStore } from './fixed-store.ts';
import type { Measurement } from './measurement.ts';
import { result } from './results.ts';
import { interleave, median, ratioOf } from './rounds.ts';

/** Does a decision cost the same beside a million kills? */
export const millionKills: Measurement = {
  name: 'million-kills',
  async run({ quick, say }) {
    const kills = quick ? 10_000 : 1_000_000;
    const perRound = quick ? 50 : 500;
    const size = quick ? { rounds: 3 } : { rounds: 161, warmUp: 40 };
    say(`a state with ${kills} kills, and one without`);
    const [without, among] = [await openSwitch(0), await openSwitch(kills)];

    say('resolution beside them');
    const ofClient = (one: Opened) => async (): Promise<number> => {
      const contexts = newSubjects(perRound).map(contextFromSubject);
      const started = performance.now();
      for (const context of contexts) {
        const { value } = await one.client.getStringDetails('kill-switch.mode', 'full_stop', context);
        if (value !== 'live') throw new Error(`A live agent got ${value}.`);
      }
      return ((performance.now() - started) * 1e6) / perRound;
    };
    const ofState = (one: Opened) => (): number => {
      const subjects = newSubjects(perRound);
      const at = Date.now();
      const now = () => at;
      const started = performance.now();
      for (const subject of subjects) {
        if (resolveMode(one.state, subject, now).mode !== 'live') throw new Error('A live agent was stopped.');
      }
      return ((performance.now() - started) * 1e6) / perRound;
    };
    const client = await interleave({ none: ofClient(without), many: ofClient(among) }, size);
    const state = await interleave({ none: ofState(without), many: ofState(among) }, size);
    await Promise.all([without.close(), among.close()]);
    const who =
      'live agents only, others in each round: agent, mission, run, action, surface, a lineage of two agents and two runs, all ids strings that were not seen before';
    return [
      result({
        name: `resolution through the client beside ${kills.toLocaleString('en')} kills ÷ beside none`,
        unit: 'ns',
        value: median(client.many),
        floor: median(client.none),
        ratio: ratioOf(client.many, client.none),
        goal: 1.2,
        how: `getStringDetails on KillSwitchProvider; ${who}`,
      }),
      result({
        name: `resolveMode alone beside ${kills.toLocaleString('en')} kills ÷ beside none`,
        unit: 'ns',
        value: median(state.many),
        floor: median(state.none),
        ratio: ratioOf(state.many, state.none),
        goal: 1.2,
        how: `the pure function by itself; ${who}`,
      }),
    ];
  },
};

type Opened = Awaited<ReturnType<typeof openSwitch>>;

async function openSwitch(kills: number) {
  const { replica } = connectExecutor({ store: fixedStore(kills), organizationId: 'default', leaseMs: 60_000 });
  await replica.start();
  const domain = `bench-${kills}`;
  await OpenFeature.setProviderAndWait(domain, new KillSwitchProvider({ replica }));
  return {
    client: OpenFeature.getClient(domain),
    state: replica.state as State,
    close: () => replica.close(),
  };
}

/** As they come out of a request: text that was just parsed. */
function newSubjects(count: number): Subject[] {
  const ids = (howMany: number): string[] => Array.from({ length: howMany }, () => randomUUID());
  const subjects = Array.from({ length: count }, (): Subject => {
    const [agentId, missionId, runId] = ids(3);
    const lineage = { lineageAgents: ids(2), lineageRuns: ids(2) };
    return { agentId, missionId, runId, action: 'email.send', effect: 'write', surface: 'tool', ...lineage };
  });
  const parsed: Subject[] = JSON.parse(JSON.stringify(subjects));
  return parsed;
}
