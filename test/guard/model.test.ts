import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  EFFECTS,
  type Effect,
  isStricter,
  MODES,
  type Mode,
  strictestMode,
  type Verdict,
  verdictFor,
} from '../../flags/index.ts';
import { openExecutor } from '../../guard/executor.ts';
import { openGuard } from '../../guard/open-guard.ts';
import type { Outcome } from '../../guard/outcome.ts';
import { type Command, entriesFor } from '../../operator/commands/index.ts';
import { planChange } from '../../operator/plan-change.ts';
import { clientSource } from '../../provider/client-source.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import { connectExecutor } from '../../store/connect-executor.ts';
import { fakeClock } from '../../testing/index.ts';

const LEASE_MS = 5000;
const AGENTS = ['x', 'y'] as const;
const TARGETS = ['all', 'agent:x', 'agent:y', 'action:do.write', 'action:do.*', 'surface:tool'] as const;
type Agent = (typeof AGENTS)[number];

/** The whole of what is promised: the strictest of the base mode and the kills that match, and the table. */
class Model {
  base: Mode = 'live';
  /** The last base mode that was no pause. */
  baseBefore: Mode = 'live';
  stale = false;
  readonly kills = new Map<string, Mode>();

  /** Whether this step restricts calls of this agent, so that what they have asked for is void: a pause does not. */
  voids(step: Step, agent: Agent): boolean {
    if (step.do === 'mode') return step.mode !== 'paused' && isStricter(step.mode, this.baseBefore);
    return step.do === 'kill' && step.mode !== 'paused' && this.#matching(agent, 'write').includes(step.target);
  }

  #matching(agent: Agent, effect: Effect): string[] {
    return ['all', `agent:${agent}`, `action:do.${effect}`, 'action:do.*', 'surface:tool'];
  }

  verdict(agent: Agent, effect: Effect): Verdict {
    if (this.stale) return 'block';
    const modes = this.#matching(agent, effect)
      .map((target) => this.kills.get(target))
      .filter((mode) => mode !== undefined);
    return verdictFor(strictestMode(this.base, ...modes), effect);
  }
}

const STATUS: Readonly<Record<Verdict, Outcome<unknown>['status']>> = {
  allow: 'executed',
  redirect: 'redirected',
  hold: 'held',
  draft: 'drafted',
  pause: 'paused',
  block: 'blocked',
};

const live = async (flagKey: string) => ({ flagKey, value: 'live', variant: 'live', flagMetadata: {} });

async function setUp() {
  const clock = fakeClock();
  const store = memoryStore();
  const control = memoryControlStore(store).open({ organizationId: 'default', requestTimeoutMs: 1000 });
  let commands = 0;
  const apply = async (command: Command): Promise<void> => {
    commands += 1;
    const view = await control.read(entriesFor(command));
    const actor = { is: 'unverified', id: 'ann', roles: undefined } as const;
    const plan = planChange(view, { command, actor, commandId: `c${commands}` });
    if (plan.is !== 'change') throw new Error(`The ${command.type} was not planned: ${JSON.stringify(plan)}`);
    expect(await control.append({ ...plan.change, expected: view.head })).toBe(true);
  };
  await apply({ type: 'init', generation: 'g0' });
  await apply({ type: 'mode', mode: 'live', targeting: null, reason: 'start' });

  const executor = openExecutor('0.0.0', (reported) =>
    connectExecutor({ store, organizationId: 'default', leaseMs: LEASE_MS, clock, ...reported }),
  );
  const { replica } = executor;
  await replica.start();
  const starts: string[] = [];
  const killSwitch = openGuard({
    settings: {
      organizationId: 'default',
      agentId: undefined,
      requireRun: false,
      leaseMs: LEASE_MS,
      redact: undefined,
      handlerTimeoutMs: 1000,
    },
    executor,
    // The client answers from the same copy: what an evaluation may say otherwise is tested elsewhere.
    source: {
      ...clientSource({ getStringDetails: live, getNumberDetails: () => Promise.reject(new Error('none')) }),
      watch: null,
    },
  });
  const actions = Object.fromEntries(
    EFFECTS.map((effect) => [
      effect,
      killSwitch.action({
        name: `do.${effect}`,
        effect,
        execute: (input: string) => starts.push(input),
        redirect: (input) => `safe ${input}`,
        draft: (input) => `draft of ${input}`,
      }),
    ]),
  ) as unknown as Record<Effect, { attempt(input: string, options?: { waitMs?: number }): Promise<Outcome<number>> }>;
  return { clock, store, control, apply, replica, killSwitch, actions, starts };
}

type Step =
  | { readonly do: 'mode'; readonly mode: Mode }
  | { readonly do: 'kill'; readonly target: string; readonly mode: Mode }
  | { readonly do: 'revive'; readonly target: string }
  | { readonly do: 'attempt' | 'wait'; readonly agent: Agent; readonly effect: Effect }
  | { readonly do: 'lose lease' };

