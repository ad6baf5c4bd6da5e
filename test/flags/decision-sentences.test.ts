import { expect, test } from 'vitest';
import { causesOf } from './causes.ts';
import { type Cause, makeDecision, MODES, VERDICTS } from '../../flags/index.ts';

const SECRET = 'postgres://app:s3cret@db/shop';

/** Causes of each kind, odd ones among them. */
const CAUSES: { readonly [K in Cause['kind']]?: ReadonlyArray<Extract<Cause, { readonly kind: K }>> } = {
  mode: [{ kind: 'mode' }],
  kill: [
    { kind: 'kill', killId: 'k-1', target: 'agent:returns-bot', killedBy: 'token:dana', reason: 'wrong refunds' },
    { kind: 'kill', killId: 'k-2', target: 'all', killedBy: 'system', reason: null },
    { kind: 'kill', killId: 'k-3', target: 'all', killedBy: 'token:dana', reason: `Leaked ${SECRET}.` },
  ],
  rule: [{ kind: 'rule', rule: 'nights', until: null }],
  feature: [{ kind: 'feature', feature: 'refunds', stage: 'dark' }],
  autonomy: [{ kind: 'autonomy', action: 'payments.refund', stage: 'human_in_the_loop' }],
  limit: [
    { kind: 'limit', limit: 'refund.max', value: 300, max: 200 },
    { kind: 'limit', limit: 'refund.max', value: '200.000000000000000001', max: '200.00' },
    { kind: 'limit', limit: 'refund.max', value: -5, max: 200 },
    { kind: 'limit', limit: 'refund.max', value: 'the text "200"', max: 200 },
    { kind: 'limit', limit: 'refund.max', value: `an error (no answer of ${SECRET})`, max: 200 },
  ],
  budget: [{ kind: 'budget', scope: 'day', type: 'usd', spent: '9.50', limit: 10, target: 'all' }],
  approval: [
    { kind: 'approval', approvalId: 'a-1', status: 'pending', why: 'waits until 2026-11-26T12:00:00.000Z' },
    ...['rejected', 'cancelled', 'used', 'unfit'].map(
      (status) => ({ kind: 'approval', approvalId: 'a-1', status, why: null }) as const,
    ),
  ],
  tripwire: [{ kind: 'tripwire', name: 'refunds per hour', value: 12, limit: 10, target: 'run:r-1' }],
  identity: [
    { kind: 'identity', message: 'this call names no agent: perform it inside killSwitch.run({ agentId }, …)' },
    { kind: 'identity', message: 'The options of check are an object, not 5.' },
    { kind: 'identity', message: '' },
  ],
  fault: [
    { kind: 'fault', code: 'STALE', message: 'nothing has confirmed the source for 5000 ms' },
    { kind: 'fault', code: 'STORE_UNREACHABLE', message: `Redis at ${SECRET} cannot be reached.` },
    { kind: 'fault', code: 'INTERNAL', message: '' },
    { kind: 'fault', code: 'CLOSED', message: 'this switch has been closed' },
  ],
};

const causes: readonly Cause[] = Object.values(CAUSES).flat();

/** Every decision that there can be, in words: verdict, cause and mode. */
const DECISIONS = VERDICTS.flatMap((verdict) =>
  causes.flatMap((cause) =>
    MODES.map((mode) => makeDecision({ action: 'payments.refund' }, { verdict, mode, epoch: 7, cause })),
  ),
);

/** One sentence, as somebody would write it. */
function expectSentence(text: string): void {
  expect(text).toMatch(/^payments\.refund [^\n]*[^\s.:;,]\.$/); // one full stop, at its end
  expect(text).not.toMatch(/undefined|null|NaN|\[object|  | [.,:;)]|\( |\(\)|\.\)|:\.|\. [A-Z(]/);
  expect(text).not.toContain('s3cret');
  expect(text.split('(').length).toBe(text.split(')').length);
}

test('there is a cause of each kind', () => {
  expect(Object.keys(CAUSES).sort()).toEqual(Object.keys(causesOf).sort());
});

test('every decision has one sentence for a person and one for a model', async () => {
  expect(DECISIONS.length).toBe(VERDICTS.length * causes.length * MODES.length);
  for (const { message, modelMessage } of DECISIONS) {
    expectSentence(message);
    expectSentence(modelMessage);
  }
  const all = new Set(DECISIONS.flatMap(({ message, modelMessage }) => [message, `  ${modelMessage}`]));
  await expect(`${[...all].join('\n')}\n`).toMatchFileSnapshot('decision-sentences.txt');
});

test('the sentence for a person has the mode, and what is known of the cause unless the call may run', () => {
  for (const { message, mode, verdict, cause } of DECISIONS) {
    expect(message).toContain(`(mode ${mode})`);
    if (verdict === 'allow' || cause.kind === 'mode') expect(message).not.toContain(':');
    else if (cause.kind === 'kill') expect(message).toContain(`a kill of ${cause.target} by ${cause.killedBy}`);
    else if (cause.kind === 'fault') expect(message).toContain(cause.code);
  }
});

test('the sentence for a model says what it may do instead, and neither who nor why somebody did it', () => {
  for (const { modelMessage, verdict } of DECISIONS) {
    expect(/: [a-z]/.test(modelMessage)).toBe(verdict !== 'allow');
    expect(modelMessage).not.toMatch(/dana|system|token|wrong refunds|k-1|a-1|Redis|killSwitch/);
  }
});

test('a name that is none, which check() may be given, breaks no sentence', () => {
  for (const action of [5, null, '', 'a\nb', Symbol('s')] as never[]) {
    const { message, modelMessage } = makeDecision(
      { action },
      { verdict: 'block', mode: 'live', epoch: 0, cause: { kind: 'mode' } },
    );
    expect(message).toMatch(/^(The action|"?a\\nb"?) is blocked \(mode live\)\.$/);
    expect(modelMessage).toMatch(/^(The action|"?a\\nb"?) is not executed, because [^\n]*\.$/);
  }
});
