import { describe, expect, onTestFinished, test } from 'vitest';
import type { LogEvent, Mode } from '../../flags/index.ts';
import { type ControlPlane, openControlPlane } from '../../operator/index.ts';
import type { ControlStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisStore } from '../../store/redis/index.ts';
import type { Replica } from '../../store/replica.ts';
import { startRedis } from '../servers/index.ts';
import { type NewerChange, started, type TwoVersionStore, VERSIONS } from './newer-version.ts';

// A newer version is played by something that this one does not know: a member `only_when`, a mode `quarantined`, …

const ASKED = { agentId: 'bot', action: 'mail.send', effect: 'write' };
const STOPPED = { fault: 'STORE_CORRUPT' };

async function prepare(controlStore: ControlStore): Promise<void> {
  const control = await operatorOf(controlStore);
  await control.init();
  await control.setMode({ mode: 'live', reason: 'test' });
  await control.kill({ target: 'agent:other', mode: 'paused' });
}

async function operatorOf(controlStore: ControlStore): Promise<ControlPlane> {
  const control = await openControlPlane({ store: controlStore, operator: { id: 'old' } });
  onTestFinished(() => control.close());
  return control;
}

interface Case extends Partial<NewerChange> {
  readonly name: string;
  /** Whose kill is written so that this version cannot read it. */
  readonly unread?: string;
  /** Only for the drivers that keep this apart from the log. */
  readonly only?: 'redis';
  /** True for what anybody may have written, so that the rest of the switch is understood and can be changed. */
  readonly alone?: true;
}

const AT = '2026-01-01T00:00:00.000Z';
const KILL = { id: 'k-new', target: 'agent:bot', mode: 'full_stop', expires_at: null };
const ENTRY = { ...KILL, reason: null, killed_by: 'unverified:new', killed_at: AT };

/** A kill of `agent:bot` whose data and entry have these members in place of ours, or beside them. */
const killed = (name: string, members: Record<string, unknown>): Case => ({
  name: `a kill with ${name}`,
  ...{ type: 'kill', data: { ...KILL, ...members }, unread: 'agent:bot' },
  entries: { 'kill:agent:bot': { ...ENTRY, ...members } },
});

/** A known event whose entry is as it says. */
const killedPlainly = { type: 'kill', data: KILL, entries: { 'kill:agent:bot': ENTRY } };
/** An event that both versions know. */
const PLAIN = { type: 'limit', data: { name: 'l', value: 5 }, entries: { 'limit:l': { value: 5 } } };

/** An entry that anybody may have spoilt. */
const SPOILED = { unread: 'agent:bot', only: 'redis', alone: true, format: 1 } as const;

