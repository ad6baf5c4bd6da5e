import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import type { Clock, Mode } from '../../flags/index.ts';
import { openControlPlane } from '../../operator/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { fileStore } from '../../store/file/index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { Memory, memoryStore } from '../../store/memory/index.ts';
import { closeAfterwards, openSwitch, type Sides } from '../guard/open-switch.ts';
import { stores } from '../guard/real-sides.ts';
import { temporaryFolder } from '../servers/index.ts';

const inMemory = (): Sides => {
  const store = memoryStore();
  return { store, controlStore: memoryControlStore(store) };
};
const ALL: ReadonlyArray<readonly [string, () => Sides | Promise<Sides>]> = [['the memory store', inMemory], ...stores];

/** What work in flight may take to follow a window, with room for a busy machine. */
const IN_TIME_MS = 1500;

const DAY = 86_400_000;

const iso = (ms: number): string => new Date(ms).toISOString();

describe.each(ALL)('on %s, the window of a rule', (_name, sides) => {
  /** An action that runs until it is told to stop, and one that is over at once. */
  async function open() {
    const { control, killSwitch } = await openSwitch(await sides(), { agentId: 'x', leaseMs: 3000 });
    const told = new Map<string, number>();
    let begun = 0;
    const until = (name: string) =>
      killSwitch.action({
        name,
        execute: (_: null, { signal }) => {
          begun += 1;
          return new Promise<string>((resolve) => {
            signal.addEventListener('abort', () => {
              told.set(name, Date.now());
              resolve('told');
            });
            setTimeout(() => resolve('done'), 20_000).unref();
          });
        },
      });
    const quick = killSwitch.action({ name: 'infra.quick', execute: () => 'done' });
    const isBegun = (times: number): Promise<void> => vi.waitFor(() => expect(begun).toBe(times), { timeout: 5000 });
    return { control, killSwitch, told, isBegun, long: until('infra.apply'), other: until('mail.send'), quick };
  }
  const modeOf = (check: { mode: Mode }): Mode => check.mode;

  test('stops what runs when it opens, refuses what is new, and lets both again when it closes', async () => {
    const { control, killSwitch, told, isBegun, long, other, quick } = await open();
    const [running, elsewhere] = [long.attempt(null), other.attempt(null)];
    await isBegun(2);
    const opens = Math.ceil(Date.now() / 1000) * 1000 + 2000;
    const window = { from: iso(opens), until: iso(opens + 2000) };
    await control.addRule({ name: 'no-infra', target: 'action:infra.*', mode: 'full_stop', ...window });
    expect(await quick(undefined)).toBe('done'); // it is not open yet
    expect(await running).toMatchObject({
      status: 'aborted',
      decision: { cause: { kind: 'rule', rule: 'no-infra', until: expect.stringMatching(/Z$/) } },
    });
    const late = (told.get('infra.apply') ?? 0) - opens;
    expect(late).toBeGreaterThan(-1000); // the copy's time is ahead of the store's by one round trip at most
    expect(late).toBeLessThan(IN_TIME_MS);
    expect(await quick.attempt(undefined)).toMatchObject({ status: 'blocked' });
    expect(modeOf(killSwitch.check({ action: 'mail.send' }))).toBe('live');
    await vi.waitFor(() => expect(modeOf(killSwitch.check({ action: 'infra.quick' }))).toBe('live'), { timeout: 5000 });
    expect(Date.now()).toBeGreaterThan(opens + 1000);
    expect(await quick(undefined)).toBe('done');
    expect(told.has('mail.send')).toBe(false);
    await control.kill({ target: 'all' });
    expect((await elsewhere).status).toBe('aborted');
  });

  test('drains first where that is asked: what runs may end, and what is new waits until it closes', async () => {
    const { control, killSwitch } = await open();
    let end = (_: string): void => {};
    let waits = 0;
    const work = killSwitch.action({
      name: 'db.migrate',
      execute: (_: null, { signal }) => {
        expect(signal.aborted).toBe(false);
        waits += 1;
        return new Promise<string>((resolve) => {
          end = resolve;
        });
      },
    });
    const running = work.attempt(null);
    await vi.waitFor(() => expect(waits).toBe(1));
    const opens = Math.ceil(Date.now() / 1000) * 1000 + 3000;
    const window = { from: iso(opens), until: iso(opens + 2000), drainMs: 60_000 };
    await control.addRule({ name: 'freeze', target: 'action:db.*', mode: 'read_only', ...window, reason: 'launch' });
    const reads = killSwitch.action({ name: 'db.select', effect: 'read', execute: () => Date.now() });
    expect(modeOf(killSwitch.check({ action: 'db.migrate' }))).toBe('paused');
    const waiting = reads(undefined); // waits, and goes on when reads are allowed again: as soon as it is open
    end('whole');
    expect(await running).toMatchObject({ status: 'executed', result: 'whole' });
    expect(await waiting).toBeGreaterThan(opens - 1000);
    expect((await work.attempt(null)).status).toBe('blocked');
    const after = killSwitch.action({ name: 'db.vacuum', execute: () => 'done' });
    await vi.waitFor(async () => expect((await after.attempt(undefined)).status).toBe('executed'), { timeout: 6000 });
  });
});

