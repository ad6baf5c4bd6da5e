import { describe, expect, test, vi } from 'vitest';
import { type AutonomyStage, FEATURE_STAGES, type FeatureStage, MODES } from '../../flags/index.ts';
import { readPlain } from '../../guard/plain-data.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { readInterventions } from '../../store/reports.ts';
import { readShadow } from '../../store/shadow-records.ts';
import { openMemorySwitch } from './open-switch.ts';

const FEATURE = 'returns.auto';

async function setUp(stage: FeatureStage, options: Parameters<typeof openMemorySwitch>[0] = {}) {
  const { memory, control, killSwitch } = await openMemorySwitch({ leaseMs: 1000, agentId: 'x', ...options });
  const setStage = async (to: FeatureStage): Promise<void> => {
    await control.setFeature({ name: FEATURE, stage: to, reason: 'test' });
    await vi.waitFor(() => expect(killSwitch.check({ feature: FEATURE, effect: 'read' }).epoch).toBeGreaterThan(0));
    const { epoch } = await control.status();
    await vi.waitFor(() => expect(killSwitch.check({ feature: FEATURE }).epoch).toBe(epoch));
  };
  await setStage(stage);
  const { shelf } = memoryControlStore({ memory }).open({ organizationId: 'default', requestTimeoutMs: 1000 });
  return { memory, control, killSwitch, setStage, recorded: () => readShadow(shelf), shelf };
}

const refundOf = (killSwitch: Awaited<ReturnType<typeof setUp>>['killSwitch'], more: object = {}) => {
  const execute = vi.fn(async (input: { cents: number; card?: string; at?: Date }) => input.cents);
  const refund = killSwitch.action({ name: 'payments.refund', feature: FEATURE, execute, ...more });
  return { execute, refund };
};

