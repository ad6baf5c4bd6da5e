import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Cause, freezeDecision, makeDecision, type Verdict, VERDICTS } from '../../flags/index.ts';
import { causesOf } from './causes.ts';

const caller = { action: 'payments.refund', agentId: 'returns-bot', runId: 'r-1' };
const kill: Cause = {
  kind: 'kill',
  killId: 'k-1',
  target: 'agent:returns-bot',
  killedBy: 'dana',
  reason: 'wrong refunds',
};
const decided = { verdict: 'block', mode: 'full_stop', epoch: 7, cause: kill } as const;

/** Another cause of the same kind, with the members of the first that make a difference to a model. */
const asFarAsAModelIsTold = (one: Cause, other: Cause): Cause => {
  if (one.kind === 'limit' && other.kind === 'limit') return { ...other, max: one.max, value: one.value };
  return one.kind === 'fault' && other.kind === 'fault' ? { ...other, code: one.code } : other;
};

describe('a decision', () => {
  test('says what becomes of the call and why: to a person, and to a model without who did it or what was written', () => {
    const { message, modelMessage } = makeDecision(caller, decided);
    expect(message).toBe(
      'payments.refund is blocked (mode full_stop): a kill of agent:returns-bot by dana (wrong refunds).',
    );
    expect(modelMessage).toBe(
      'payments.refund is not executed, because an operator has restricted it: do not try it again or by other means, and report that it was not done.',
    );
  });

  test('shows what cannot be seen in the texts of a cause, and an id that looks like another in quotes', () => {
    const forged: Cause = {
      ...kill,
      target: 'agent:bot\u200b',
      killedBy: 'dana\u202e',
      reason: 'a\nb may run.\u001b[2K',
    };
    const { message } = makeDecision({ ...caller, action: 'pay\u200b' }, { ...decided, cause: forged });
    expect(message).toBe(
      '"pay\\u200b" is blocked (mode full_stop): a kill of "agent:bot\\u200b" by "dana\\u202e" (a\\nb may run.\\u001b[2K).',
    );
  });

  const FATES: { readonly [V in Verdict]: readonly [person: string, model: string] } = {
    allow: ['The action may run (mode paused).', 'The action may run.'],
    redirect: [
      'The action goes to its safe destination (mode paused): the rule nights.',
      'The action goes to a safe destination instead, because a standing rule restricts it: go on, and do not report that it has reached its real destination.',
    ],
    hold: [
      'The action waits for a person to approve it (mode paused): the rule nights.',
      'The action waits for a person to approve it, because a standing rule restricts it: do not repeat it meanwhile, and go on with what does not depend on it.',
    ],
    draft: [
      'The action is only drafted (mode paused): the rule nights.',
      'The action is only drafted and not executed, because a standing rule restricts it: a person may carry it out later, so do not report that it is done.',
    ],
    pause: [
      'The action waits (mode paused): the rule nights.',
      'The action waits, and is not executed yet, because a standing rule restricts it: go on with what does not depend on it, or try it again later.',
    ],
    block: [
      'The action is blocked (mode paused): the rule nights.',
      'The action is not executed, because a standing rule restricts it: go on with what does not depend on it, or try it again later.',
    ],
  };

  test.each(VERDICTS)('names its cause unless the call may run: %s', (verdict) => {
    const because = {
      verdict,
      mode: 'paused',
      epoch: 7,
      cause: { kind: 'rule', rule: 'nights', until: null },
    } as const;
    const { message, modelMessage } = makeDecision({}, because);
    expect([message, modelMessage]).toEqual(FATES[verdict]);
  });

  test('names the action, agent, run and mission of its subject', () => {
    const whole = { ...caller, missionId: 'm-1' };
    expect(makeDecision(whole, decided)).toMatchObject({ ...whole, ...decided });
  });

  test('that is frozen cannot be changed, and neither can its cause', () => {
    const decision = freezeDecision(makeDecision(caller, { ...decided, cause: { ...kill } }));
    expect([Object.isFrozen(decision), Object.isFrozen(decision.cause)]).toEqual([true, true]);
    expect(decision.message).toContain('is blocked');
  });

  test.each(VERDICTS)('has both sentences for the verdict %s, also of an action without a name', (verdict) => {
    const { message, modelMessage } = makeDecision({}, { ...decided, verdict, mode: 'live', cause: { kind: 'mode' } });
    expect(message).toMatch(/^The action [a-z ]+ \(mode live\)\.$/);
    expect(modelMessage).toMatch(/^The action [a-z ,]+(: [a-z ,]+)?\.$/);
  });

  test('has them in its JSON too', () => {
    const decision = makeDecision(caller, decided);
    const { message, modelMessage } = decision;
    expect(JSON.parse(JSON.stringify(decision))).toEqual({ ...caller, ...decided, message, modelMessage });
  });

  test('tells a model of a limit whether the amount is too large or is none, and never what stands in its place', () => {
    const told = (value: number | string): string =>
      makeDecision(caller, { ...decided, cause: { kind: 'limit', limit: 'refund.max', value, max: 200 } }).modelMessage;
    for (const value of [300, '200.01']) expect(told(value)).toContain('because it does not keep the limit of 200: ');
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.double({ max: -Number.MIN_VALUE, noNaN: true })), (value) => {
        if (typeof value === 'string' && /^\d+(\.\d+)?$/.test(value)) return;
        expect(told(value)).toBe(told('the text "200"'));
      }),
    );
    expect(told(-5)).toContain('because its amount is not a plain number that could be held to the limit of 200: ');
  });

  test.each(Object.keys(causesOf) as Cause['kind'][])(
    'tells a model the same of every cause of the kind %s: no id, no name and no words of anybody',
    (kind) => {
      const causes: fc.Arbitrary<Cause> = causesOf[kind];
      fc.assert(
        fc.property(causes, causes, (one, other) => {
          const same = asFarAsAModelIsTold(one, other);
          const [first, second] = [one, same].map((cause) => makeDecision(caller, { ...decided, cause }).modelMessage);
          expect(first).toBe(second);
        }),
      );
    },
  );
});