const mode = fc.constantFrom(...MODES, 'paused', 'paused', 'live', 'live'); // so that pauses begin and end
const restriction = fc.constantFrom(...MODES.filter((name) => name !== 'live'));
const who = { agent: fc.constantFrom(...AGENTS), effect: fc.constantFrom(...EFFECTS) };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('mode' as const), mode }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('kill' as const), target: fc.constantFrom(...TARGETS), mode: restriction }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('revive' as const), target: fc.constantFrom(...TARGETS) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('attempt' as const), ...who }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ...who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose lease' as const) }) },
);

/** Lets everything that is ready happen: no time passes. */
const settle = async (): Promise<void> => {
  for (let turns = 0; turns < 4; turns += 1) await new Promise((resolve) => setImmediate(resolve));
};

test('whatever operators do, each call gets what the table says, at once or when its pause ends', async () => {
  const seen: Record<string, number> = {};
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const { clock, store, apply, replica, killSwitch, actions, starts } = await setUp();
      const model = new Model();
      /** `asked`: people are asked about it; `voided`: and it has been restricted since. */
      const waiting: Array<{
        agent: Agent;
        effect: Effect;
        asked: boolean;
        voided: boolean;
        settled: Outcome<number> | null;
      }> = [];
      const inStep = async (): Promise<void> => {
        await replica.confirmNow(1000); // what was appended is applied: a push alone never loosens
        await settle();
      };
      try {
        let calls = 0;
        for (const next of steps) {
          switch (next.do) {
            case 'mode':
              await apply({ type: 'mode', mode: next.mode, targeting: null, reason: 'test' });
              model.base = next.mode;
              break;
            case 'kill': {
              await apply({ type: 'kill', target: next.target, mode: next.mode, expiresAt: null });
              const before = model.kills.get(next.target);
              model.kills.set(next.target, before ? strictestMode(before, next.mode) : next.mode);
              break;
            }
            case 'revive':
              if (!model.kills.delete(next.target)) continue;
              await apply({ type: 'revive', target: next.target, reason: 'test' });
              break;
            case 'lose lease':
              store.memory.fault = 'unreachable';
              clock.pass(LEASE_MS);
              model.stale = true;
              await replica.confirmNow(50);
              break;
            default:
              break;
          }
          if (next.do === 'attempt' || next.do === 'wait') {
            calls += 1;
            const input = `call ${calls}`;
            const call = killSwitch.run({ agentId: next.agent }, () =>
              actions[next.effect].attempt(input, next.do === 'wait' ? { waitMs: 1e9 } : {}),
            );
            const verdict = model.verdict(next.agent, next.effect);
            seen[`${next.do} ${verdict}`] = (seen[`${next.do} ${verdict}`] ?? 0) + 1;
            if (next.do === 'wait' && (verdict === 'pause' || verdict === 'hold')) {
              const { agent, effect } = next;
              const asked = { asked: false, voided: false };
              const entry = { agent, effect, ...asked, settled: null as Outcome<number> | null };
              waiting.push(entry);
              void call.then((outcome) => {
                entry.settled = outcome;
              });
            } else {
              const before = starts.length;
              expect((await call).status).toBe(STATUS[verdict]);
              expect(starts.slice(before)).toEqual(
                verdict === 'allow' ? [input] : verdict === 'redirect' ? [`safe ${input}`] : [],
              );
            }
          } else if (next.do !== 'lose lease') await inStep();
          await settle();
          for (const entry of waiting.splice(0)) {
            const verdict = model.verdict(entry.agent, entry.effect);
            entry.voided ||= entry.asked && model.voids(next, entry.agent);
            if (verdict === 'pause' || (verdict === 'hold' && !entry.voided)) {
              expect(entry.settled).toBeNull();
              entry.asked ||= verdict === 'hold';
              waiting.push(entry);
            } else {
              const what = entry.voided && verdict === 'hold' ? 'voided' : verdict;
              seen[`woken ${what}`] = (seen[`woken ${what}`] ?? 0) + 1;
              expect(entry.settled?.status).toBe(what === 'voided' ? 'blocked' : STATUS[verdict]);
            }
          }
          if (next.do === 'mode' && next.mode !== 'paused') model.baseBefore = next.mode;
          if (model.stale) {
            store.memory.fault = null;
            await inStep();
            model.stale = false;
          }
        }
      } finally {
        await killSwitch.close();
      }
    }),
    // One seed, so that what must have been seen below is seen in every run.
    { numRuns: 150, seed: 20_260_101 },
  );
  for (const name of [
    'attempt allow',
    'attempt redirect',
    'attempt draft',
    'attempt hold',
    'wait hold',
    'woken voided',
    'attempt pause',
    'attempt block',
    'woken allow',
    'woken block',
  ]) {
    expect([name, (seen[name] ?? 0) > 0]).toEqual([name, true]);
  }
});
