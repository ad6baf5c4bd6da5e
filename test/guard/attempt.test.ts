import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { causeWord, MODES, type Mode, type Verdict } from '../../flags/index.ts';
import { type AttemptState, transition } from '../../guard/attempt-state.ts';
import type { Outcome } from '../../guard/outcome.ts';
import { attemptOnce, bareGuard, FRESH, HandSwitch, TOO_OLD } from './bare-guard.ts';

// Only heard, not replaced: what an attempt goes through is asked of the one function that moves it.
vi.mock('../../guard/attempt-state.ts', { spy: true });

const moves = vi.mocked(transition).mock;
afterEach(() => vi.mocked(transition).mockClear());

const ENDS: ReadonlyArray<AttemptState['is']> = [
  ...(['landed', 'failed', 'unknown', 'not_started', 'refused', 'drafted', 'abandoned'] as const),
];

/**
 * The states of the one attempt that was made since the last call, and the ends that were dropped because it had ended.
 */
function takeHistory(): { readonly states: ReadonlyArray<AttemptState['is']>; readonly dropped: readonly string[] } {
  const states: Array<AttemptState['is']> = ['deciding'];
  const dropped: string[] = [];
  for (const [at, [before, event]] of moves.calls.entries()) {
    const { value: after } = moves.results[at] as { value: AttemptState };
    expect(before.is).toBe(states.at(-1));
    if (after !== before) states.push(after.is);
    else if (['refuse', 'abandon', 'draft', 'fail'].includes(event.type)) dropped.push(event.type);
  }
  vi.mocked(transition).mockClear();
  return { states, dropped };
}

/** What may happen at any moment in which an attempt waits for something. */
type Act = Mode | 'nothing' | 'close' | 'abort' | 'turn';

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: fc.constant('nothing' as const) },
  { weight: 3, arbitrary: fc.constantFrom(...MODES) },
  { weight: 2, arbitrary: fc.constantFrom('close' as const, 'abort' as const, 'turn' as const) },
);

const scenario = fc.record({
  mode: fc.constantFrom<Mode>(...MODES, 'live', 'live', 'live'),
  acts: fc.array(act, { maxLength: 10 }),
  effect: fc.constantFrom('read' as const, 'write' as const, 'write' as const),
  hasStore: fc.boolean(),
  agentId: fc.constantFrom('x', 'x', 'x', 'x', ''),
  irreversible: fc.boolean(),
  reverse: fc.constantFrom(false, false, false, true),
  limits: fc.constantFrom(...(['none', 'none', 'none', 'none', 'kept', 'broken'] as const)),
  evaluation: fc.constantFrom('answers' as const, 'answers' as const, 'answers' as const, 'rejects' as const),
  permit: fc.constantFrom('fresh' as const, 'fresh' as const, 'old' as const, 'refused' as const, 'late' as const),
  schema: fc.constantFrom('none' as const, 'none' as const, 'gives' as const, 'refuses the second' as const),
  handler: fc.constantFrom('none' as const, 'gives' as const, 'gives' as const, 'nothing' as const, 'throws' as const),
  records: fc.constantFrom(true, true, true, false),
  waitMs: fc.constantFrom(0, 1, Number.POSITIVE_INFINITY),
  does: fc.constantFrom(
    ...(['gives', 'gives', 'throws', 'resolves', 'resolves', 'rejects', 'goes on', 'goes on unseen'] as const),
  ),
});

type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

interface Played {
  readonly outcome: Outcome<unknown> | 'threw';
  readonly started: boolean;
  /** The verdicts that were counted, in their order. */
  readonly counted: readonly Verdict[];
}

