import { describe, expect, test, vi } from 'vitest';
import type { Intervention, Seen, ShadowRun, SurfaceRecord } from '../../flags/index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import type { KeptText } from '../../store/ports.ts';
import {
  executorReports,
  newestTexts,
  readInterventions,
  readSeen,
  readSurfaces,
  reportsInTime,
} from '../../store/reports.ts';

const record = (id: string, at: string): Intervention => ({
  id,
  at,
  executor_id: 'e',
  executor_name: 'mailer',
  type: 'HARD_BLOCK',
  outcome: 'BLOCKED',
  verdict: 'block',
  status: 'blocked',
  state: 'refused',
  action: 'mail.send',
  effect: 'write',
  surface: 'tool',
  agent_id: 'x',
  run_id: null,
  mission_id: null,
  mode: 'full_stop',
  epoch: 3,
  cause: { kind: 'kill' },
  input: null,
  proposal: false,
});

const shadowRun = (): ShadowRun => ({
  kind: 'shadow',
  id: 's-1',
  at: '2026-01-01T00:00:00.000Z',
  executor_id: 'e',
  executor_name: 'mailer',
  feature: 'returns.auto',
  action: 'mail.send',
  agent_id: 'x',
  run_id: 'r-1',
  mission_id: null,
  epoch: 3,
  input: null,
  input_hash: null,
  draft: null,
  proposal_id: null,
});

const NOTHING = async () => ({ texts: [], problems: [] });
const NO_OTHERS = { notices: NOTHING, shadow: NOTHING };

const NOON = Date.parse('2026-01-02T12:00:00.000Z');

/** What an executor has met: this agent, at that time. */
const sight = (agent_id: string, at: number): Seen => ({
  at: new Date(at).toISOString(),
  executor: 'mailer',
  agent_id,
  mission_id: null,
  run_id: null,
  action: 'mail.send',
  surface: 'tool',
  feature: null,
});

test('an intervention that was written twice, because an answer was lost, counts once; unreadable ones are counted apart', async () => {
  const store = memoryStore();
  const scope = { organizationId: 'default', requestTimeoutMs: 1000 };
  const mailer = { executorId: 'e', executorName: 'mailer' };
  const { shelf } = store.open({ ...scope, ...mailer });
  const [first, second] = [record('1', '2026-01-01T00:00:00.000Z'), record('2', '2026-01-01T00:00:01.000Z')];
  const reports = executorReports(shelf, mailer);
  await reports.record([first]);
  await reports.record([first, second]);
  await shelf.appendInterventions(['this is no record']);
  const read = await readInterventions(memoryControlStore(store).open(scope).shelf, 100);
  expect(read.interventions.map(({ id }) => id)).toEqual(['2', '1']);
  expect(read.unreadable).toBe(1);
});

test('the texts of several lists are in the order in which they were made, and problems come before them', async () => {
  const at = (second: number): string => JSON.stringify(record(`${second}`, `2026-01-01T00:00:0${second}.000Z`));
  const texts = [at(1), at(4), 'no record', at(2), at(3)].map((text) => ({ text }));
  const shelf = {
    interventions: async () => ({ texts, problems: ['a file was left out'] }),
    proposals: async () => ({ texts: [], problems: [] }),
    ...NO_OTHERS,
    seen: async () => ({ texts: [], problems: [] }),
    all: async () => [],
  };
  const newest = (limit: number) => newestTexts(shelf, 'interventions', limit);
  const inOrder = ['(a file was left out)', 'no record', at(1), at(2), at(3), at(4)];
  expect((await newest(9)).map(({ text }) => text)).toEqual(inOrder);
  const { interventions, unreadable } = await readInterventions(shelf, 9);
  expect(interventions.map(({ id }) => id)).toEqual(['4', '3', '2', '1']);
  expect(unreadable).toBe(2);
});

