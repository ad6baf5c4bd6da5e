import { describe, expect, test, vi } from 'vitest';
import type { TripwireOptions } from '../../operator/index.ts';
import { openMemorySwitch } from './open-switch.ts';

type Opened = Awaited<ReturnType<typeof openMemorySwitch>>;

async function setUp(...tripwires: readonly TripwireOptions[]) {
  const opened = await openMemorySwitch({ agentId: 'researcher', executor: { name: 'research' } });
  for (const tripwire of tripwires) await opened.control.setTripwire(tripwire);
  await heard(opened);
  const execute = vi.fn((_input: unknown) => 1);
  const search = opened.killSwitch.action({ name: 'web.search', effect: 'read', execute });
  const attempt = (input: unknown, runId = 'r-1') => opened.killSwitch.run({ runId }, () => search.attempt(input));
  return { ...opened, search, attempt, execute };
}

async function heard({ control, killSwitch }: Opened): Promise<void> {
  const { epoch } = await control.status();
  await vi.waitUntil(() => killSwitch.check().epoch >= epoch);
}

const trippedBy = (name: string) => ({ status: 'paused', decision: { cause: { kind: 'tripwire', name } } });

describe('the same call again', () => {
  test('passes 50 times in 10 minutes, and the next pauses the run, says what to do, and is stopped everywhere', async () => {
    const { attempt, control, execute, killSwitch } = await setUp();
    for (let n = 0; n < 50; n += 1) expect(await attempt({ q: 'same', page: 1 })).toMatchObject({ status: 'executed' });
    const stopped = await attempt({ page: 1, q: 'same' });
    expect(stopped).toMatchObject(trippedBy('repeats'));
    expect(stopped.decision.message).toContain('kill-switch revive run:r-1 --reason "…" lifts this');
    expect(stopped.decision.modelMessage).toMatch(/do not repeat it/);
    expect(execute).toHaveBeenCalledTimes(50);
    expect((await control.status()).stops).toMatchObject([{ target: 'run:r-1', by: 'tripwire:repeats' }]);
    expect(await attempt({ q: 'another' })).toMatchObject({ status: 'paused' });
    expect(await attempt({ q: 'same' }, 'r-2')).toMatchObject({ status: 'executed' });
    await control.revive({ target: 'run:r-1', reason: 'it was meant' });
    await vi.waitUntil(() => killSwitch.check({ runId: 'r-1' }).mode === 'live');
    for (let n = 0; n < 50; n += 1) expect(await attempt({ q: 'same', page: 1 })).toMatchObject({ status: 'executed' });
    expect(await attempt({ q: 'same', page: 1 })).toMatchObject(trippedBy('repeats'));
  });

  test('is counted wherever it stands: A, B, A, B is a loop', async () => {
    const { attempt } = await setUp({ name: 'repeats', limit: 3 });
    const statuses: string[] = [];
    for (const q of ['a', 'b', 'a', 'b', 'a', 'b', 'a']) statuses.push((await attempt({ q })).status);
    expect(statuses).toEqual([...Array.from({ length: 6 }, () => 'executed'), 'paused']);
  });

  test.each<[string, (n: number) => unknown]>([
    ['no input', () => undefined],
    ['a text', () => 'same'],
    ['a Date and a Map', () => ({ at: new Date(7), map: new Map([['a', 1]]) })],
  ])('is one with %s', async (_what, input) => {
    const { attempt } = await setUp({ name: 'repeats', limit: 2 });
    for (let n = 0; n < 2; n += 1) expect(await attempt(input(n))).toMatchObject({ status: 'executed' });
    expect(await attempt(input(2))).toMatchObject(trippedBy('repeats'));
  });

  test('is none with other arguments, in another run or outside of any', async () => {
    const { attempt, search } = await setUp({ name: 'repeats', limit: 1 });
    for (const at of [1, 2, 3]) expect(await attempt({ at: new Date(at) })).toMatchObject({ status: 'executed' });
    for (const n of [1, 2, 3]) expect(await attempt({}, `run-${n}`)).toMatchObject({ status: 'executed' });
    for (let n = 0; n < 5; n += 1) expect(await search.attempt({})).toMatchObject({ status: 'executed' });
  });

  test('of children counts for their parents', async () => {
    const { killSwitch, search } = await setUp({ name: 'repeats', limit: 2 });
    const outcome = await killSwitch.run({ runId: 'parent' }, async () => {
      const child = () => killSwitch.run({}, () => search.attempt({}));
      await child();
      await child();
      return child();
    });
    expect(outcome).toMatchObject({ status: 'paused', decision: { cause: { kind: 'tripwire' } } });
  });

  test('of calls that are refused is a loop too', async () => {
    const { killSwitch } = await setUp({ name: 'repeats', limit: 2 });
    const refund = killSwitch.action({ name: 'a.b', limits: { most: { max: 1, of: () => 2 } }, execute: () => 1 });
    const attempt = () => killSwitch.run({ runId: 'r' }, () => refund.attempt(undefined));
    for (let n = 0; n < 2; n += 1) expect(await attempt()).toMatchObject({ status: 'blocked' });
    expect(await attempt()).toMatchObject(trippedBy('repeats'));
  });

  test('of many at once: no more than the limit start', async () => {
    const { attempt, execute } = await setUp({ name: 'repeats', limit: 5 });
    await Promise.all(Array.from({ length: 20 }, () => attempt({})));
    expect(execute).toHaveBeenCalledTimes(5);
  });

  test('waits, in the blocking style, until a person lifts it, and is then the first that is counted anew', async () => {
    const { killSwitch, control, search, execute } = await setUp({ name: 'repeats', limit: 1 });
    await killSwitch.run({ runId: 'r' }, async () => {
      await search({});
      const waiting = search({});
      await vi.waitUntil(() => killSwitch.check({ runId: 'r' }).mode === 'paused');
      await control.revive({ target: 'run:r', reason: 'go on' });
      expect(await waiting).toBe(1);
      expect(await search.attempt({})).toMatchObject(trippedBy('repeats'));
    });
    expect(execute).toHaveBeenCalledTimes(2);
  });

  test('is not counted once the tripwire is removed', async () => {
    const { attempt, control, ...opened } = await setUp();
    await control.removeTripwire({ name: 'repeats', reason: 'a poller' });
    await heard({ ...opened, control });
    for (let n = 0; n < 60; n += 1) expect(await attempt({})).toMatchObject({ status: 'executed' });
  });
});