describe('a write in shadow', () => {
  test('runs the draft handler, and records what it would have done before the call returns', async () => {
    const { killSwitch, recorded } = await setUp('shadow');
    const { execute, refund } = refundOf(killSwitch, {
      draft: (input: { cents: number; card?: string }) => {
        const draft = { refund: input.cents, password: 'hunter2' };
        input.cents = 0; // what a handler changes afterwards is not what was asked for
        return draft;
      },
    });
    const input = { cents: 1200, card: '4111 1111 1111 1111' };
    const { hash } = readPlain('payments.refund', input);
    const outcome = await killSwitch.run({ runId: 'r-1', missionId: 'm-1' }, () => refund.attempt(input));
    expect(outcome).toMatchObject({ status: 'drafted', draft: { refund: 1200 }, decision: { verdict: 'draft' } });
    expect(execute).not.toHaveBeenCalled();
    const { runs, unreadable } = await recorded();
    expect(unreadable).toBe(0);
    expect(runs).toEqual([
      expect.objectContaining({
        ...{ kind: 'shadow', feature: FEATURE, action: 'payments.refund' },
        ...{ agent_id: 'x', run_id: 'r-1', mission_id: 'm-1' },
        input: { cents: 1200, card: '[redacted]' },
        input_hash: hash,
        draft: { refund: 1200, password: '[redacted]' },
        proposal_id: null,
      }),
    ]);
  });

  test('without a draft handler is a proposal too, which the record names', async () => {
    const { killSwitch, control, recorded } = await setUp('shadow');
    const { execute, refund } = refundOf(killSwitch);
    const outcome = await killSwitch.run({ runId: 'r-1' }, () => refund.attempt({ cents: 5 }));
    const { data } = await control.interventions({ proposals: true });
    expect(outcome).toMatchObject({ status: 'drafted', draft: { proposalId: data[0]?.id } });
    expect(data).toMatchObject([{ feature: FEATURE, proposal: true }]);
    expect((await recorded()).runs).toMatchObject([{ proposal_id: data[0]?.id, draft: null }]);
    expect(execute).not.toHaveBeenCalled();
  });

  test('has no hash where its input is no plain data, and is recorded all the same', async () => {
    const { killSwitch, recorded } = await setUp('shadow');
    const { refund } = refundOf(killSwitch, { draft: () => 'a draft' });
    const outcome = await refund.attempt({ cents: 5, at: new Date(0) });
    expect(outcome.status).toBe('drafted');
    expect((await recorded()).runs).toMatchObject([{ input_hash: null, run_id: null }]);
  });

  test('is never held or let through, whatever approval the caller names and whatever is granted beside it', async () => {
    const { killSwitch, control } = await setUp('shadow');
    const { execute, refund } = refundOf(killSwitch, { draft: () => 'a draft' });
    await control.setAutonomy({ action: 'payments.refund', stage: 'trusted', reason: 'test' });
    for (const mode of MODES) {
      await control.setMode({ mode, reason: 'test' });
      const { epoch } = await control.status();
      await vi.waitFor(() => expect(killSwitch.check().epoch).toBe(epoch));
      for (const approvalId of [undefined, 'a-1', 'approved', FEATURE]) {
        const outcome = await refund.attempt({ cents: 5 }, { approvalId, waitMs: 0 });
        expect(['drafted', 'blocked', 'paused']).toContain(outcome.status);
        expect(['draft', 'block', 'pause']).toContain(outcome.decision.verdict);
      }
    }
    expect(execute).not.toHaveBeenCalled();
  });

  test('is blocked where the store does not take the record, with what says so', async () => {
    const { killSwitch, memory } = await setUp('shadow', { leaseMs: 5000 });
    const { execute, refund } = refundOf(killSwitch, { draft: () => 'a draft' });
    memory.fault = 'read-only';
    const outcome = await refund.attempt({ cents: 5 });
    const message = expect.stringContaining('the shadow run could not be recorded');
    const cause = { kind: 'fault', code: 'JOURNAL_UNAVAILABLE', message };
    expect(outcome).toMatchObject({ status: 'blocked', decision: { cause } });
    expect(execute).not.toHaveBeenCalled();
    memory.fault = null;
  });

  test('is no evidence where something else than shadow drafts it', async () => {
    const { killSwitch, control, recorded } = await setUp('live', { mode: 'draft_only' });
    const { refund } = refundOf(killSwitch, { draft: () => 'a draft' });
    expect((await refund.attempt({ cents: 5 })).status).toBe('drafted');
    await control.setFeature({ name: FEATURE, stage: 'shadow' });
    await control.kill({ target: 'agent:x', mode: 'draft_only' });
    await vi.waitFor(() => expect(killSwitch.check({ feature: FEATURE }).cause.kind).toBe('kill'));
    expect((await refund.attempt({ cents: 5 })).status).toBe('drafted');
    expect((await recorded()).runs).toEqual([]);
  });

  test('is one of the stages of a feature, and in each the write does what the stage says', async () => {
    const { killSwitch, setStage } = await setUp('dark');
    const { execute, refund } = refundOf(killSwitch, { draft: () => 'a draft' });
    const seen: string[] = [];
    for (const stage of FEATURE_STAGES) {
      await setStage(stage);
      seen.push((await refund.attempt({ cents: 5 })).decision.verdict);
    }
    expect([seen[0], seen[1], seen[3]]).toEqual(['block', 'draft', 'allow']);
    expect(seen[2]).not.toBe('allow');
    expect(execute).toHaveBeenCalledTimes(1);
  });
});