const CASES: readonly Case[] = [
  killed('a condition', { only_when: 'dark' }),
  killed('a mode of its own', { mode: 'quarantined' }),
  killed('a mode for each effect', { mode: { write: 'full_stop' } }),
  killed('a looser mode and a condition', { mode: 'approval_gated', only_when: 'dark' }),
  killed('an end that is a condition', { expires_at: { when: 'never' } }),
  killed('an id of another kind', { id: 7 }),
  { name: 'a kill of a new kind of target', type: 'kill', data: { ...KILL, target: { team: 'red' } } },
  { name: 'a kill whose data is a list', type: 'kill', data: [KILL] },
  { name: 'a member of the event', ...killedPlainly, event: { scope: 'x' } },
  { name: 'a member of the event behind its type', ...killedPlainly, event: { zone: 'x' } },
  { name: 'a reason that is no text', ...killedPlainly, event: { reason: { text: 'x' } } },
  { name: 'a reason that is too long', ...killedPlainly, event: { reason: 'x'.repeat(5000) } },
  { name: 'a time of another form', ...killedPlainly, event: { at: '2026-01-01T00:00:00+01:00' } },
  { name: 'an actor that is no text', ...killedPlainly, event: { actor: { id: 'ann' } } },
  { name: 'an event without a reason', ...killedPlainly, event: { reason: undefined } },
  { name: 'a type of its own', type: 'rule_add', data: { name: 'n', target: 'all', mode: 'read_only' } },
  { name: 'a type that is no text', type: 'x', data: {}, event: { type: 7 } },
  {
    name: 'a base mode with a condition',
    ...{ type: 'mode', data: { mode: 'live', targeting: null, only_when: 'dark' } },
    entries: { mode: { mode: 'live', targeting: null, only_when: 'dark' } },
  },
  {
    name: 'a base mode of its own',
    ...{ type: 'mode', data: { mode: 'quarantined', targeting: null } },
    entries: { mode: { mode: 'quarantined', targeting: null } },
  },
  {
    name: 'a stage of its own',
    ...{ type: 'feature', data: { name: 'f', stage: 'beta' }, entries: { 'feature:f': { stage: 'beta' } } },
  },
  {
    name: 'a limit with a unit',
    ...{ type: 'limit', data: { name: 'l', value: '5 usd' }, entries: { 'limit:l': { value: '5 usd' } } },
  },
  { name: 'a snapshot of another kind', type: 'snapshot', data: { epoch: 'last', digest: 'none' } },
  { name: 'a seconding of another kind', type: 'second', data: { kind: 'ruler', name: 'r' } },
  {
    name: 'a revive with a condition',
    ...{
      type: 'revive',
      data: { id: 'k', target: 'agent:other', after: 'noon' },
      entries: { 'kill:agent:other': null },
    },
  },
  {
    name: 'a recover with a condition',
    ...{ type: 'recover', data: { generation: 'g2', given_up: [], only_when: 'dark' } },
    head: { generation: 'g2', recovered: true },
    entries: { control: { format: 3, generation: 'g2', generations: ['g2'], recovered: true } },
  },
  { name: 'a new member of the head', ...PLAIN, head: { fence: 3 }, format: 1, only: 'redis' },
  { name: 'a new first member of the head', ...PLAIN, head: { a: [3] }, format: 1, only: 'redis' },
  {
    name: 'another kind of generation in the head',
    ...PLAIN,
    head: { generation: 'g', recovered: 'twice' },
    format: 1,
    only: 'redis',
  },
  { name: 'an entry that is no JSON', ...PLAIN, entries: { 'kill:agent:bot': '{"id"' }, ...SPOILED },
  { name: 'an entry that is null', ...PLAIN, entries: { 'kill:agent:bot': 'null' }, ...SPOILED },
  { name: 'an entry that is a list', ...PLAIN, entries: { 'kill:agent:bot': '[]' }, ...SPOILED },
  { name: 'an entry of another shape', ...PLAIN, entries: { 'kill:agent:bot': '{}' }, ...SPOILED },
  { name: 'a kind of entry of its own', ...PLAIN, entries: { 'ruler:r': { mode: 'full_stop' } }, only: 'redis' },
  { name: 'a control entry that is no JSON', ...PLAIN, entries: { control: 'x' }, only: 'redis', alone: true },
];

