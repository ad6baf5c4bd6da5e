import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Beat, LogEvent } from '../../../flags/index.ts';
import { openControlPlane } from '../../../operator/index.ts';
import { allStores } from '../../guard/real-sides.ts';
import { eventsOf, eventThat, liar, operated, worker } from './fleet.ts';

const LONG = { timeout: 60_000 };

const isStep =
  (step: string) =>
  ({ type, data }: LogEvent): boolean =>
    type === 'drill' && data['step'] === step && data['state'] === 'running';

const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'done',
    (error: { code?: string }) => error.code,
  );

describe.each(allStores)('a drill over %s', (_name, sides) => {
  test('stops what runs, measures it, undoes its own work, and gives back', LONG, async () => {
    const opened = await sides();
    const control = await operated(opened);
    const [one, two] = [await worker(opened, { name: 'one' }), await worker(opened, { name: 'two' })];
    const drill = await control.drill();
    expect(drill).toMatchObject({
      ...{ kind: 'stop', state: 'passed', target: 'all', window_ms: 5000, findings: [], stands: [] },
      executors: expect.arrayContaining(
        ['one', 'two'].map((name) => ({
          ...{ name, id: expect.any(String), acknowledged_ms: expect.any(Number), drained_ms: expect.any(Number) },
          ...{ late_starts: 0, refused: expect.any(Number) },
        })),
      ),
      canary: { landed: expect.any(Number), reversed: expect.any(Number) },
    });
    expect(drill.executors).toHaveLength(2);
    for (const { acknowledged_ms, refused } of drill.executors) {
      expect(acknowledged_ms).toBeLessThan(5000);
      expect(refused).toBeGreaterThan(0);
    }
    expect(drill.baseline.starts + drill.baseline.in_flight).toBeGreaterThan(0);
    expect(drill.canary?.landed).toBeGreaterThanOrEqual(3);
    expect(drill.canary?.reversed).toBe(drill.canary?.landed);
    expect((await control.kills()).count).toBe(0);
    for (const { statuses } of [one, two]) {
      expect(statuses).toContain('blocked');
      await vi.waitFor(() => expect(statuses.at(-1)).toBe('executed'));
    }
    const [kill, own] = await eventsOf(control, 'kill');
    expect(kill).toMatchObject({ reason: `drill ${drill.id}`, data: { target: 'all', drill_id: drill.id } });
    expect(own).toMatchObject({ data: { target: `run:drill-${drill.id}`, drill_id: drill.id } });
    expect(await control.drillReport(drill.id)).toEqual(drill);
    expect(await control.drills()).toMatchObject({ count: 1, data: [{ id: drill.id, state: 'passed' }] });
    expect(await control.status()).toMatchObject({
      drill: { last_at: drill.ended_at, overdue: false },
      drills: [{ id: drill.id }],
    });
    expect(await control.verifyLog()).toMatchObject({ ok: true });
    expect((await control.surfaces()).data.map(({ action }) => action)).toEqual(['mail.send', 'mail.send']);
  });

  test('of one agent leaves the others at work', LONG, async () => {
    const opened = await sides();
    const control = await operated(opened);
    const bot = await worker(opened, { name: 'one' });
    const other = await worker(opened, { name: 'two', agentId: 'other' });
    const drill = await control.drill({ target: 'agent:mail-bot' });
    expect(drill).toMatchObject({ state: 'passed', target: 'agent:mail-bot', findings: [] });
    expect(bot.statuses).toContain('blocked');
    expect(other.statuses).not.toContain('blocked');
    const { entries } = await control.run(`drill-${drill.id}`);
    expect(new Set(entries.map(({ agent_id }) => agent_id))).toEqual(new Set(['mail-bot']));
    expect(entries.every(({ state }) => state === 'reversed')).toBe(true);
  });

  test('cuts one permission in the middle of a run whose rest goes on', LONG, async () => {
    const opened = await sides();
    const control = await operated(opened);
    await worker(opened, { name: 'one', works: false });
    const drill = await control.drill({ kind: 'scoped' });
    expect(drill).toMatchObject({ state: 'passed', findings: [], target: 'action:kill-switch.canary.send' });
    const kill = (await eventsOf(control, 'kill'))[0];
    const { entries } = await control.run(`drill-${drill.id}`);
    const after = entries.filter(({ intended_at }) => intended_at > String(kill?.at));
    expect(after.length).toBeGreaterThanOrEqual(3);
    expect(new Set(after.map(({ action }) => action))).toEqual(new Set(['kill-switch.canary']));
    expect(entries.every(({ state }) => state === 'reversed' || state === 'not_started')).toBe(true);
  });

  test('undoes its own work in the reverse order', LONG, async () => {
    const opened = await sides();
    const control = await operated(opened);
    await worker(opened, { name: 'one', works: false });
    const drill = await control.drill({ kind: 'rollback' });
    expect(drill).toMatchObject({ state: 'passed', findings: [], target: `run:drill-${drill.id}` });
    const { entries } = await control.run(`drill-${drill.id}`);
    const undone = entries.map(({ reversal }) => Date.parse(reversal?.at ?? ''));
    expect(undone).toEqual(undone.toSorted((a, b) => b - a));
    expect(undone.length).toBeGreaterThanOrEqual(3);
  });

  test('cuts one executor off, which stops by itself, and comes back by itself', LONG, async () => {
    const opened = await sides();
    const control = await operated(opened);
    const one = await worker(opened, { name: 'one', agentId: 'mail-bot', leaseMs: 1000 });
    const two = await worker(opened, { name: 'two', agentId: 'other', leaseMs: 1000 });
    const drill = await control.drill({ kind: 'partition', target: 'agent:mail-bot' });
    expect(drill).toMatchObject({ state: 'passed', findings: [], executors: [{ name: 'one', late_starts: 0 }] });
    const [{ acknowledged_ms } = { acknowledged_ms: null }] = drill.executors;
    expect(acknowledged_ms).toBeGreaterThan(500);
    expect(acknowledged_ms).toBeLessThanOrEqual(1700);
    expect(one.statuses).toContain('blocked');
    expect(two.statuses).not.toContain('blocked');
    await vi.waitFor(() => expect(one.statuses.at(-1)).toBe('executed'));
    expect((await eventsOf(control, 'kill')).map(({ data }) => data['target'])).toEqual([`run:drill-${drill.id}`]);
  });

  test('tries to send to somebody who is not allowed: only a rule on recipients passes it', LONG, async () => {
    const opened = await sides();
    const control = await operated(opened);
    await worker(opened, { name: 'one', works: false });
    const ask = { kind: 'exfiltration', target: 'action:mail.send', recipient: 'rival@example.test' } as const;
    const leaks = await control.drill(ask);
    expect(leaks).toMatchObject({ state: 'failed', findings: [expect.stringContaining('was let through')] });
    const when = { '!': { in: [{ var: 'recipient' }, ['shop@example.test']] } };
    await control.addRule({ name: 'recipients', target: 'action:mail.*', mode: 'full_stop', when });
    await vi.waitFor(async () => expect((await control.executors()).data[0]?.state).toBe('stopped'));
    expect(await control.drill(ask)).toMatchObject({
      state: 'passed',
      findings: [],
      canary: { landed: 0, refused: 1 },
    });
    expect(await control.drill({ ...ask, recipient: 'shop@example.test' })).toMatchObject({ state: 'failed' });
    for (const [mode, says] of [
      ['paused', 'was not blocked, but only pause: it may be sent later'],
      ['full_stop', 'by the rule recipients, which does not ask for the recipient'],
    ] as const) {
      const asks = mode === 'paused' ? { when } : {};
      await control.addRule({ name: 'recipients', target: 'action:mail.*', mode, reason: 'another', ...asks });
      await vi.waitFor(async () => expect((await control.executors()).data[0]?.state).toBe('stopped'));
      expect(await control.drill(ask)).toMatchObject({ state: 'failed', findings: [expect.stringContaining(says)] });
    }
    await control.removeRule({ name: 'recipients', reason: 'x' });
    await control.setFeature({ name: 'f', stage: 'live', reason: 'x' });
    await control.addRule({ name: 'all-mail', target: 'surface:background', mode: 'full_stop' });
    await vi.waitFor(async () => expect((await control.executors()).data[0]?.state).toBe('stopped'));
    // A drill that cannot do its own work says so, and does not take that for the rule.
    expect(await control.drill(ask)).toMatchObject({
      state: 'failed',
      findings: [expect.stringContaining('says nothing of recipients')],
    });
  });

  test(
    'of a target that does nothing shows nothing, whatever others are refused; what a stop reached before counts neither',
    LONG,
    async () => {
      const opened = await sides();
      const control = await operated(opened);
      await control.kill({ target: 'agent:mail-bot' });
      const { statuses } = await worker(opened, { name: 'one' });
      await vi.waitFor(() => expect(statuses).toContain('blocked'));
      expect((await control.previewDrill({ target: 'agent:nobody' })).notes).toContainEqual(
        expect.stringContaining('No executor reports that it works for agent:nobody'),
      );
      expect(await control.drill({ target: 'agent:nobody' })).toMatchObject({
        ...{ state: 'failed', executors: [], stands: [] },
        findings: [expect.stringContaining('No work of agent:nobody was seen')],
      });
      // Its own work is in the last beats for a moment longer, and is not remembered.
      await vi.waitFor(
        async () => expect((await control.agents()).data.map(({ agent_id }) => agent_id)).not.toContain('nobody'),
        5000,
      );
      await control.revive({ target: 'agent:mail-bot', reason: 'x' });
      await vi.waitFor(() => expect(statuses.at(-1)).toBe('executed'));
      const before = statuses.filter((status) => status === 'blocked').length;
      const drill = await control.drill({ target: 'agent:mail-bot' });
      const refused = statuses.filter((status) => status === 'blocked').length - before;
      expect(drill).toMatchObject({ state: 'passed', executors: [{ refused: expect.any(Number) }] });
      // The drill's own work is refused beside it.
      expect(drill.executors[0]?.refused).toBeLessThanOrEqual(refused + (drill.canary?.refused ?? 0) + 8);
    },
  );

  test(
    'gives back what it has stopped also where an executor has stopped something that is not in the log yet',
    LONG,
    async () => {
      const opened = await sides();
      const control = await operated(opened);
      const { statuses } = await worker(opened, { name: 'one' });
      await worker(opened, { name: 'two', agentId: 'spender' });
      await control.setBudget({ scope: 'agent:spender', calls: 1 });
      await vi.waitFor(async () => expect((await control.status()).stops).toHaveLength(1));
      await vi.waitFor(() => expect(statuses.at(-1)).toBe('executed'));
      expect(await control.drill({ target: 'agent:mail-bot' })).toMatchObject({
        state: 'passed',
        findings: [],
        stands: [],
      });
    },
  );

  test('is one at a time, and of nothing that is stopped', LONG, async () => {
    const opened = await sides();
    const control = await operated(opened);
    await worker(opened, { name: 'one' });
    await control.kill({ target: 'agent:x' });
    expect(await code(control.drill({ target: 'agent:x' }))).toBe('INVALID_STATE');
    const begun = eventThat(control, isStep('baseline'));
    const first = control.drill();
    await begun;
    const second = await control.drill({ target: 'agent:mail-bot' }).catch((error: unknown) => error);
    expect(second).toMatchObject({ code: 'INVALID_STATE', refusal: { kind: 'drill_running' } });
    expect(await first).toMatchObject({ state: 'passed' });
    expect((await control.kills()).data.map(({ target }) => target)).toEqual(['agent:x']);
  });

  test('that somebody else stops too leaves that stopped, and says so', LONG, async () => {
    const opened = await sides();
    const control = await operated(opened);
    await worker(opened, { name: 'one' });
    const kim = await openControlPlane({ store: opened.controlStore, operator: { id: 'kim' } });
    onTestFinished(() => kim.close());
    const undoing = eventThat(control, isStep('roll_back')).then(() => kim.kill({ target: 'all', reason: 'for real' }));
    const drill = await control.drill();
    await undoing;
    expect(drill).toMatchObject({
      state: 'failed',
      stands: ['all'],
      findings: [expect.stringContaining('all stays stopped: unverified:kim has stopped it too')],
    });
    expect((await control.kills()).data).toMatchObject([{ target: 'all', reason: `drill ${drill.id}` }]);
    expect(await control.drillReport(drill.id)).toEqual(drill);
    await control.revive({ target: 'all', reason: 'fixed' });
    expect((await control.kills()).count).toBe(0);
  });

  test('is passed before governance that asks for one lets anybody give authority back', LONG, async () => {
    const opened = await sides();
    const control = await operated(opened);
    await worker(opened, { name: 'one' });
    await control.setGovernance({ drillMs: 3_600_000, secondPerson: 'killer', reason: 'weekly' });
    expect((await control.status()).drill).toEqual({ last_at: null, overdue: true });
    await control.kill({ target: 'agent:x' });
    expect(await code(control.revive({ target: 'agent:x', reason: 'fixed' }))).toBe('DRILL_REQUIRED');
    // alone, and yet it gives back what it has stopped
    expect(await control.drill()).toMatchObject({ state: 'passed' });
    expect(await code(control.revive({ target: 'agent:x', reason: 'fixed' }))).toBe('PENDING');
    expect((await control.status()).drill.overdue).toBe(false);
  });
});