/** Performs one attempt of it, to its very end. */
async function play(scene: Scenario): Promise<Played> {
  const hand = new HandSwitch();
  hand.mode = scene.mode;
  const controller = new AbortController();
  const acts = [...scene.acts];
  const next = (): boolean => {
    const now = acts.shift() ?? 'nothing';
    if (now === 'close') hand.closed = true;
    else if (now === 'abort') controller.abort(new Error('enough'));
    else if (now !== 'nothing' && now !== 'turn') hand.mode = now;
    hand.changed();
    return now === 'turn';
  };
  const turn = (): Promise<void> | null => (next() ? new Promise((resolve) => setImmediate(resolve)) : null);
  const counted: Verdict[] = [];
  const guard = bareGuard({
    hand,
    decided: ({ verdict }) => void counted.push(verdict),
    hasStore: scene.hasStore,
    agentId: scene.agentId,
    async evaluate() {
      const { mode } = hand;
      next();
      if (scene.evaluation === 'rejects') throw new Error('no answer');
      return mode;
    },
    async confirmNow() {
      next();
      if (scene.permit === 'late') return { is: 'late' };
      if (scene.permit === 'refused')
        return { is: 'failed', fault: { code: 'STORE_UNREACHABLE', message: 'it is gone' } };
      return scene.permit === 'fresh' ? FRESH : TOO_OLD;
    },
    turns: { beforeCall: turn, beforeStart: turn },
    async record(records) {
      if (!scene.records && records.some(({ proposal }) => proposal)) throw new Error('disk full');
    },
  });
  let parsed = 0;
  const handler = async (input: string): Promise<string> => {
    await Promise.resolve();
    next();
    if (scene.handler === 'throws') throw new Error('mine');
    return scene.handler === 'nothing' ? (undefined as never) : `handled ${input}`;
  };
  let started = false;
  const results = {
    gives: () => 'it',
    throws: () => {
      throw new Error('mine');
    },
    resolves: async () => void (await Promise.resolve(), next()),
    rejects: async () => {
      await Promise.resolve();
      next();
      throw new Error('mine');
    },
    'goes on': async function* () {
      for (let step = 0; step < 3; step += 1) {
        next();
        yield step;
      }
    },
    'goes on unseen': () => setTimeout(() => {}, 1e5).unref(),
  };
  const attempting = attemptOnce<string, unknown>(
    guard,
    {
      name: 'a.b',
      effect: scene.effect,
      irreversible: scene.irreversible,
      execute() {
        started = true;
        next();
        return results[scene.does]();
      },
      ...(scene.handler !== 'none' && { redirect: handler, draft: handler }),
      ...(scene.reverse && { reverse: { action: 'a.c', input: () => null } }),
      ...(scene.limits !== 'none' && {
        limits: {
          most: {
            max: 1,
            of() {
              next();
              return scene.limits === 'kept' ? 1 : 2;
            },
          },
        },
      }),
      ...(scene.schema !== 'none' && {
        inputSchema: {
          '~standard': {
            version: 1 as const,
            vendor: 'test',
            async validate(value: unknown) {
              parsed += 1;
              next();
              return scene.schema === 'gives' || parsed === 1 ? { value: value as string } : { issues: [] };
            },
          },
        },
      }),
    },
    { input: 'it', signal: controller.signal, waitMs: scene.waitMs },
  );
  // Whoever waits in a pause hears of the acts that are left; closing ends the wait of all.
  let isOver = false;
  let mayClose = scene.waitMs === Number.POSITIVE_INFINITY;
  const rest = (async () => {
    while (!isOver) {
      for (let turns = 0; turns < 3 && !isOver; turns += 1) await new Promise((resolve) => setImmediate(resolve));
      if (acts.length === 0 && mayClose) hand.closed = true;
      next();
    }
  })();
  const outcome = await attempting.catch(() => 'threw' as const);
  if (outcome !== 'threw' && 'result' in outcome && scene.does === 'goes on') {
    mayClose = true;
    try {
      const steps = outcome.result as AsyncIterator<number>;
      while (acts.length > 0 && !(await steps.next()).done);
      await steps.return?.();
    } catch {
      // It was stopped.
    }
    hand.closed = true;
    hand.changed();
  }
  isOver = true;
  await rest;
  expect(hand.inFlight.count).toBe(0);
  return { outcome, started, counted };
}

const MAY_END: Readonly<Record<string, ReadonlyArray<AttemptState['is']>>> = {
  executed: ['landed', 'unknown'], // what it gave went on, and was ended before its end
  redirected: ['landed'],
  drafted: ['drafted'],
  paused: ['abandoned'],
  blocked: ['refused', 'not_started'],
  aborted: ['abandoned', 'not_started', 'landed', 'unknown'],
  threw: ['failed'],
};

const WHY = [
  'CLOSED',
  'HANDLER_FAILED',
  'JOURNAL_UNAVAILABLE',
  'PROVIDER_ERROR',
  'STALE',
  'STORE_UNREACHABLE',
  'UNSUPPORTED',
  'identity',
  'limit',
  'mode',
];

/** Every way out: an outcome, and the end of its attempt. */
const SEEN = [
  'aborted abandoned',
  'aborted landed',
  'aborted not_started',
  'aborted unknown',
  'blocked not_started',
  'blocked refused',
  'drafted drafted',
  'executed landed',
  'executed unknown',
  'paused abandoned',
  'redirected landed',
  'threw failed',
];

describe('an attempt', () => {
  test('ends exactly once, whatever happens at any moment of it', async () => {
    const seen = new Set<string>();
    const why = new Set<string>();
    await fc.assert(
      fc.asyncProperty(scenario, async (scene) => {
        vi.mocked(transition).mockClear();
        const { outcome, started, counted } = await play(scene);
        const { states, dropped } = takeHistory();
        const end = states.at(-1) as AttemptState['is'];
        const is = outcome === 'threw' ? outcome : outcome.status;
        seen.add(`${is} ${end}`);
        if (outcome !== 'threw') why.add(causeWord(outcome.decision.cause));
        expect({ is, end, ends: states.filter((state) => ENDS.includes(state)), dropped }).toEqual({
          is,
          end: expect.toSatisfy((state) => MAY_END[is]?.includes(state) === true),
          ends: [end],
          dropped: [],
        });
        expect(states.includes('executing')).toBe(started);
        expect(states.includes('confirming')).toBe(scene.irreversible && states.includes('intended'));
        // Each pause that it waited in, and then what it came to.
        const waits = states.filter((is, at) => is === 'waiting' && states[at - 1] !== is).map(() => 'pause');
        expect(counted).toEqual(is === 'paused' ? waits : [...waits, expect.toSatisfy((last) => last !== 'pause')]);
        const before = states.at(-2);
        if (before === 'intended' || before === 'confirming') expect(end).toBe('not_started');
      }),
      // One seed, so that what must have been seen below is seen in every run.
      { numRuns: 1000, seed: 20_260_101 },
    );
    expect([...seen].sort()).toEqual(SEEN);
    expect([...why].sort()).toEqual(WHY);
  });
});