describe.each(VERSIONS)('over $driver, where a newer version has written', ({ driver, open }) => {
  const cases = CASES.filter(({ only }) => only === undefined || only === driver);

  async function written(change: Partial<NewerChange>): Promise<TwoVersionStore & { readonly old: ControlPlane }> {
    const versions = await open();
    await prepare(versions.controlStore);
    await versions.append({ ...PLAIN, ...change });
    return { ...versions, old: await operatorOf(versions.controlStore) };
  }

  test.each(cases)('$name: executors stop, and an operator kills and gives nothing back', async (change) => {
    const versions = await open();
    await prepare(versions.controlStore);
    const running = await started(versions.store);
    await comesToRead(running, { mode: 'live' });
    await versions.append({ ...PLAIN, ...change });
    const old = await operatorOf(versions.controlStore);
    for (const targets of [
      ['all', 'agent:bot', 'agent:other'],
      ['agent:bot', 'agent:other'],
    ]) {
      const answers = await Promise.all(targets.map((target) => old.kill({ target })));
      for (const [index, { kill }] of answers.entries()) {
        expect(kill).toMatchObject({ target: targets[index], mode: 'full_stop', is_active: true });
        expect(kill.id).not.toBe('');
        expect(kill.killed_at).toMatch(/^20/);
      }
    }
    if (change.alone) await expect(old.revive({ target: 'agent:bot', reason: 'r' })).rejects.toMatchObject(refused());
    else await givesNothingBack(old);
    await comesToRead(await started(versions.store), STOPPED);
    const isStopped = ({ fault, mode }: Partial<Record<'fault' | 'mode', unknown>>): boolean =>
      fault === STOPPED.fault || (change.only !== undefined && mode === 'full_stop');
    await expect.poll(() => isStopped(running.reading(ASKED)), { timeout: 10_000 }).toBe(true);
  });

  const unread = cases.filter((each) => each.unread !== undefined);

  test.each(unread)('$name: a kill of that target that asks for less is a full stop', async (change) => {
    const { old, entry } = await written(change);
    const key = `kill:${change.unread}`;
    const before = await entry(key);
    for (const mode of ['read_only', 'paused', 'full_stop'] satisfies Mode[]) {
      const { kill, already } = await old.kill({ target: 'agent:bot', mode, expiresAt: '2999-01-01T00:00:00.000Z' });
      expect(kill, mode).toMatchObject({ mode: 'full_stop', expires_at: null });
      expect(already).toBe(false);
    }
    expect((await old.kill({ target: 'agent:new', mode: 'read_only' })).kill).toMatchObject({ mode: 'read_only' });
    // The log says the whole of it, so that a newer version that folds it comes to no less.
    const recorded = (await logOf(old)).filter(
      ({ actor, data }) => actor === 'unverified:old' && data['target'] === 'agent:bot',
    );
    expect(recorded.map(({ type, data }) => [type, data['mode'], data['expires_at']])).toEqual(
      Array(3).fill(['kill', 'full_stop', null]),
    );
    await expect(old.revive({ target: 'agent:bot', reason: 'r' })).rejects.toThrow('this version');
    if (driver === 'redis')
      expect(await entry(key)).toMatchObject({ mode: 'full_stop', expires_at: null, set_aside: before });
  });

  test('what may have lifted a kill: that kill is recorded anew, and is no seconding', async () => {
    const lifted = CASES.find(({ name }) => name === 'a revive with a condition');
    const { old } = await written({ ...lifted });
    expect((await old.kill({ target: 'agent:other', mode: 'paused' })).already).toBe(false);
    const last = (await logOf(old)).at(-1);
    expect(last).toMatchObject({ type: 'kill', data: { target: 'agent:other', mode: 'paused', expires_at: null } });
  });

  test('its first event with a condition: an operator kills', async () => {
    const versions = await open();
    await versions.append({
      ...{ type: 'init', data: { generation: 'g1', only_when: 'dark' } },
      head: { generation: 'g1', recovered: false },
      entries: { control: { format: 3, generation: 'g1', generations: ['g1'], recovered: false } },
    });
    const old = await operatorOf(versions.controlStore);
    expect((await old.kill({ target: 'all' })).kill).toMatchObject({ mode: 'full_stop' });
    await givesNothingBack(old);
  });

  test('a member of the head: a kill keeps it, and its place', async () => {
    const { old, head } = await written({ head: { a: [3], fence: 3 }, format: 1 });
    const before = await head();
    await old.kill({ target: 'all' });
    await old.kill({ target: 'all' });
    const after = await head();
    expect(Object.keys(after ?? {})).toEqual(Object.keys(before ?? {}));
    if (driver === 'redis') expect(after).toMatchObject({ a: [3], fence: 3, epoch: 6 });
  });
});

async function logOf(control: ControlPlane): Promise<LogEvent[]> {
  const events: LogEvent[] = [];
  for await (const event of control.log()) events.push(event);
  return events;
}

/** What an error says that gives nothing back, and advises nobody to cut off what another version wrote. */
const refused = () => ({
  code: expect.stringMatching(/^UNKNOWN_|^CORRUPT$/),
  message: expect.not.stringMatching(/damaged|cut it off|was changed|a good one in its place/),
});

