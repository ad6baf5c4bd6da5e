import { describe, expect, test } from 'vitest';
import { type Command, entriesFor } from '../../operator/commands/index.ts';
import { kill, started } from '../operator/desk.ts';

// An operator of an older version over Redis reads only the entry that it changes and `control`, whose format says
// whether there is something that it does not know: then it gives nothing back.

const RULE: Command = { type: 'rule_add', name: 'r', target: 'all', mode: 'paused', window: null, when: null };
const STOP: Command = {
  type: 'stop',
  stop: { id: 's', target: 'run:r', epoch: 1, by: 'tripwire', name: 'repeats', value: 51, limit: 50 },
};

/** Everything that the first format does not have. */
const NEWER: readonly Command[] = [
  RULE,
  STOP,
  { type: 'feature', name: 'f', stage: 'shadow', reason: 'r' },
  { type: 'feature', name: 'f', stage: 'dark', targeting: { if: [true, 'gated'] }, reason: 'r' },
  { type: 'requirement', name: 'f', asked: { runs: 5 } },
  { type: 'budget', scope: 'day', window: 'day', part: { usd: 50 } },
  { type: 'tripwire', name: 't', part: { on: 'failures', limit: 3, window_ms: 60_000 } },
  { type: 'resolve', runId: 'r', key: 'k', intent: 'i', landed: true, reason: 'seen' },
];

/** What it has. */
const FIRST: readonly Command[] = [
  kill(),
  { type: 'mode', mode: 'live', targeting: null, reason: 'r' },
  { type: 'feature', name: 'f', stage: 'dark' },
  { type: 'limit', name: 'l', value: 3 },
  { type: 'autonomy', action: 'a.b', stage: 'trusted', reason: 'r' },
  { type: 'flags', definition: { flags: {} }, reason: 'r' },
  { type: 'recover', generation: 'g2', givenUp: [], reason: 'r' },
];

describe('the format of the state', () => {
  test.each(FIRST)('stays the first one after what an older version knows: %j', (command) => {
    const desk = started();
    desk.do(command);
    expect(desk.state.control?.format).toBe(1);
  });

  test.each(NEWER)('rises with the first that it does not, and `control` is as it was besides: %j', (command) => {
    const desk = started();
    const before = desk.state.control;
    const { patch } = desk.do(command);
    expect(desk.state.control).toEqual({ ...before, format: 2 });
    expect(patch.set.filter(([key]) => key === 'control')).toHaveLength(1);
    expect(desk.do(RULE).patch.set.map(([key]) => key)).toEqual(['rule:r']);
  });

  test('stays raised when what was new is gone, and after a recovery: the log still has it', () => {
    const desk = started();
    desk.do(RULE);
    desk.do({ type: 'rule_remove', name: 'r', reason: 'over' });
    expect(desk.state.control?.format).toBe(2);
    desk.do({ type: 'recover', generation: 'g2', givenUp: [], reason: 'disk' });
    expect(desk.state.control?.format).toBe(2);
  });

  test('costs a kill no second entry, also one of what an executor has stopped', () => {
    const desk = started();
    desk.do(STOP);
    const again = kill({ target: 'run:r', mode: 'full_stop' });
    expect(entriesFor(again)).toEqual(['kill:run:r']);
    expect(desk.do(again)).toMatchObject({ event: { type: 'kill' } });
    expect(desk.do(again)).toMatchObject({ event: { type: 'second' } });
  });
});
