import { describe, expect, onTestFinished, test } from 'vitest';
import { accountsRule, type LogEvent, type ShadowRecord } from '../../flags/index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import { executorReports } from '../../store/reports.ts';
import { started } from './desk.ts';
import { openQuickControl } from './open-quick-control.ts';

const NAME = 'returns.auto';
const REQUIRED = { runs: 3, days: 1, agreement: 0.6 };

async function setUp() {
  const store = memoryStore();
  const control = await openQuickControl({ store: memoryControlStore(store), operator: { id: 'ann' } });
  onTestFinished(() => control.close());
  await control.init();
  const mailer = { executorId: 'e', executorName: 'mailer' };
  const { shelf } = store.open({ organizationId: 'default', requestTimeoutMs: 1000, ...mailer });
  const reports = executorReports(shelf, mailer);
  const of = (runId: string) => ({
    ...{ id: `${runId}-${Math.random()}`, at: new Date().toISOString(), executor_id: 'e', executor_name: 'mailer' },
    ...{ feature: NAME, action: 'payments.refund', run_id: runId },
  });
  const ran = (runId: string, agreed: boolean | null): Promise<void> => {
    const run: ShadowRecord = {
      ...{ kind: 'shadow', ...of(runId), agent_id: 'x', mission_id: null, epoch: 2 },
      ...{ input: null, input_hash: null, draft: null, proposal_id: null },
    };
    const told: ShadowRecord[] = agreed === null ? [] : [{ kind: 'outcome', ...of(runId), agreed, note: null }];
    return [run, ...told].reduce<Promise<void>>(
      (before, record) => before.then(() => reports.recordShadow(record)),
      Promise.resolve(),
    );
  };
  const events = async (): Promise<LogEvent[]> => {
    const all: LogEvent[] = [];
    for await (const event of control.log()) all.push(event);
    return all;
  };
  const inShadow = async (): Promise<void> => {
    await control.setRequirement({ name: NAME, ...REQUIRED });
    await control.setFeature({ name: NAME, stage: 'shadow', reason: 'try it' });
  };
  return { store, control, ran, events, inShadow };
}

const promoted = { name: NAME, stage: 'gated', reason: 'it agrees' } as const;