const [, memory] = allStores[0] ?? [];
const oneStore = async () => {
  if (!memory) throw new Error('There is no store.');
  return memory();
};

describe('a drill fails, and leaves stopped what it has stopped, where', () => {
  test('an executor does not heed its signal', LONG, async () => {
    const opened = await oneStore();
    const control = await operated(opened);
    await worker(opened, { name: 'deaf', ms: 30_000, heeds: false });
    const drill = await control.drill({ windowMs: 500 });
    expect(drill).toMatchObject({
      ...{ state: 'failed', stands: ['all'], findings: [expect.stringContaining('does not heed its signal')] },
      executors: [{ name: 'deaf', acknowledged_ms: expect.any(Number), drained_ms: null }],
    });
    expect((await control.kills()).data).toMatchObject([{ target: 'all', drill_id: drill.id }]);
  });

  test('an executor is silent, and then nothing is stopped', LONG, async () => {
    const opened = await oneStore();
    const control = await operated(opened);
    await worker(opened, { name: 'one' });
    await liar(
      opened,
      () => ({}),
      () => ({ at: '2020-01-01T00:00:00.000Z' }),
    );
    const drill = await control.drill();
    expect(drill).toMatchObject({ state: 'failed', stands: [], pressed_ms: null });
    expect(drill.findings[0]).toMatch(/^liar \(.*\) is silent/);
    expect((await control.kills()).count).toBe(0);
  });

  test('an executor does not acknowledge in time', LONG, async () => {
    const opened = await oneStore();
    const control = await operated(opened);
    await worker(opened, { name: 'one' });
    let held: Beat['applied'] = null;
    let isHeld = false;
    await liar(
      opened,
      () => ({}),
      ({ applied }) => {
        if (!isHeld) held = applied;
        return { applied: held };
      },
    );
    const drill = await control.drill({
      windowMs: 400,
      onProgress: (line) => (isHeld ||= line.startsWith('Stopping')),
    });
    expect(drill.state).toBe('failed');
    expect(drill.findings.join()).toMatch(/liar \(.*\) did not acknowledge the stop within 400 ms/);
    expect(drill.executors.find(({ name }) => name === 'liar')).toMatchObject({ acknowledged_ms: null });
    expect(drill.stands).toEqual(['all']);
  });

  test('something starts after its executor has acknowledged', LONG, async () => {
    const opened = await oneStore();
    const control = await operated(opened);
    await worker(opened, { name: 'one', works: false });
    let count = 0;
    const { replica } = await liar(
      opened,
      () => {
        count += 1;
        const row = { agent_id: 'x', action: 'mail.send', surface: null, feature: null, count };
        return { starts: [{ ...row, last_at: new Date(Date.now() - 1).toISOString() }] };
      },
      () => ({ started_at: '2020-01-01T00:00:00.000Z' }),
    );
    const timer = setInterval(() => replica.report(), 100);
    onTestFinished(() => clearInterval(timer));
    const drill = await control.drill();
    expect(drill.findings).toEqual(
      expect.arrayContaining([expect.stringMatching(/^liar .* has started .* that the stop reaches after it had/)]),
    );
    expect(drill.executors.find(({ name }) => name === 'liar')?.late_starts).toBeGreaterThan(0);
    expect(drill.executors.find(({ name }) => name === 'one')?.late_starts).toBe(0);
    expect(drill.state).toBe('failed');
  });

  test('nothing is at work, and then nothing is stopped', LONG, async () => {
    const opened = await oneStore();
    const control = await operated(opened);
    await worker(opened, { name: 'idle', works: false });
    const drill = await control.drill();
    expect(drill).toMatchObject({ state: 'failed', pressed_ms: null, stands: [] });
    expect(drill.findings).toEqual([expect.stringContaining('No work of all was seen within 10000 ms')]);
    expect(await eventsOf(control, 'kill')).toEqual([]);
  });

  test('it is interrupted', LONG, async () => {
    const opened = await oneStore();
    const control = await operated(opened);
    await worker(opened, { name: 'one' });
    const interrupt = new AbortController();
    const pressed = eventThat(control, isStep('press')).then(() => interrupt.abort());
    const drill = await control.drill({ signal: interrupt.signal });
    await pressed;
    expect(drill).toMatchObject({ state: 'failed', findings: expect.arrayContaining(['It was interrupted.']) });
    expect(drill.stands).toEqual(['all']);
  });
});

test('no application calls what drills do, or names anything so', async () => {
  const opened = await oneStore();
  const control = await operated(opened);
  const { killSwitch } = await worker(opened, { name: 'one', works: false });
  for (const name of ['kill-switch.canary', 'kill-switch.canary.undo', 'kill-switch.canary.mine'])
    expect(() => killSwitch.action({ name, execute: () => 1 })).toThrow('that is the drills');
  await sleep(300);
  expect(await control.runs()).toMatchObject({ count: 0 });
});

test('in draft_only a stop is drilled without own work, and other kinds are refused', LONG, async () => {
  const opened = await oneStore();
  const control = await operated(opened);
  await control.setMode({ mode: 'draft_only' });
  await worker(opened, { name: 'one' });
  const drill = await control.drill();
  expect(drill).toMatchObject({ state: 'passed', canary: null, performer: null, findings: [] });
  expect(drill.notes).toContainEqual(expect.stringContaining('draft_only stands'));
  expect(await control.drill({ kind: 'rollback' })).toMatchObject({
    state: 'failed',
    findings: [expect.stringContaining('draft_only stands')],
  });
  expect((await control.approvals()).count).toBe(0);
});