describe('a tripwire', () => {
  test('counts what has thrown', async () => {
    const { killSwitch } = await setUp({ name: 'broken', on: 'failures', limit: 2, windowMs: 60_000 });
    const fails = killSwitch.action({ name: 'a.b', execute: () => Promise.reject(new Error('no')) });
    const attempt = () => killSwitch.run({ runId: 'r' }, () => fails.attempt(undefined).catch(() => 'threw'));
    expect([await attempt(), await attempt(), await attempt()]).toEqual(['threw', 'threw', 'threw']);
    expect(await attempt()).toMatchObject(trippedBy('broken'));
  });

  test('counts refusals: an agent that hammers is stopped whole', async () => {
    const { killSwitch, control, search, ...opened } = await setUp({
      ...{ name: 'hammering', on: 'refusals', limit: 3, windowMs: 60_000, scope: 'agent', do: 'full_stop' },
    });
    await control.kill({ target: 'action:db.*', reason: 'freeze' });
    await heard({ ...opened, killSwitch, control });
    const drop = killSwitch.action({ name: 'db.drop', execute: () => 1 });
    for (let n = 0; n < 4; n += 1) expect(await drop.attempt(undefined)).toMatchObject({ status: 'blocked' });
    const stopped = await search.attempt({});
    expect(stopped).toMatchObject({ status: 'blocked', decision: { cause: { kind: 'tripwire', name: 'hammering' } } });
  });

  test('counts interventions of a kind', async () => {
    const { killSwitch, control, search, ...opened } = await setUp({
      ...{ name: 'drafts', on: 'interventions:downgrade', limit: 1, windowMs: 60_000, scope: 'agent' },
    });
    await control.setMode({ mode: 'draft_only' });
    await heard({ ...opened, killSwitch, control });
    const send = killSwitch.action({ name: 'mail.send', execute: () => 1 });
    for (let n = 0; n < 2; n += 1) expect(await send.attempt(undefined)).toMatchObject({ status: 'drafted' });
    expect(await search.attempt({})).toMatchObject(trippedBy('drafts'));
  });

  test.each([
    ['above its limit', 0.06],
    ['that is no number', Number.NaN],
  ])('trips by a report %s, and not by one at it', async (_what, value) => {
    const { killSwitch, search } = await setUp({
      name: 'bounces',
      on: 'report:bounce_rate',
      limit: 0.05,
      windowMs: 1000,
    });
    await killSwitch.run({ runId: 'r' }, async (run) => {
      run.report('bounce_rate', 0.05);
      run.report('another', 7);
      expect(await search.attempt({})).toMatchObject({ status: 'executed' });
      run.report('bounce_rate', value);
      expect(await search.attempt({})).toMatchObject(trippedBy('bounces'));
    });
  });

  test('a report takes a name and a number', async () => {
    const { killSwitch } = await setUp();
    await killSwitch.run({}, (run) => {
      expect(() => run.report('', 1)).toThrow(/name of a report/);
      expect(() => run.report('a', '1' as never)).toThrow(/is a number/);
    });
  });
});
