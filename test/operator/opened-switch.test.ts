import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { LogEvent } from '../../flags/index.ts';
import { type ControlPlane, openControlPlane } from '../../operator/index.ts';
import { OpenedSwitch, type OpenedSwitchOptions } from '../../operator/opened-switch.ts';
import type { Operator } from '../../operator/operators.ts';
import type { Check } from '../../operator/plan.ts';
import { ChangePendingError, ChangeRefusedError, isChangeRefusedError } from '../../operator/refusals.ts';
import { controlPlaneOf } from '../../operator/control/index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import { systemClock } from '../../store/system-clock.ts';
import { quickPace } from './open-quick-control.ts';

const ann: Operator = { is: 'unverified', id: 'ann', roles: undefined };
const dana: Operator = { is: 'verified', id: 'dana', roles: ['restorer'], source: 'token' };

type Given = Partial<Pick<OpenedSwitchOptions, 'checks' | 'operate'>>;

async function openedSwitch(options: Given = {}) {
  const { as, opened } = openedStore(options);
  await as(ann).init();
  return { as, opened };
}

/** A store without a switch. */
function openedStore(options: Given = {}) {
  const store = memoryControlStore(memoryStore());
  const opened = new OpenedSwitch({
    connection: store.open({ organizationId: 'default', requestTimeoutMs: 2000 }),
    place: { location: store.location, organizationId: 'default' },
    ownClock: false,
    retryMs: 2000,
    operate: null,
    pace: quickPace(),
    ...options,
  });
  onTestFinished(() => opened.close());
  const as = (operator: Operator) => controlPlaneOf(opened, operator);
  return { as, opened };
}

/** An event that changes nothing, for the place of the one that was planned. */
const record = { type: 'second', data: { kind: 'kill', name: 'agent:a' } } as const;

async function eventsOf(log: AsyncIterable<LogEvent>): Promise<LogEvent[]> {
  const events: LogEvent[] = [];
  for await (const event of log) events.push(event);
  return events;
}

describe('one connection for several operators', () => {
  test('records each change as that of whoever made it', async () => {
    const { as } = await openedSwitch();
    await Promise.all([as(ann).kill({ target: 'agent:a' }), as(dana).kill({ target: 'agent:b' })]);
    await as(dana).revive({ target: 'agent:a', reason: 'r' });
    const events = await eventsOf(as(ann).log());
    expect(events.map(({ type, actor }) => `${type} by ${actor}`)).toEqual([
      'init by unverified:ann',
      'kill by unverified:ann',
      'kill by token:dana',
      'revive by token:dana',
    ]);
  });

  test('goes on when what one of them holds is closed', async () => {
    const { as } = await openedSwitch();
    await as(dana).close();
    expect(await as(ann).kill({ target: 'agent:a' })).toMatchObject({ epoch: 2 });
  });
});

describe('a change that somebody objects to', () => {
  const request = { id: 'r1', expires_at: '2126-01-01T00:00:00.000Z' };
  const secondPerson: Check = ({ command }) => (command.type === 'revive' ? { is: 'pending', request, record } : null);
  const refuses: Check = ({ command }) =>
    command.type === 'revive' ? { is: 'refused', refusal: { kind: 'live_kill' } } : null;

  test.each([
    [
      'waits, and leaves its request',
      secondPerson,
      ChangePendingError,
      { code: 'PENDING', pending: request },
      ['second'],
    ],
    [
      ...(['is refused, and leaves no event', refuses, ChangeRefusedError] as const),
      ...([{ code: 'INVALID_ARGUMENT', refusal: { kind: 'live_kill' } }, []] as const),
    ],
  ] as const)('%s, and changes nothing', async (_what, check, error, members, left) => {
    const { as } = await openedSwitch({ checks: [check] });
    await as(ann).kill({ target: 'agent:a' });
    const asked = as(dana).revive({ target: 'agent:a', reason: 'r' });
    await expect(asked).rejects.toBeInstanceOf(error);
    await expect(asked).rejects.toMatchObject(members);
    expect((await as(ann).kills()).data).toMatchObject([{ target: 'agent:a', is_active: true }]);
    expect((await eventsOf(as(ann).log())).map(({ type }) => type)).toEqual(['init', 'kill', ...left]);
    expect(await as(ann).verifyLog()).toMatchObject({ ok: true });
  });
});