describe('what an executor reports', () => {
  const surface: SurfaceRecord = {
    action: 'mail.send',
    effect: 'write',
    surface: 'tool',
    feature: null,
    irreversible: true,
    draft: false,
    redirect: false,
    reverse: false,
    limits: [],
    last_used: null,
  };
  const checkpoint = { run_id: 'r', name: 'first', state: { at: 3 }, at: '2026-01-01T00:00:00.000Z', epoch: 3 };

  /** A shelf on which a test sees what is put. */
  const setUp = () => {
    const kept = new Map<string, string>();
    const shelf = {
      appendInterventions: vi.fn(async (_texts: readonly string[]) => {}),
      appendProposals: vi.fn(async (_texts: readonly string[]) => {}),
      appendSeen: vi.fn(async (_texts: readonly string[]) => {}),
      appendNotices: vi.fn(async (_texts: readonly string[]) => {}),
      appendShadow: vi.fn(async (_texts: readonly string[]) => {}),
      put: async (name: string, id: string, text: string) => void kept.set(`${name} ${id}`, text),
      get: async (name: string, id: string) => kept.get(`${name} ${id}`) ?? null,
      remove: async (name: string, id: string) => void kept.delete(`${name} ${id}`),
    };
    return { kept, shelf, reports: executorReports(shelf, { executorId: 'e', executorName: 'mailer' }) };
  };

  test('goes where it belongs: proposals apart from the other interventions, and nothing where there is none', async () => {
    const { shelf, reports } = setUp();
    const [plain, proposal] = [record('1', '2026-01-01T00:00:00.000Z'), record('2', '2026-01-01T00:00:00.000Z')];
    const proposed = { ...proposal, proposal: true };
    await reports.record([plain]);
    expect(shelf.appendProposals).not.toHaveBeenCalled();
    await reports.record([proposed]);
    expect(shelf.appendInterventions.mock.calls).toEqual([[[JSON.stringify(plain)]]]);
    expect(shelf.appendProposals.mock.calls).toEqual([[[JSON.stringify(proposed)]]]);
    await reports.record([proposed, plain]);
    expect(shelf.appendInterventions.mock.lastCall).toEqual([[JSON.stringify(plain)]]);
    expect(shelf.appendProposals.mock.lastCall).toEqual([[JSON.stringify(proposed)]]);
    expect(shelf.appendNotices).not.toHaveBeenCalled();
    const notice = { ...plain, verdict: 'allow' as const, status: 'started' };
    await reports.record([notice, plain]);
    expect(shelf.appendNotices.mock.calls).toEqual([[[JSON.stringify(notice)]]]);
    expect(shelf.appendInterventions.mock.lastCall).toEqual([[JSON.stringify(plain)]]);
  });

  test('of what was met is added as it is, and nothing where there is nothing', async () => {
    const { shelf, reports } = setUp();
    await reports.see([]);
    expect(shelf.appendSeen).not.toHaveBeenCalled();
    await reportsInTime(reports, 1000).see([sight('a', NOON), sight('b', NOON)]);
    expect(shelf.appendSeen.mock.calls).toEqual([
      [[JSON.stringify(sight('a', NOON)), JSON.stringify(sight('b', NOON))]],
    ]);
  });

  test('has a checkpoint a run, until it is removed; one that cannot be read is an error', async () => {
    const { kept, reports } = setUp();
    expect(await reports.lastCheckpoint('r')).toBeNull();
    await reports.saveCheckpoint(checkpoint);
    expect([...kept.keys()]).toEqual(['checkpoints r']);
    expect(await reports.lastCheckpoint('r')).toEqual(checkpoint);
    await reports.removeCheckpoint('r');
    expect(await reports.lastCheckpoint('r')).toBeNull();
    for (const broken of ['{', '{}']) {
      kept.set('checkpoints r', broken);
      await expect(reports.lastCheckpoint('r')).rejects.toMatchObject({
        code: 'CORRUPT',
        message: 'The checkpoint of the run "r" cannot be read.',
      });
    }
  });

  test('says what can act there; one surface that cannot be read makes that executor’s unknown, and no other’s', async () => {
    const { kept, reports } = setUp();
    await reports.describe([surface]);
    const shelf = {
      interventions: async () => ({ texts: [], problems: [] }),
      proposals: async () => ({ texts: [], problems: [] }),
      ...NO_OTHERS,
      seen: async () => ({ texts: [], problems: [] }),
      all: async (name: string) => [
        { id: 'e', text: kept.get(`${name} e`) ?? '', writer: 'uid 7' },
        { id: 'half', text: JSON.stringify([surface, {}]) },
        { id: 'no list', text: '{}' },
        { id: 'no JSON', text: '{' },
      ],
    };
    expect(await readSurfaces(shelf)).toEqual([
      { id: 'e', writer: 'uid 7', records: [surface] },
      { id: 'half', writer: null, records: null },
      { id: 'no list', writer: null, records: null },
      { id: 'no JSON', writer: null, records: null },
    ]);
  });

  test('is given up in time, each by its own name', async () => {
    const { reports } = setUp();
    const inTime = reportsInTime(reports, 1000);
    await inTime.saveCheckpoint(checkpoint);
    expect(await inTime.lastCheckpoint('r')).toEqual(checkpoint);
    expect(inTime).toMatchObject({ executorId: 'e', executorName: 'mailer' });
    const never = (): Promise<never> => new Promise(() => {});
    const silent = reportsInTime(
      {
        executorId: 'e',
        executorName: 'mailer',
        record: never,
        see: never,
        recordShadow: never,
        describe: never,
        removeCheckpoint: never,
        saveCheckpoint: never,
        lastCheckpoint: never,
      },
      1000,
    );
    vi.useFakeTimers();
    try {
      for (const [ask, what] of [
        [() => silent.record([]), 'record'],
        [() => silent.see([]), 'see'],
        [() => silent.recordShadow(shadowRun()), 'shadow'],
        [() => silent.describe([]), 'describe'],
        [() => silent.removeCheckpoint('r'), 'checkpoint'],
        [() => silent.saveCheckpoint(checkpoint), 'checkpoint'],
        [() => silent.lastCheckpoint('r'), 'checkpoint'],
      ] as const) {
        const answer = ask().catch((error: unknown) => error);
        await vi.advanceTimersByTimeAsync(1010); // the time, and some turns of the event loop
        expect(await answer).toMatchObject({
          code: 'STORE_UNREACHABLE',
          message: `The store did not answer (${what}) within 1000 ms.`,
        });
      }
    } finally {
      vi.useRealTimers();
    }
  });
});