test('a window is opened and closed by the store’s clock, not by this machine’s', async () => {
  const clock: Clock = () => ({ mono: performance.now(), wall: Date.now() - 2 * DAY });
  const store = memoryStore({ memory: new Memory({ clock }) });
  const { control, killSwitch } = await openSwitch(
    { store, controlStore: memoryControlStore(store) },
    { agentId: 'x' },
  );
  const [here, there] = [Date.now(), Date.now() - 2 * DAY];
  const around = (ms: number) => ({ from: iso(ms - 3_600_000), until: iso(ms + 3_600_000) });
  await control.addRule({ name: 'here', target: 'all', mode: 'full_stop', ...around(here) });
  const { epoch } = await control.addRule({ name: 'there', target: 'action:a.b', mode: 'paused', ...around(there) });
  await vi.waitFor(() => expect(killSwitch.check().epoch).toBe(epoch));
  expect(killSwitch.check({ action: 'a.c' }).mode).toBe('live');
  expect(killSwitch.check({ action: 'a.b' })).toMatchObject({ mode: 'paused', cause: { rule: 'there' } });
});

describe.each(ALL)('on %s, the condition of a rule', (_name, sides) => {
  test('restricts only those who meet it, also after a restart, and ends with its rule', async () => {
    const place = await sides();
    const { control, killSwitch } = await openSwitch(place, { agentId: 'x' });
    const when = {
      and: [{ '===': [{ var: 'environment' }, 'production'] }, { starts_with: [{ var: 'path' }, '/srv/'] }],
    };
    const { epoch } = await control.addRule({ name: 'prod', target: 'action:db.*', mode: 'read_only', when });
    const modeIn = (context: object): Promise<string> =>
      killSwitch.run({ context: { ...context } }, async () => killSwitch.check({ action: 'db.write' }).mode);
    await vi.waitFor(() => expect(killSwitch.check().epoch).toBe(epoch));
    expect(await modeIn({ environment: 'production', path: '/srv/a' })).toBe('read_only');
    expect(await modeIn({ environment: 'staging', path: '/srv/a' })).toBe('live');
    expect(await modeIn({ environment: 'production', path: ['/srv'] })).toBe('read_only'); // it cannot be judged
    const again = await openControlPlane({ store: place.controlStore, operator: { id: 'dan' } });
    closeAfterwards(again);
    expect((await again.rules()).data).toMatchObject([
      { name: 'prod', when, state: 'applies', added_by: 'unverified:ann' },
    ]);
    await expect(again.removeRule({ name: 'prod' })).rejects.toThrow(
      expect.objectContaining({ code: 'REASON_REQUIRED' }),
    );
    expect((await again.status()).epoch).toBe(epoch);
    await again.removeRule({ name: 'prod', reason: 'moved' });
    await vi.waitFor(async () => expect(await modeIn({ environment: 'production', path: '/srv/a' })).toBe('live'));
    expect((await again.verifyLog()).ok).toBe(true);
  });
});

const by =
  (days: number): Clock =>
  () => ({ mono: performance.now(), wall: Date.UTC(2026, 0, 1) + days * DAY });

describe.each<[string, () => (days: number) => Sides]>([
  [
    'the file store',
    () => {
      const directory = `${temporaryFolder('renew').path}/switch`;
      return (days) => ({
        store: fileStore({ directory }),
        controlStore: fileControlStore({ directory, clock: by(days) }),
      });
    },
  ],
  [
    'the memory store',
    () => {
      let now = 0;
      const store = memoryStore({ memory: new Memory({ clock: () => by(now)() }) });
      return (days) => {
        now = days;
        return { store, controlStore: memoryControlStore(store) };
      };
    },
  ],
])('on %s, an operating process', (_name, make) => {
  const opened = async (sides: Sides, operate: boolean) => {
    const troubles: string[] = [];
    const control = await openControlPlane({
      ...{ store: sides.controlStore, operator: { id: 'ann' }, operate },
      onTrouble: (problem) => troubles.push(problem),
    });
    closeAfterwards(control);
    return { control, troubles };
  };

  test('keeps the hours of rules known far enough ahead, and without one a rule applies beyond them', async () => {
    const at = make();
    const { control } = await opened(at(0), false);
    await control.init();
    await control.setMode({ mode: 'live', reason: 'launch' });
    const window = 'Mon-Fri 18:00-08:00 Europe/Berlin';
    await control.addRule({ name: 'nights', target: 'all', mode: 'full_stop', window });
    await control.addRule({ name: 'always', target: 'agent:a', mode: 'paused' });
    expect((await control.rules()).data.map(({ compiled_until }) => compiled_until)).toEqual([
      null,
      iso(Date.UTC(2026, 2, 5)),
    ]);

    const late = await opened(at(64), false); // a Friday, at midnight: the hours are not known any more
    expect((await late.control.rules()).data[1]).toMatchObject({ state: 'applies', next_change: null });
    expect((await late.control.check()).verdict).toBe('block');
    const two = [await opened(at(64), true), await opened(at(64), true)];
    const known = async (): Promise<unknown> => (await late.control.rules()).data[1]?.compiled_until;
    await vi.waitFor(async () => expect(await known()).toBe(iso(Date.UTC(2026, 0, 1) + 127 * DAY)), {
      timeout: 10_000,
    });
    await sleep(2500); // both have looked again
    const events: unknown[] = [];
    for await (const { type, actor, data, reason } of late.control.log())
      if (type.startsWith('rule_')) events.push([type, actor, data['name'], reason]);
    expect(events).toEqual([
      ['rule_add', 'unverified:ann', 'nights', null],
      ['rule_add', 'unverified:ann', 'always', null],
      ['rule_renew', 'system', 'nights', null],
    ]);
    expect(two.flatMap(({ troubles }) => troubles)).toEqual([]);
    await late.control.addRule({ name: 'more', target: 'all', mode: 'paused', window: 'Sun 10:00-11:00 UTC' });
    await late.control.removeRule({ name: 'nights', reason: 'over' });
    expect((await late.control.verifyLog()).ok).toBe(true);
  });
});
