import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { openControlPlane, type ControlPlane, type OpenControlPlaneOptions } from '../../operator/index.ts';
import type { LogEvent, Role } from '../../flags/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { fakeClock } from '../../testing/fake-clock.ts';
import { allStores } from '../guard/real-sides.ts';
import { temporaryFolder } from '../servers/index.ts';
import type { Sides } from '../guard/open-switch.ts';

/** People at one switch, each with a process of their own as far as the store can tell. */
async function people(sides: () => Sides | Promise<Sides>) {
  const { controlStore: store } = await sides();
  const as = async (id: string, more: Partial<OpenControlPlaneOptions> = {}): Promise<ControlPlane> => {
    const control = await openControlPlane({ store, operator: { id }, ...more });
    onTestFinished(() => control.close());
    return control;
  };
  const ann = await as('ann');
  await ann.init();
  await ann.setMode({ mode: 'live', reason: 'launch' });
  return { as, ann, ben: await as('ben'), kim: await as('kim') };
}

async function eventsOf(control: ControlPlane, type: string): Promise<LogEvent[]> {
  const events: LogEvent[] = [];
  for await (const event of control.log()) if (event.type === type) events.push(event);
  return events;
}

const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'done',
    (error: { code?: string }) => error.code,
  );

describe.each(allStores)('giving authority back, over %s', (_name, sides) => {
  test('waits for another person, who agrees to exactly that', async () => {
    const { ann, ben, kim } = await people(sides);
    await ann.setGovernance({ secondPerson: 'killer', reason: 'two pairs of eyes' });
    await kim.kill({ target: 'agent:x', reason: 'wrong' });
    const pending = await ann.revive({ target: 'agent:x', reason: 'fixed' }).catch((error: unknown) => error);
    expect(pending).toMatchObject({ code: 'PENDING', pending: { id: expect.any(String) } });
    const again = await ann.revive({ target: 'agent:x', reason: 'now' }).catch((error: unknown) => error);
    expect((again as typeof pending & { pending: unknown }).pending).toEqual((pending as { pending: unknown }).pending);
    const { data } = await kim.requests();
    expect(data).toMatchObject([
      { change: { type: 'revive', target: 'agent:x' }, target: 'agent:x', state: 'open', asked_by: 'unverified:ann' },
    ]);
    expect((await kim.status()).requests).toEqual(data);
    const [{ id } = { id: '' }] = data;
    expect(await code(kim.approveRequest({ id }))).toBe('SECOND_PERSON_REQUIRED');
    expect(await code(ann.approveRequest({ id }))).toBe('SECOND_PERSON_REQUIRED');
    expect(await ben.approveRequest({ id, reason: 'looked at it' })).toMatchObject({ request: { id } });
    expect((await ann.kills()).count).toBe(0);
    expect(await eventsOf(ann, 'revive')).toMatchObject([
      { actor: 'unverified:ben', reason: 'looked at it', data: { request_id: id } },
    ]);
    expect(await code(ben.approveRequest({ id }))).toBe('NOT_FOUND');
    expect(await ann.verifyLog()).toMatchObject({ ok: true });
  });

  test('is void where a stop comes between, whoever is first', async () => {
    const { ann, ben, kim } = await people(sides);
    await ann.setGovernance({ secondPerson: 'asker', reason: 'two' });
    for (let i = 0; i < 10; i += 1) {
      const target = `agent:x${i}`;
      await kim.kill({ target, mode: 'read_only' });
      await code(ann.revive({ target, reason: 'fixed' }));
      const [revived, killed] = await Promise.all([
        code(ben.revive({ target, reason: 'agreed' })),
        code(kim.kill({ target })),
      ]);
      expect(killed).toBe('done');
      expect(['done', 'CONFLICT', 'PENDING']).toContain(revived);
      // Whoever was first: the later stop stands.
      expect((await ann.kills({ target })).data).toMatchObject([{ mode: 'full_stop', killed_by: 'unverified:kim' }]);
    }
    expect(await ann.verifyLog()).toMatchObject({ ok: true });
  });

  test('goes step by step, and the answer says how far', async () => {
    const { ann, kim } = await people(sides);
    await ann.setGovernance({ ladder: true, reason: 'slowly' });
    await kim.kill({ target: 'agent:x' });
    const step = await ann.revive({ target: 'agent:x', reason: 'looked at it' });
    expect(step).toMatchObject({ kill: { mode: 'read_only', is_active: true, killed_by: 'unverified:kim' } });
    await ann.setGovernance({ dwellMs: 60_000, reason: 'slower' });
    expect(await code(ann.revive({ target: 'agent:x', reason: 'x' }))).toBe('DWELL_REQUIRED');
    expect(await code(ann.setMode({ mode: 'full_stop' }))).toBe('done');
    expect(await code(ann.setMode({ mode: 'live', reason: 'x' }))).toBe('STEP_REQUIRED');
    await ann.setGovernance({ breakGlass: true, reason: 'for nights' });
    expect(await ann.revive({ target: 'agent:x', reason: 'nobody else is up', breakGlass: true })).toMatchObject({
      kill: { is_active: false },
    });
    expect(await eventsOf(ann, 'revive')).toMatchObject([
      { data: { to: 'read_only' } },
      { data: { break_glass: true } },
    ]);
    expect(await ann.verifyLog()).toMatchObject({ ok: true });
  });

  test('takes a role, and so does everything else', async () => {
    const { as, ann } = await people(sides);
    await ann.kill({ target: 'agent:x' });
    const operator = await as('olga', { operator: { id: 'olga', roles: ['operator'] } });
    const viewer = await as('vera', { operator: { id: 'vera', roles: ['viewer'] } });
    expect(await code(operator.revive({ target: 'agent:x', reason: 'x' }))).toBe('ROLE_REQUIRED');
    expect(await code(operator.kill({ target: 'agent:y' }))).toBe('done');
    expect(await code(viewer.kill({ target: 'agent:z' }))).toBe('ROLE_REQUIRED');
    expect(await code(viewer.forgetExecutor('e'))).toBe('ROLE_REQUIRED');
    expect((await viewer.kills()).count).toBe(2);
    expect(await code(operator.setGovernance({ ladder: true, reason: 'x' }))).toBe('ROLE_REQUIRED');
  });

  test('that is refused is recorded once, and its repeats are counted', async () => {
    const { as, ann } = await people(sides);
    await ann.kill({ target: 'agent:x' });
    const operator = await as('olga', { operator: { id: 'olga', roles: ['operator'] } });
    for (let i = 0; i < 200; i += 1) await code(operator.revive({ target: 'agent:x', reason: 'x' }));
    await operator.settled();
    expect(await eventsOf(ann, 'refused')).toMatchObject([
      {
        actor: 'unverified:olga',
        data: { command: 'revive', target: 'agent:x', code: 'ROLE_REQUIRED', count: expect.any(Number) },
      },
    ]);
    // Nor do many kinds of them, and a kill is not kept waiting.
    for (let i = 0; i < 200; i += 1) await code(operator.revive({ target: `agent:a${i}`, reason: 'x' }));
    for (let i = 0; i < 200; i += 1)
      await code(operator.setAutonomy({ action: `a.b${i}`, stage: 'trusted', reason: 'x' }));
    await Promise.all(Array.from({ length: 100 }, (_, i) => code(operator.setMode({ mode: 'live', reason: `${i}` }))));
    expect(await code(ann.kill({ target: 'all' }))).toBe('done');
    await operator.settled();
    expect((await eventsOf(ann, 'refused')).length).toBeLessThanOrEqual(20);
    expect(await ann.verifyLog()).toMatchObject({ ok: true });
  });

  test('by processes that come and go is counted all the same', async () => {
    const { as, ann } = await people(sides);
    await ann.kill({ target: 'agent:x' });
    for (let i = 0; i < 5; i += 1) {
      const control = await as(`olga`, { operator: { id: 'olga', roles: ['operator'] } });
      expect(await code(control.revive({ target: 'agent:x', reason: 'x' }))).toBe('ROLE_REQUIRED');
      await control.close();
    }
    expect((await eventsOf(ann, 'refused')).map(({ data }) => data['count'])).toEqual([1]);
  });

  test('at no target is recorded as an attempt too', async () => {
    const { ann } = await people(sides);
    expect(await code(ann.kill({ target: 'agnt:x' }))).toBe('INVALID_ARGUMENT');
    expect(await code(ann.revive({ target: 'x', reason: 'x' }))).toBe('INVALID_ARGUMENT');
    await vi.waitFor(async () =>
      expect((await eventsOf(ann, 'refused')).map(({ data }) => [data['command'], data['target']])).toEqual([
        ['kill', 'agnt:x'],
        ['revive', 'x'],
      ]),
    );
  });
});

test('what processes have counted stands in the next event of its kind', async () => {
  const directory = join(temporaryFolder('attempts').path, 'switch');
  const clock = fakeClock();
  const store = fileControlStore({ directory, clock });
  const as = (id: string, roles?: Role[]): Promise<ControlPlane> =>
    openControlPlane({ store, operator: { id, ...(roles && { roles }) } });
  const ann = await as('ann');
  onTestFinished(() => ann.close());
  await ann.init();
  const tries = async (): Promise<void> => {
    const olga = await as('olga', ['operator']);
    expect(await code(olga.setAutonomy({ action: 'a.b', stage: 'trusted', reason: 'x' }))).toBe('ROLE_REQUIRED');
    await olga.close();
  };
  const counts = async (): Promise<unknown[]> => (await eventsOf(ann, 'refused')).map(({ data }) => data['count']);
  for (let i = 0; i < 5; i += 1) await tries();
  expect(await counts()).toEqual([1]);
  clock.pass(61_000);
  await tries();
  expect(await counts()).toEqual([1, 5]);
  clock.pass(61_000); // the next one comes later
  await tries();
  expect(await counts()).toEqual([1, 5]);
  clock.pass(61_000);
  await tries();
  expect(await counts()).toEqual([1, 5, 2]);
});
