import { expect, test } from 'vitest';
import type { Intervention } from '../../flags/index.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import { executorReports, newestTexts, readInterventions } from '../../store/reports.ts';

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

test('the newest of several lists are chosen by when they were made, and problems come before them', async () => {
  const at = (second: number): string => JSON.stringify(record(`${second}`, `2026-01-01T00:00:0${second}.000Z`));
  const texts = [at(1), at(4), 'no record', at(2), at(3)].map((text) => ({ text }));
  const shelf = {
    interventions: async () => ({ texts, problems: ['a file was left out'] }),
    proposals: async () => ({ texts: [], problems: [] }),
    all: async () => [],
  };
  const newest = (limit: number) => newestTexts(shelf, 'interventions', limit);
  expect((await newest(2)).map(({ text }) => text)).toEqual(['(a file was left out)', at(3), at(4)]);
  expect((await newest(9)).map(({ text }) => text).slice(1)).toEqual(['no record', at(1), at(2), at(3), at(4)]);
  expect(await readInterventions(shelf, 2)).toMatchObject({ interventions: [{ id: '4' }, { id: '3' }], unreadable: 1 });
});
