import { expect, test, vi } from 'vitest';
import { Announcer, type ReplicaEvent, type Trust } from '../../store/announcer.ts';

const stale = (code: 'STALE' | 'STORE_UNREACHABLE', message: string): Trust => ({
  type: 'stale',
  fault: { code, message },
});

test('each listener is notified in the order in which they came, until it leaves or all is closed', () => {
  const announcer = new Announcer();
  const heard: string[] = [];
  const leave = announcer.on(({ type }) => heard.push(`first ${type}`));
  announcer.on(({ type }) => heard.push(`second ${type}`));
  announcer.notify({ type: 'ready' });
  expect(heard.splice(0)).toEqual(['first ready', 'second ready']);
  leave();
  leave();
  announcer.notify({ type: 'ready' });
  expect(heard.splice(0)).toEqual(['second ready']);
  announcer.close();
  announcer.notify({ type: 'ready' });
  expect(heard).toEqual([]);
});

test('a listener that throws holds up no other, and one that leaves or comes meanwhile disturbs none', () => {
  const announcer = new Announcer();
  const later = vi.fn();
  const leave = announcer.on(() => {
    leave();
    announcer.on(later);
    throw new Error('mine');
  });
  const other = vi.fn<(event: ReplicaEvent) => void>();
  announcer.on(other);
  announcer.notify({ type: 'ready' });
  expect([other.mock.calls.length, later.mock.calls.length]).toEqual([1, 0]);
  announcer.notify({ type: 'ready' });
  expect([other.mock.calls.length, later.mock.calls.length]).toEqual([2, 1]);
});

test('of trust only what has changed is told: what the copy is trusted for, or which fault is to blame', () => {
  const announcer = new Announcer();
  const heard: ReplicaEvent[] = [];
  announcer.on((event) => heard.push(event));
  const fault: Trust = { type: 'fault', fault: { code: 'STALE', message: 'over' } };
  const told: Trust[] = [{ type: 'ready' }, stale('STALE', 'a'), stale('STORE_UNREACHABLE', 'b'), fault];
  for (const trust of told) {
    announcer.notifyTrust(trust);
    announcer.notifyTrust(trust);
  }
  announcer.notifyTrust({ type: 'fault', fault: { code: 'STALE', message: 'in other words' } });
  expect(heard).toEqual(told);
  announcer.notifyTrust({ type: 'ready' });
  expect(heard.at(-1)).toEqual({ type: 'ready' });
});