test('the newest interventions and proposals come together, at most as many of each list as were asked for', async () => {
  const at = (second: number): { text: string } => ({
    text: JSON.stringify(record(`${second}`, `2026-01-01T00:00:0${second}.000Z`)),
  });
  const shelf = {
    interventions: async (limit: number) => ({ texts: [at(1), at(3), at(5)].slice(-limit), problems: [] }),
    proposals: async (limit: number) => ({ texts: [at(0), at(2)].slice(-limit), problems: [] }),
    ...NO_OTHERS,
    seen: async () => ({ texts: [], problems: [] }),
    all: async () => [],
  };
  const ids = async (limit: number, proposalsOnly?: boolean) =>
    (await readInterventions(shelf, limit, proposalsOnly)).interventions.map(({ id }) => id);
  expect(await ids(9)).toEqual(['5', '3', '2', '1', '0']);
  expect(await ids(1)).toEqual(['5', '2']); // the proposal too, though two refusals are newer
  expect(await ids(9, true)).toEqual(['2', '0']);
});

describe('what executors have met', () => {
  const HOUR = 3_600_000;
  const told = (texts: readonly KeptText[], limit?: number, problems: readonly string[] = []) =>
    readSeen({ seen: async () => ({ texts, problems }) }, NOON, limit);
  const read = async (texts: readonly KeptText[], limit?: number) =>
    (await told(texts, limit, ['a file was left out'])).records;
  const text = (agent: string, at: number, writer?: string): KeptText => ({
    text: JSON.stringify(sight(agent, at)),
    ...(writer !== undefined && { writer }),
  });

  test('is told for a day, the newest first, with its writer; a clock that is ahead or behind for less than that is believed', async () => {
    const texts = [
      text('two days old', NOON - 48 * HOUR),
      text('a day old', NOON - 24 * HOUR),
      text('an hour old', NOON - HOUR, 'uid 7'),
      text('an hour ahead', NOON + HOUR),
      text('far ahead', NOON + 25 * HOUR),
    ];
    expect(await read(texts)).toEqual([
      { ...sight('an hour ahead', NOON + HOUR), writer: null },
      { ...sight('an hour old', NOON - HOUR), writer: 'uid 7' },
      { ...sight('a day old', NOON - 24 * HOUR), writer: null },
    ]);
    expect((await read(texts, 1)).map(({ agent_id }) => agent_id)).toEqual(['an hour ahead']);
  });

  test('passes over what cannot be read, and what only a newer version knows', async () => {
    const seen = { ...sight('slowbot', NOON), lineage_agents: ['lead'] };
    const broken = [
      { ...seen, agent_id: undefined },
      { ...seen, agent_id: '' },
      { ...seen, agent_id: '\u001b[2J' },
      { ...seen, executor: null },
      { ...seen, lineage_runs: 'r-1' },
      { note: '"at":"2026-01-02T12:00:00.000Z"', ...seen, at: '2020-01-01T00:00:00.000Z' },
      [seen],
    ].map((each) => ({ text: JSON.stringify(each) }));
    const texts = [{ text: '{' }, { text: '' }, ...broken, { text: JSON.stringify({ ...seen, mood: 'good' }) }];
    expect(await read(texts)).toEqual([{ ...seen, writer: null }]);
  });

  test('of one writer hides nothing of another, however much it is', async () => {
    const flood = Array.from({ length: 5000 }, (_, n) => text(`evil-${n}`, NOON + 10 * HOUR + n, 'name evil'));
    const unreadable = flood.map(() => ({ text: `{"at":"${new Date(NOON).toISOString()}"}`, writer: 'name odd' }));
    const found = await read([...flood, ...unreadable, text('slowbot', NOON - HOUR, 'name honest')]);
    expect(found.at(-1)).toMatchObject({ agent_id: 'slowbot', writer: 'name honest' });
    expect(found.length).toBeLessThanOrEqual(5000);
  });

  test('is not the whole where a list is full, more is there than is read, or something could not be read', async () => {
    const many = (amount: number) => Array.from({ length: amount }, (_, n) => text(`a-${n}`, NOON - n, 'name mailer'));
    for (const [texts, limit, problems, whole] of [
      [many(1999), undefined, [], true],
      [many(2000), undefined, [], false],
      [many(10), 10, [], false],
      [many(9), 10, [], true],
      [many(1), undefined, ['a file was left out'], false],
    ] as const)
      expect((await told(texts, limit, problems)).whole).toBe(whole);
  });
});
