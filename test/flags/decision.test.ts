import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Cause, makeDecision, VERDICTS } from '../../flags/index.ts';
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

describe('a decision', () => {
  test('says what becomes of the call and why: to a person, and to a model without who did it or what was written', () => {
    const { message, modelMessage } = makeDecision(caller, decided);
    expect(message).toBe(
      'payments.refund is blocked: a kill of agent:returns-bot by dana (wrong refunds). Mode: full_stop.',
    );
    expect(modelMessage).toBe('payments.refund is not executed, because an operator has restricted it.');
  });

  test.each(VERDICTS)('has both sentences for the verdict %s, also of an action without a name', (verdict) => {
    const { message, modelMessage } = makeDecision({}, { ...decided, verdict, mode: 'live', cause: { kind: 'mode' } });
    expect(message).toMatch(/^The action [a-z ]+(: the mode of the switch)?\. Mode: live\.$/);
    expect(modelMessage).toMatch(/^The action [a-z ,]+\.$/);
  });

  test('has them in its JSON too', () => {
    const decision = makeDecision(caller, decided);
    const { message, modelMessage } = decision;
    expect(JSON.parse(JSON.stringify(decision))).toEqual({ ...caller, ...decided, message, modelMessage });
  });

  test.each(Object.keys(causesOf) as Cause['kind'][])(
    'tells a model the same of every cause of the kind %s: no id, no name and no words of anybody',
    (kind) => {
      const causes: fc.Arbitrary<Cause> = causesOf[kind];
      fc.assert(
        fc.property(causes, causes, (one, other) => {
          const same = other.kind === 'limit' && one.kind === 'limit' ? { ...other, max: one.max } : other;
          const [first, second] = [one, same].map((cause) => makeDecision(caller, { ...decided, cause }).modelMessage);
          expect(first).toBe(second);
        }),
      );
    },
  );
});