describe('a feature with a requirement', () => {
  test('goes beyond shadow when it is met, and the event says in numbers what it rested on', async () => {
    const { control, ran, events, inShadow } = await setUp();
    await inShadow();
    await expect(control.setFeature(promoted)).rejects.toMatchObject({
      code: 'EVIDENCE_REQUIRED',
      refusal: {
        kind: 'evidence_required',
        missing: ['0 of 3 shadow runs', 'shadow runs on 0 of 1 days', 'the outcomes of 0 of 3 shadow runs'],
      },
    });
    for (const [runId, agreed] of [
      ['r-1', true],
      ['r-2', false],
      ['r-3', null],
    ] as const)
      await ran(runId, agreed);
    await expect(control.setFeature(promoted)).rejects.toMatchObject({
      refusal: {
        missing: ['the outcomes of 2 of 3 shadow runs', 'an agreement of 50 % where 60 % are required'],
      },
      message: expect.stringMatching(/Without an outcome: "r-3" \(.*\); recordOutcome says one\./),
    });
    await ran('r-3', true);
    expect(await control.evidence(NAME)).toMatchObject({ shadow_runs: 3, judged: 3, agreed: 2, missing: [] });
    await control.setFeature(promoted);
    const numbers = { shadow_runs: 3, days: 1, judged: 3, agreed: 2, unresolved: 0 };
    const last = (await events()).at(-1);
    expect(last?.data).toEqual({ name: NAME, stage: 'gated', evidence: numbers, command_id: last?.data['command_id'] });
    await control.setFeature({ name: NAME, stage: 'live', reason: 'and again' }); // by the same shadow runs
    expect((await control.features()).data).toMatchObject([
      {
        name: NAME,
        stage: 'live',
        targeting: null,
        requirement: REQUIRED,
        shadow_runs: 3,
        agreement: 2 / 3,
        missing: [],
      },
    ]);
  });

  test('is refused for a few accounts too, and for anything that its rule may answer', async () => {
    const { control, inShadow } = await setUp();
    await inShadow();
    const targeting = accountsRule(['acme'], 'gated');
    const asked = { name: NAME, stage: 'shadow', reason: 'a pilot' } as const;
    await expect(control.setFeature({ ...asked, targeting })).rejects.toMatchObject({ code: 'EVIDENCE_REQUIRED' });
    const any = { var: 'wish' };
    await expect(control.setFeature({ ...asked, targeting: any })).rejects.toMatchObject({ code: 'EVIDENCE_REQUIRED' });
  });

  test('is demoted at once and without a reason, whatever stands in the reports; then its evidence begins anew', async () => {
    const { control, ran, inShadow, store } = await setUp();
    await inShadow();
    for (const runId of ['r-1', 'r-2', 'r-3']) await ran(runId, true);
    await control.setFeature(promoted);
    const { shelf } = store.open({
      ...{ organizationId: 'default', requestTimeoutMs: 1000, executorId: 'odd', executorName: 'odd' },
    });
    await shelf.appendShadow(['{', 'null', '[]', '{"kind":"shadow"}']);
    await control.setFeature({ name: NAME, stage: 'shadow' });
    expect(await control.evidence(NAME)).toMatchObject({ shadow_runs: 0, ignored: 6, unreadable: 4 });
    await expect(control.setFeature(promoted)).rejects.toMatchObject({ code: 'EVIDENCE_REQUIRED' });
    await control.setFeature({ name: NAME, stage: 'dark' });
    await control.setFeature({ name: NAME, stage: 'shadow', reason: 'into shadow no evidence is needed' });
  });

  test('is not promoted by evidence that was read before somebody else changed it', async () => {
    const { control, ran, inShadow } = await setUp();
    await inShadow();
    for (const runId of ['r-1', 'r-2', 'r-3']) await ran(runId, true);
    const { epoch } = await control.status();
    await control.setRequirement({ name: NAME, runs: 4 });
    await expect(control.setFeature({ ...promoted, epoch })).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  test('takes a reason where less is asked for, none where more is, and keeps what is not named', async () => {
    const { control, inShadow } = await setUp();
    await inShadow();
    await expect(control.setRequirement({ name: NAME, runs: 2 })).rejects.toMatchObject({ code: 'REASON_REQUIRED' });
    await control.setRequirement({ name: NAME, runs: 5 });
    const of = async () => (await control.status()).feature_details[NAME]?.requirement;
    expect(await of()).toEqual({ ...REQUIRED, runs: 5 });
    expect(await control.setRequirement({ name: NAME, runs: 5 })).toMatchObject({ already: true });
    await control.setRequirement({ name: NAME, runs: 0, days: 0, agreement: 0, reason: 'a trial' });
    expect((await control.status()).feature_details).toEqual({});
    await control.setFeature(promoted);
    await control.setRequirement({ name: 'new', days: 2 });
    expect((await control.status()).features).toEqual({ [NAME]: 'gated', new: 'dark' });
  });
});

describe('what is said of a feature', () => {
  test.each([
    [{ targeting: 'live' }, 'targeting is'],
    [{ targeting: { if: [true, 'lvie'] } }, 'no stage'],
    [
      {
        targeting: {
          fractional: [
            ['live', 1],
            ['dark', 1],
          ],
        },
      },
      'without what it shares out by',
    ],
    [{ stage: 'on' }, 'is not a stage of a feature'],
    [{ accounts: ['a'] }, 'Did you mean "targeting"?'],
  ])('is checked at the border, and changes nothing: %j', async (wrong, message) => {
    const { control, events } = await setUp();
    const asked = control.setFeature({ name: NAME, stage: 'live', reason: 'go', ...wrong } as never);
    await expect(asked).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(message) });
    expect(await events()).toHaveLength(1);
  });

  test.each([
    [{}, 'asks for runs, days or agreement'],
    [{ runs: -1 }, 'a whole number of shadow runs'],
    [{ runs: 1.5 }, 'a whole number of shadow runs'],
    [{ runs: 10_001 }, 'from 0 to 10000'],
    [{ days: 366 }, 'from 0 to 365'],
    [{ agreement: 95 }, 'a share from 0 to 1'],
    [{ agreement: Number.NaN }, 'a share from 0 to 1'],
    [{ runs: 1, name: 7 }, 'is not the name of a feature'],
  ])('is a requirement that can be met: %j', async (wrong, message) => {
    const { control } = await setUp();
    const asked = control.setRequirement({ name: NAME, ...wrong } as never);
    await expect(asked).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(message) });
  });

  test('with a rule is said again where its members stand in another order', () => {
    const desk = started();
    const rule = { if: [{ in: [{ var: 'account_id' }, ['a']] }, 'shadow'] };
    desk.do({ type: 'feature', name: 'f', stage: 'dark', targeting: rule, reason: 'r' });
    expect(desk.do({ type: 'feature', name: 'f', stage: 'dark', targeting: structuredClone(rule) }).already).toBe(true);
    expect(desk.do({ type: 'feature', name: 'f', stage: 'dark', targeting: {} }).already).toBe(false);
    expect(desk.do({ type: 'feature', name: 'f', stage: 'dark' }).already).toBe(true);
    expect(desk.state.get('feature', 'f')).not.toHaveProperty('targeting');
    desk.do({ type: 'feature', name: 'f', stage: 'dark', targeting: rule, reason: 'r' });
    const { event } = desk.do({ type: 'requirement', name: 'f', asked: { runs: 1 } });
    expect(event.data).toMatchObject({
      stage: 'dark',
      targeting: rule,
      requirement: { runs: 1, days: 0, agreement: 0 },
    });
    expect(desk.state.get('feature', 'f')?.shadow_since).toBe(desk.time);
  });
});
