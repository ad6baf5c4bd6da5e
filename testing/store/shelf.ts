import assert from 'node:assert/strict';
import type { Intervention, Seen } from '../../flags/index.ts';
import { KEPT_CHECKPOINTS, KEPT_SEEN, type KeptText } from '../../store/ports.ts';
import { executorReports, newestTexts, readInterventions, readSeen, readSurfaces } from '../../store/reports.ts';
import { ODD_IDS } from './confirm.ts';
import type { SuiteTest } from './log.ts';
import { plainSurface } from './surface.ts';

const record = (name: string, second: number): string =>
  JSON.stringify({ id: name, at: new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString(), note: '✋ \n "quoted"' });

const plain = (kept: readonly KeptText[]): string[] => kept.map(({ text }) => text);
const textsOf = (kept: ReadonlyArray<KeptText & { readonly id: string }>): Map<string, string> =>
  new Map(kept.map(({ id, text }) => [id, text]));

const NO_REPORTS = [
  '{',
  'null',
  '{}',
  '"x"',
  '7',
  '{"__proto__":[]}',
  '[null]',
  '[{"action":7}]',
  `[${'['.repeat(100_000)}`,
];

const SURFACE = plainSurface('mail.send');

const intervention = (id: string, proposal: boolean): string => {
  const record: Intervention = {
    id,
    at: new Date().toISOString(),
    executor_id: 'honest',
    executor_name: 'honest',
    type: 'HARD_BLOCK',
    outcome: 'BLOCKED',
    verdict: 'block',
    status: 'blocked',
    state: 'refused',
    action: 'mail.send',
    effect: 'write',
    surface: null,
    agent_id: null,
    run_id: null,
    mission_id: null,
    mode: 'full_stop',
    epoch: 1,
    cause: { kind: 'mode' },
    input: null,
    proposal,
  };
  return JSON.stringify(record);
};

const sight = (executor: string): Seen => ({
  at: new Date().toISOString(),
  executor,
  agent_id: 'slowbot',
  mission_id: null,
  run_id: 'r-1',
  action: 'mail.send',
  surface: null,
  feature: null,
  lineage_agents: ['lead'],
});