test('what an operating process asks for is checked as well, and goes through the same queue', async () => {
  const expiring: Check = ({ command, actor }) =>
    command.type === 'expire' && actor.is === 'system' ? { is: 'refused', refusal: { kind: 'live_kill' } } : null;
  const onTrouble = vi.fn();
  const { as } = await openedSwitch({
    checks: [expiring],
    operate: { ownClock: false, clock: systemClock, onTrouble },
  });
  await as(ann).kill({ target: 'agent:a', lastsMs: 300 });
  await vi.waitFor(() => expect(onTrouble).toHaveBeenCalledWith(expect.stringContaining('A kill cannot leave')), 9000);
  expect((await as(ann).kills()).data).toMatchObject([{ target: 'agent:a', overdue: true }]);
});

test('an objection never has the very change recorded to which it objects', async () => {
  const request = { id: 'r1', expires_at: '2126-01-01T00:00:00.000Z' };
  const itself: Check = ({ command, change: { event } }) =>
    command.type === 'revive' ? { is: 'pending', request, record: { type: 'revive', data: event.data } } : null;
  const { as } = await openedSwitch({ checks: [itself] });
  await as(ann).kill({ target: 'agent:a' });
  const revived = as(dana).revive({ target: 'agent:a', reason: 'r' });
  await expect(revived).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', refusal: { kind: 'not_planned' } });
  expect((await as(ann).kills()).data).toMatchObject([{ target: 'agent:a', is_active: true }]);
});

describe('what is read of it', () => {
  test('is nothing where there is no control plane: that is no refused change, and says where it was looked for', async () => {
    const { as } = openedStore();
    for (const reading of [
      () => as(ann).status(),
      () => as(ann).kills(),
      () => as(ann).executors(),
      () => as(ann).exportDefinition(),
      () => eventsOf(as(ann).log()),
      () => eventsOf(as(ann).log({ after: 3 })),
    ]) {
      const error: unknown = await reading().catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        name: 'NotInitialisedError',
        code: 'NOT_INITIALISED',
        message: expect.stringContaining('no control plane of the organization "default" in memory'),
      });
      expect(isChangeRefusedError(error)).toBe(false);
    }
    await expect(as(ann).kill({ target: 'all' })).rejects.toSatisfy(isChangeRefusedError);
  });

  test('is no event behind the end of the log', async () => {
    const { as } = await openedSwitch();
    expect(await eventsOf(as(ann).log({ after: 1 }))).toEqual([]);
    expect(await eventsOf(as(ann).log({ after: 9 }))).toEqual([]);
  });

  test('comes page by page', async () => {
    const { as } = await openedSwitch();
    for (const id of ['a', 'b', 'c', 'd', 'e']) await as(ann).kill({ target: `agent:${id}` });
    const targets = async (page?: { skip?: number; limit?: number }) =>
      (await as(ann).kills(page)).data.map(({ target_id }) => target_id);
    expect(await targets()).toEqual(['e', 'd', 'c', 'b', 'a']);
    expect(await targets({ limit: 2 })).toEqual(['e', 'd']);
    expect(await targets({ skip: 2, limit: 2 })).toEqual(['c', 'b']);
    expect(await targets({ skip: 4 })).toEqual(['a']);
    expect(await targets({ skip: 9 })).toEqual([]);
    for (const page of [{ skip: -1 }, { limit: 0 }, { limit: 1.5 }, { limit: Number.NaN }])
      await expect(as(ann).kills(page)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('is followed as it happens, from where one was', async () => {
    const { as } = await openedSwitch();
    await as(ann).kill({ target: 'agent:a' });
    const followed = as(ann).follow({ after: 1 })[Symbol.asyncIterator]();
    expect(await followed.next()).toMatchObject({ value: { seq: 2, type: 'kill' } });
    const next = followed.next();
    await as(dana).kill({ target: 'agent:b' });
    expect(await next).toMatchObject({ value: { seq: 3, actor: 'token:dana' } });
    await followed.return?.();
  });

  test('can be taken away as a definition for flagd', async () => {
    const { as } = await openedSwitch();
    await as(ann).kill({ target: 'agent:a' });
    const { metadata, flags } = await as(ann).exportDefinition();
    expect(metadata).toMatchObject({ epoch: 2, organization_id: 'default' });
    expect(JSON.stringify(flags['kill-switch.mode'])).toContain('"a"');
  });
});

test('await using closes the operator’s side at the end of its block', async () => {
  let kept: ControlPlane;
  {
    await using control = await openControlPlane({ store: memoryControlStore(memoryStore()), operator: { id: 'ann' } });
    kept = control;
    await control.init();
  }
  await expect(kept.status()).rejects.toMatchObject({ code: 'CLOSED' });
});
