import { describe, expect, test } from 'vitest';
import { type Anchor, type LogEvent } from '../../flags/index.ts';
import { LiveCopy } from '../../store/live-copy.ts';
import { confirmOnce, loadOnce } from './live-copy-world.ts';
import { TestLog } from './test-log.ts';

describe('the anchor, with many changes', () => {
  /**
   * A live copy, and its calls to the outside in order: the anchors that it wrote, and what held when it aborted work
   * in flight.
   */
  function keeping() {
    const log = new TestLog();
    log.append('init', { generation: 'g0' });
    log.append('mode', { mode: 'live', targeting: null });
    const done: string[] = [];
    const keeper = {
      read: () => null,
      write: ({ head }: Anchor) => done.push(`kept ${head.epoch} of ${head.generation}`),
    };
    const signal = (): void => {
      done.push(`signalled at ${copy.state?.epoch}`);
    };
    const copy: LiveCopy = new LiveCopy({ leaseMs: 3000, keeper, organizationId: 'default', signal });
    const now = { mono: 1, wall: 1 };
    loadOnce(copy, log);
    const confirm = (): string => confirmOnce(copy, log, now);
    confirm();
    done.splice(0);
    const kill = (id: string) => log.append('kill', { id, target: `run:${id}`, mode: 'full_stop', expires_at: null });
    return { log, copy, done, confirm, kill, now };
  }

  test('is written once for 900 that were missed', () => {
    const { done, confirm, kill } = keeping();
    for (let number = 0; number < 900; number += 1) kill(`k${number}`);
    expect(confirm()).toBe('renewed');
    expect(done).toEqual(['signalled at 902', 'kept 902 of g0']);
  });

  test('is written once for a burst of pushes, up to the first that loosens', () => {
    const { log, done, copy, kill } = keeping();
    const events = [kill('a'), kill('b'), log.append('revive', { id: 'a', target: 'run:a' }), kill('c')];
    expect(copy.push(...events)).toBe('confirm');
    expect(done).toEqual(['signalled at 4', 'kept 4 of g0']);
    expect(copy.push(...events.slice(0, 2))).toBe('known');
    expect(done).toHaveLength(2);
  });

  test('is written after a tightening has aborted work, and before a loosening holds', () => {
    const { log, done, copy, confirm, kill } = keeping();
    kill('a');
    log.append('revive', { id: 'a', target: 'run:a' });
    kill('b');
    expect(confirm()).toBe('renewed');
    expect(done).toEqual(['signalled at 3', 'kept 5 of g0']);
    log.append('recover', { generation: 'g1', given_up: [] });
    kill('c');
    expect(confirm()).toBe('renewed');
    expect(done.slice(2)).toEqual(['signalled at 5', 'kept 7 of g1']);
    expect(copy.state?.epoch).toBe(7);
  });

  test('is not written for an answer with a gap, of which nothing is applied', () => {
    const { log, done, copy, kill, now } = keeping();
    for (const id of ['a', 'b', 'c']) kill(id);
    const ticket = copy.ask(now, 'n');
    const answer = log.confirmation(ticket);
    const events = (answer.events as LogEvent[]).filter((_, index) => index !== 1);
    expect(() => copy.reply(ticket, { ...answer, events }, now)).toThrow(/gap at 5/);
    expect([copy.state?.epoch, done]).toEqual([2, []]);
  });
});