/** Whatever needs to understand the rest is refused, and nobody is told to cut off what a newer version wrote. */
async function givesNothingBack(old: ControlPlane): Promise<void> {
  const reason = 'r';
  await expect(old.revive({ target: 'agent:bot', reason })).rejects.toMatchObject(refused());
  await expect(old.setMode({ mode: 'live', reason })).rejects.toMatchObject(refused());
  await expect(old.setFeature({ name: 'f', stage: 'live', reason })).rejects.toMatchObject(refused());
  await expect(old.setLimit({ name: 'l', value: 1, reason })).rejects.toMatchObject(refused());
  await expect(old.setAutonomy({ action: 'a.b', stage: 'trusted', reason })).rejects.toMatchObject(refused());
  await expect(old.setFlags({ definition: { flags: {} }, reason })).rejects.toMatchObject(refused());
  await expect(old.recover({ reason })).rejects.toMatchObject(refused());
  await expect(old.status()).rejects.toMatchObject(refused());
  await expect(old.verifyLog()).rejects.toMatchObject(refused());
}

/** On a slow machine the first answers come too late for the lease, which is a fault of its own. */
const comesToRead = (replica: Replica, reading: object): Promise<void> =>
  expect.poll(() => replica.reading(ASKED), { timeout: 20_000 }).toMatchObject(reading);

test.each([
  'mode',
  'control',
  'kill:agent:other',
  'feature:refunds',
  'limit:refund.max',
  'autonomy:mail.send',
  'flags',
])('a condition in the entry %s of a newer version stops executors over Redis', async (key) => {
  const redis = await startRedis();
  const [store, controlStore] = [redisStore({ url: redis.url }), redisControlStore({ url: redis.url })];
  await prepare(controlStore);
  const control = await openControlPlane({ store: controlStore, operator: { id: 'ann' } });
  await control.kill({ target: 'agent:other' });
  await control.setFeature({ name: 'refunds', stage: 'live', reason: 'r' });
  await control.setLimit({ name: 'refund.max', value: 5, reason: 'r' });
  await control.setAutonomy({ action: 'mail.send', stage: 'trusted', reason: 'r' });
  await control.setFlags({ definition: { flags: {} }, reason: 'r' });
  await control.close();
  await comesToRead(await started(store), { mode: 'live' });
  const [state = ''] = (await redis.cli('KEYS', '*:state')) as string[];
  const entry: object = JSON.parse(String(await redis.cli('HGET', state, key)));
  await redis.cli('HSET', state, key, JSON.stringify({ ...entry, only_when: 'dark' }));
  await comesToRead(await started(store), {
    ...STOPPED,
    message: expect.stringContaining('"only_when", which this version does not know'),
  });
});

test.each(['kill:agent:other', 'mode', 'control'])(
  'over Redis an operator of an older version can kill after a newer one has written to the entry %s, and can give nothing back',
  async (key) => {
    const redis = await startRedis();
    const controlStore = redisControlStore({ url: redis.url });
    await prepare(controlStore);
    const control = await openControlPlane({ store: controlStore, operator: { id: 'ann' } });
    await control.kill({ target: 'agent:other', mode: 'paused' });
    await control.close();
    const [state = ''] = (await redis.cli('KEYS', '*:state')) as string[];
    const read = async (name: string): Promise<object> => JSON.parse(String(await redis.cli('HGET', state, name)));
    await redis.cli('HSET', state, key, JSON.stringify({ ...(await read(key)), only_when: 'dark' }));
    // The newer version says by the format that there is something which an older one does not know.
    await redis.cli('HSET', state, 'control', JSON.stringify({ ...(await read('control')), format: 3 }));
    const old = await openControlPlane({ store: controlStore, operator: { id: 'old' } });
    onTestFinished(() => old.close());
    for (const target of ['all', 'agent:bot', 'agent:other', 'agent:other'])
      expect(await old.kill({ target })).toMatchObject({ kill: { target, mode: 'full_stop', is_active: true } });
    await givesNothingBack(old);
    // What the newer version says of a kill is still there.
    if (key.startsWith('kill'))
      expect(await read(key)).toMatchObject({ mode: 'full_stop', set_aside: { mode: 'paused', only_when: 'dark' } });
  },
);