describe('an outcome', () => {
  const outcome = { feature: FEATURE, runId: 'r-1', action: 'payments.refund', agreed: true };

  test('is kept by the executor that is told, also of a run that it does not know, without secrets', async () => {
    const { killSwitch, recorded } = await setUp('shadow');
    await killSwitch.recordOutcome({ ...outcome, note: 'refunded, token ghp_0123456789abcdefghijABCDEFGHIJ012345' });
    await killSwitch.recordOutcome({ ...outcome, runId: 'unknown', agreed: false });
    const { outcomes } = await recorded();
    expect(outcomes).toMatchObject([
      { kind: 'outcome', feature: FEATURE, run_id: 'r-1', action: 'payments.refund', agreed: true },
      { run_id: 'unknown', agreed: false, note: null },
    ]);
    expect(outcomes[0]?.note).toMatch(/^refunded, token/);
    expect(outcomes[0]?.note).not.toContain('ghp_');
  });

  test('changes no decision', async () => {
    const { killSwitch } = await setUp('shadow');
    const { execute, refund } = refundOf(killSwitch, { draft: () => 'a draft' });
    for (let i = 0; i < 20; i += 1) await killSwitch.recordOutcome({ ...outcome, runId: `r-${i}` });
    expect((await refund.attempt({ cents: 5 })).decision.verdict).toBe('draft');
    expect(execute).not.toHaveBeenCalled();
  });

  test.each([
    [{ feature: '' }, 'The feature of an outcome must not be empty'],
    [{ runId: undefined }, 'The runId of an outcome'],
    [{ action: 'a.*' }, 'The action of an outcome'],
    [{ agreed: 'yes' }, 'agreed must be true or false'],
    [{ agreed: undefined }, 'agreed must be true or false'],
    [{ note: 7 }, 'The note of an outcome is a text'],
    [{ note: 'x'.repeat(2001) }, 'at most 2000 characters'],
    [{ run: 'r-1' }, 'Did you mean "runId"?'],
  ])('with %j is refused at the border, and not recorded', async (wrong, message) => {
    const { killSwitch, recorded } = await setUp('shadow');
    const refused = killSwitch.recordOutcome({ ...outcome, ...wrong } as never);
    await expect(refused).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining(message),
    });
    expect((await recorded()).outcomes).toEqual([]);
  });

  test('is refused by a closed switch, and by a store that is away', async () => {
    const { killSwitch, memory } = await setUp('shadow');
    memory.fault = 'unreachable';
    await expect(killSwitch.recordOutcome(outcome)).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
    memory.fault = null;
    await killSwitch.close();
    await expect(killSwitch.recordOutcome(outcome)).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

describe('a stage of autonomy', () => {
  const open = async (stage: AutonomyStage | null) => {
    const { killSwitch, control, shelf } = await setUp('live');
    if (stage !== null) await control.setAutonomy({ action: 'payments.refund', stage, reason: 'test' });
    const { epoch } = await control.status();
    await vi.waitFor(() => expect(killSwitch.check().epoch).toBe(epoch));
    const { refund, execute } = refundOf(killSwitch);
    return { killSwitch, control, refund, execute, shelf };
  };
  const records = async ({ killSwitch, shelf }: Awaited<ReturnType<typeof open>>) => {
    await killSwitch.close(); // writes what waits
    return (await readInterventions(shelf, 100)).interventions;
  };

  test('human_on_the_loop tells of each write, with the run and the key that a rollback takes', async () => {
    const opened = await open('human_on_the_loop');
    const { killSwitch, refund } = opened;
    const look = killSwitch.action({ name: 'payments.list', effect: 'read', execute: () => [] });
    await killSwitch.run({ runId: 'r-1' }, async () => {
      expect((await refund.attempt({ cents: 5, card: '4111 1111 1111 1111' }, { idempotencyKey: 'k-1' })).status).toBe(
        'executed',
      );
      expect(await refund({ cents: 6 })).toBe(6);
      await look(undefined);
    });
    const notices = await records(opened);
    expect(notices).toHaveLength(2);
    const key = expect.stringMatching(/^[0-9a-f-]{36}$/);
    for (const [cents, idempotency_key] of [
      [5, 'k-1'],
      [6, key],
    ] as const)
      expect(notices).toContainEqual(
        expect.objectContaining({
          ...{ type: 'WARNING', outcome: 'WARNED', verdict: 'allow', status: 'started', state: 'executing' },
          ...{ action: 'payments.refund', run_id: 'r-1', feature: FEATURE, idempotency_key },
          cause: { kind: 'autonomy', action: 'payments.refund', stage: 'human_on_the_loop' },
          input: expect.objectContaining({ cents }),
        }),
      );
    expect(JSON.stringify(notices)).not.toContain('4111 1111');
  });

  test.each([null, 'human_in_the_loop', 'autonomous', 'trusted'] as const)('%s tells of no write', async (stage) => {
    const opened = await open(stage);
    await opened.refund.attempt({ cents: 5 });
    expect((await records(opened)).filter(({ verdict }) => verdict === 'allow')).toEqual([]);
  });

  test('trusted tells of no intervention either: it is recorded, and nobody who follows hears of it', async () => {
    for (const [stage, told] of [
      ['autonomous', true],
      ['trusted', false],
    ] as const) {
      const opened = await open(stage);
      const { control, killSwitch, refund } = opened;
      const heard: unknown[] = [];
      const ended = new AbortController();
      const following = (async () => {
        for await (const each of control.followInterventions({ signal: ended.signal, since: new Date(0) }))
          heard.push(each.action);
      })();
      const other = killSwitch.action({ name: 'mail.send', execute: () => {} });
      await control.kill({ target: 'agent:x' });
      await vi.waitFor(() => expect(killSwitch.check().verdict).toBe('block'));
      await refund.attempt({ cents: 5 });
      await other.attempt(undefined);
      await vi.waitFor(() => expect(heard).toContain('mail.send'), { timeout: 5000 });
      expect(heard.includes('payments.refund')).toBe(told);
      ended.abort();
      await following;
      const [record] = (await records(opened)).filter(({ action }) => action === 'payments.refund');
      expect([record?.status, record?.notifies]).toEqual(['blocked', told ? undefined : false]);
    }
  });
});