/** Reports of executors beside their beats, in a store whose control plane is initialised. */
export const SHELF_TESTS: readonly SuiteTest[] = [
  {
    name: 'interventions of all executors come back as they were written, the newest last',
    async run(session) {
      const control = await session.initialised();
      assert.deepEqual(await newestTexts(control.shelf, 'interventions', 10), []);
      const [x, y] = [session.executor(), session.executor()];
      await x.connection.shelf.appendInterventions([record('a', 1), record('b', 2)]);
      await y.connection.shelf.appendInterventions([record('c', 3)]);
      await x.connection.shelf.appendInterventions([record('d', 4)]);
      const all = [record('a', 1), record('b', 2), record('c', 3), record('d', 4)];
      assert.deepEqual(plain(await newestTexts(control.shelf, 'interventions', 10)), all);
      const newest = plain(await newestTexts(session.control().shelf, 'interventions', 2)); // of each list
      assert.deepEqual(newest.slice(-2), all.slice(2));
      assert.deepEqual(await newestTexts(session.control('other').shelf, 'interventions', 10), []);
    },
  },
  {
    name: 'proposals are kept apart, so that no number of other interventions pushes them out',
    async run(session) {
      const control = await session.initialised();
      assert.deepEqual(await newestTexts(control.shelf, 'proposals', 10), []);
      const [x, y] = [session.executor({ id: 'x', name: 'x' }), session.executor({ id: 'y', name: 'y' })];
      for (const each of [x, y]) await each.confirm(null);
      await x.connection.shelf.appendProposals([record('p', 1)]);
      const refusals = Array.from({ length: 4000 }, (_, index) => record(`r${index}`, 2));
      for (let round = 0; round < 5; round += 1) await y.connection.shelf.appendInterventions(refusals);
      await y.connection.shelf.appendProposals([record('q', 3)]);
      await x.connection.shelf.appendProposals([record('s', 4)]);
      const all = [record('p', 1), record('q', 3), record('s', 4)];
      assert.deepEqual(plain(await newestTexts(control.shelf, 'proposals', 10)), all);
      assert.deepEqual(plain(await newestTexts(control.shelf, 'proposals', 1)), all.slice(1));
      assert.equal((await newestTexts(control.shelf, 'interventions', 3)).length, 3);
    },
  },
  {
    name: 'what executors have met is kept for each of them, and stays when they have left or are forgotten',
    async run(session) {
      const control = await session.initialised();
      assert.deepEqual(await newestTexts(control.shelf, 'seen', 10), []);
      const [x, y] = [session.executor({ id: 'x', name: 'x' }), session.executor({ id: 'y', name: 'y' })];
      for (const each of [x, y]) await each.confirm(null);
      await x.connection.shelf.appendSeen([record('a', 1), record('b', 2)]);
      await y.connection.shelf.appendSeen([record('c', 3)]);
      await x.connection.shelf.appendSeen([record('d', 4)]);
      const all = [record('a', 1), record('b', 2), record('c', 3), record('d', 4)];
      assert.deepEqual(plain(await newestTexts(control.shelf, 'seen', 10)), all);
      assert.deepEqual(plain((await control.shelf.seen(1)).texts).sort(), all.slice(2));
      await x.connection.leave();
      await control.forget('y');
      assert.deepEqual(await control.executors(), []);
      assert.deepEqual(plain(await newestTexts(control.shelf, 'seen', 10)), all);
      assert.deepEqual(await newestTexts(session.control('other').shelf, 'seen', 10), []);
      for (const kind of ['interventions', 'proposals'] as const)
        assert.deepEqual(await newestTexts(control.shelf, kind, 10), []);
    },
  },
  {
    name: 'notices and shadow runs are kept apart for each executor, so that no number of others pushes them out',
    async run(session) {
      const control = await session.initialised();
      const [x, y] = [session.executor({ id: 'x', name: 'x' }), session.executor({ id: 'y', name: 'y' })];
      for (const each of [x, y]) await each.confirm(null);
      for (const [kind, append, others] of [
        ['shadow', 'appendShadow', 'appendNotices'],
        ['notices', 'appendNotices', 'appendInterventions'],
      ] as const) {
        assert.deepEqual(await newestTexts(session.control('other').shelf, kind, 10), []);
        await x.connection.shelf[append]([record(`${kind} p`, 1), record(`${kind} q`, 2)]);
        const more = Array.from({ length: 4000 }, (_, index) => record(`${kind} r${index}`, 3));
        for (let round = 0; round < 5; round += 1) await y.connection.shelf[others](more);
        await y.connection.shelf[append]([record(`${kind} s`, 4)]);
        await x.connection.shelf[append]([record(`${kind} t`, 5)]);
        const own = [record(`${kind} p`, 1), record(`${kind} q`, 2), record(`${kind} t`, 5)];
        const found = plain(await newestTexts(control.shelf, kind, 20_000)).filter((text) => own.includes(text));
        assert.deepEqual(found, own);
        const newest = plain(await newestTexts(control.shelf, kind, 1)); // of each list
        for (const text of [record(`${kind} s`, 4), record(`${kind} t`, 5)]) assert.ok(newest.includes(text), text);
      }
      assert.deepEqual(await newestTexts(control.shelf, 'proposals', 10), []);
    },
  },
  {
    name: 'of what one executor has met the newest is kept, and no number of records pushes out those of another',
    async run(session) {
      const control = await session.initialised();
      const [x, y] = [session.executor({ id: 'x', name: 'x' }), session.executor({ id: 'y', name: 'y' })];
      for (const each of [x, y]) await each.confirm(null);
      await x.connection.shelf.appendSeen([record('x', 0)]);
      const long = (index: number): string => JSON.stringify({ index, note: 'n'.repeat(500) });
      const texts = Array.from({ length: 5 * KEPT_SEEN }, (_, index) => long(index));
      for (let from = 0; from < texts.length; from += 500)
        await y.connection.shelf.appendSeen(texts.slice(from, from + 500));
      const kept = new Set(plain((await control.shelf.seen(KEPT_SEEN)).texts));
      assert.deepEqual(
        texts.slice(-KEPT_SEEN).filter((text) => !kept.has(text)),
        [],
      );
      assert.ok(kept.has(record('x', 0)));
      assert.ok(!kept.has(texts[0] ?? ''), 'the oldest is gone');
    },
  },
  {
    name: 'a checkpoint is there until it is removed, and of too many the oldest go',
    async run(session) {
      await session.initialised();
      const { shelf } = session.executor().connection;
      await shelf.put('checkpoints', 'r', '{}');
      await shelf.remove('checkpoints', 'r');
      await shelf.remove('checkpoints', 'r');
      assert.equal(await shelf.get('checkpoints', 'r'), null);
      const ids = Array.from({ length: KEPT_CHECKPOINTS + 300 }, (_, index) => `r-${index}`);
      for (let from = 0; from < ids.length; from += 100)
        await Promise.all(ids.slice(from, from + 100).map((id) => shelf.put('checkpoints', id, '{}')));
      const kept = new Set((await session.control().shelf.all('checkpoints')).map(({ id }) => id));
      assert.ok(kept.size >= KEPT_CHECKPOINTS - 1 && kept.size < KEPT_CHECKPOINTS + 290, `${kept.size} are kept`);
      assert.ok(kept.has(ids.at(-1) ?? '') || kept.size === KEPT_CHECKPOINTS, 'the newest is there');
    },
  },
  {
    name: 'a report under an id is there for everyone of the organization until it is replaced, whatever the id',
    async run(session) {
      await session.initialised();
      const { shelf } = session.executor().connection;
      assert.equal(await shelf.get('checkpoints', 'r-1'), null);
      for (const id of ODD_IDS) await shelf.put('checkpoints', id, JSON.stringify({ id, turn: 1 }));
      for (const id of ODD_IDS) await shelf.put('checkpoints', id, JSON.stringify({ id, turn: 2 }));
      const other = session.executor().connection.shelf;
      for (const id of ODD_IDS) {
        assert.equal(await other.get('checkpoints', id), JSON.stringify({ id, turn: 2 }));
        assert.equal(await other.get('surfaces', id), null);
      }
      const all = textsOf(await session.control().shelf.all('checkpoints'));
      assert.deepEqual(all, new Map(ODD_IDS.map((id) => [id, JSON.stringify({ id, turn: 2 })])));
      assert.deepEqual(await session.control().shelf.all('surfaces'), []);
      assert.deepEqual(await session.control('other').shelf.all('checkpoints'), []);
    },
  },
  {
    name: 'an unreadable report hides no other',
    async run(session) {
      const control = await session.initialised();
      const [honest, odd] = [
        session.executor({ id: 'honest', name: 'honest' }),
        session.executor({ id: 'odd', name: 'odd' }),
      ];
      for (const each of [honest, odd]) await each.confirm(null);
      const readable = JSON.stringify([SURFACE]);
      await honest.connection.shelf.put('surfaces', 'honest', readable);
      await honest.connection.shelf.put('checkpoints', 'r-honest', '{}');
      await honest.connection.shelf.appendInterventions([intervention('i', false)]);
      await honest.connection.shelf.appendProposals([intervention('p', true)]);
      const seen = sight('honest');
      await executorReports(honest.connection.shelf, { executorId: 'honest', executorName: 'honest' }).see([seen]);
      for (const text of NO_REPORTS) {
        await odd.connection.shelf.put('surfaces', 'odd', text);
        await odd.connection.shelf.put('checkpoints', 'r-odd', text);
        await odd.connection.shelf.appendInterventions([text]);
        await odd.connection.shelf.appendProposals([text]);
        await odd.connection.shelf.appendSeen([text]);
        const surfaces = new Map((await readSurfaces(control.shelf)).map(({ id, records }) => [id, records]));
        assert.deepEqual(surfaces.get('honest'), [SURFACE]);
        assert.equal(surfaces.get('odd'), null, `${text.slice(0, 200)} was taken for surfaces`);
        const checkpoints = textsOf(await control.shelf.all('checkpoints'));
        assert.deepEqual([...checkpoints.keys()].sort(), ['r-honest', 'r-odd']);
        const reports = executorReports(odd.connection.shelf, { executorId: 'odd', executorName: 'odd' });
        await assert.rejects(reports.lastCheckpoint('r-odd'), { code: 'CORRUPT' });
      }
      const { interventions, unreadable } = await readInterventions(control.shelf, 1000);
      assert.deepEqual(interventions.map(({ id }) => id).sort(), ['i', 'p']);
      assert.ok(unreadable >= NO_REPORTS.length, `${unreadable} could not be read`);
      assert.deepEqual(
        (await readSeen(control.shelf, Date.now())).records.map(({ writer: _, ...record }) => record),
        [seen],
      );
    },
  },
  {
    name: 'the surfaces of an executor go with it, by leaving and by an operator’s word; its checkpoints stay',
    async run(session) {
      const control = await session.initialised();
      const [x, y] = [session.executor({ id: 'x' }), session.executor({ id: 'y' })];
      for (const each of [x, y]) {
        await each.confirm(null);
        await each.connection.shelf.put('surfaces', each.id, '[]');
        await each.connection.shelf.put('checkpoints', `r-${each.id}`, '{}');
      }
      await x.connection.leave();
      assert.deepEqual(textsOf(await control.shelf.all('surfaces')), new Map([['y', '[]']]));
      await control.forget('y');
      assert.deepEqual(await control.shelf.all('surfaces'), []);
      assert.deepEqual(
        textsOf(await control.shelf.all('checkpoints')),
        new Map([
          ['r-x', '{}'],
          ['r-y', '{}'],
        ]),
      );
    },
  },
];
