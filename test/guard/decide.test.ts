import { describe, expect, test } from 'vitest';
import type { Mode, Reading } from '../../flags/index.ts';
import { blocked, decide, faultCause } from '../../guard/decide.ts';

const CALL = { action: 'mail.send', effect: 'write', agentId: 'a', runId: 'r', missionId: 'm' } as const;

const stoppedBy = (mode: Mode, killedBy: string, epoch: number): Reading => ({
  mode,
  epoch,
  cause: { kind: 'kill', killId: `k-${killedBy}`, target: 'agent:a', killedBy, reason: null },
});
const faulty = (message: string, epoch: number): Reading => ({ fault: 'STALE', message, epoch });

describe('a decision from two readings of the switch', () => {
  test('follows the stricter one, whichever it is', () => {
    const strict = stoppedBy('full_stop', 'ann', 3);
    const loose = stoppedBy('draft_only', 'bob', 3);
    for (const decision of [decide(CALL, strict, loose), decide(CALL, loose, strict)])
      expect(decision).toMatchObject({ verdict: 'block', mode: 'full_stop', cause: { killedBy: 'ann' } });
  });

  test('names the cause of the later one where both are equally strict', () => {
    const [first, later] = [stoppedBy('full_stop', 'ann', 3), stoppedBy('full_stop', 'bob', 3)];
    expect(decide(CALL, first, later).cause).toMatchObject({ kind: 'kill', killedBy: 'bob' });
    expect(decide(CALL, faulty('flagd is gone', 3), first).cause).toMatchObject({ kind: 'kill', killedBy: 'ann' });
    expect(decide(CALL, first, faulty('its lease is over', 3)).cause).toMatchObject({
      kind: 'fault',
      message: 'its lease is over',
    });
  });

  test('rests on the newer epoch of both, whichever is followed', () => {
    const strict = stoppedBy('full_stop', 'ann', 3);
    const loose = stoppedBy('draft_only', 'bob', 5);
    expect([decide(CALL, strict, loose).epoch, decide(CALL, loose, strict).epoch]).toEqual([5, 5]);
  });

  test('is a block, in the mode and at the epoch that it had, where no mode stops it', () => {
    const cause = faultCause('HANDLER_FAILED', 'its draft handler threw');
    const allowed = decide(CALL, stoppedBy('draft_only', 'ann', 4));
    expect(blocked(CALL, cause, allowed)).toMatchObject({ verdict: 'block', mode: 'draft_only', epoch: 4, cause });
    expect(blocked(CALL, cause)).toMatchObject({ verdict: 'block', mode: 'full_stop', epoch: 0, action: 'mail.send' });
    expect(cause).toEqual({ kind: 'fault', code: 'HANDLER_FAILED', message: 'its draft handler threw' });
  });

  test('is that of the only reading there is', () => {
    expect(decide(CALL, stoppedBy('read_only', 'ann', 2))).toEqual({
      verdict: 'block',
      mode: 'read_only',
      epoch: 2,
      cause: { kind: 'kill', killId: 'k-ann', target: 'agent:a', killedBy: 'ann', reason: null },
      action: 'mail.send',
      agentId: 'a',
      runId: 'r',
      missionId: 'm',
    });
  });
});
