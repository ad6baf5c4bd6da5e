import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type Head, stateFrom } from '../../flags/index.ts';
import { change, kill, logOf, type StoreSession } from './session.ts';
import type { SuiteTest } from './log.ts';

const LONGEST = 'a'.repeat(512);

/** Ids that must be names like any other. */
export const ODD_IDS: readonly string[] = [
  '__proto__',
  'constructor',
  'hasOwnProperty',
  '*',
  'a:b',
  '{x}',
  '..',
  '.',
  '../../etc/passwd',
  'a/b\\c',
  '%2e%2e',
  'Case',
  'case',
  ' ',
  'a b\u00a0',
  'e\u0301',
  'é',
  '🛑',
  '‮rtl',
  '"quoted\'',
  '$(x) `y`',
  LONGEST,
  `${LONGEST.slice(1)}b`,
  '🛑'.repeat(512),
];

const executorIds = async (session: StoreSession, organizationId?: string): Promise<string[]> =>
  (await session.control(organizationId).executors()).map(({ id }) => id).sort();

/** What an executor reports and learns when it confirms. */
export const CONFIRM_TESTS: readonly SuiteTest[] = [
  {
    name: 'a confirmation of the present head brings no events',
    async run(session) {
      const { head } = await kill(await session.initialised(), 'all');
      assert.deepEqual(await session.executor().confirm(head), { head, events: [], forkReported: false });
    },
  },
  {
    name: 'a confirmation brings exactly the events after the head that is held',
    async run(session) {
      const control = await session.initialised();
      const held = [(await control.read([])).head, (await kill(control, 'run:1')).head];
      const executor = session.executor();
      assert.deepEqual((await executor.confirm(held[1] ?? null)).events, []);
      const { head } = await kill(control, 'run:2');
      const log = await logOf(control);
      for (const [index, each] of held.entries()) {
        for (const asker of [executor, session.executor()]) {
          const confirmation = await asker.confirm(each);
          assert.deepEqual(confirmation, { head, events: log.slice(index + 1), forkReported: false });
        }
      }
    },
  },
  {
    name: 'an executor that holds nothing gets the answer to load, and then holds the head',
    async run(session) {
      const { head } = await kill(await session.initialised(), 'all');
      const { connection, confirm } = session.executor();
      assert.deepEqual(await confirm(null), { head, events: 'reload', forkReported: false });
      const snapshot = await connection.load(null, 'n');
      assert.ok(snapshot.head);
      assert.deepEqual((await confirm(stateFrom(snapshot.entries, snapshot.head).head)).events, []);
    },
  },
  {
    name: 'a head that is not in the chain is contradicted, by confirming and by loading',
    async run(session) {
      const control = await session.initialised();
      const before = (await control.read([])).head;
      const { head } = await kill(control, 'all');
      assert.ok(before);
      const { connection, confirm } = session.executor();
      const strangers = [
        { ...head, hash: 'f'.repeat(64) },
        { ...head, hash: 'f'.repeat(64), epoch: head.epoch + 1 },
        { ...head, hash: 'f'.repeat(64), epoch: 1 },
      ];
      for (const stranger of strangers) {
        assert.deepEqual(await confirm(stranger), { head, events: null, forkReported: false });
        assert.equal((await connection.load(stranger, 'n')).linked, false);
      }
      for (const own of [before, head]) assert.equal((await connection.load(own, 'n')).linked, true);
    },
  },
  {
    name: 'operators see the last beat of every executor, as it was reported',
    async run(session) {
      const control = await session.initialised();
      const { head } = await control.read([]);
      const [x, y] = [session.executor(), session.executor({ name: 'pricer' })];
      await x.confirm(null);
      await x.confirm(head, { in_flight: 7, agents: [], at: '2026-01-01T00:00:02.000Z' });
      await y.confirm(head);
      const reported = await control.executors();
      const { time: now } = await control.read([]);
      // Only some stores name the writer, each in its own way.
      const beats = new Map(
        reported.map(({ writer, heard_at, ...beat }) => {
          // Only some stores say when they were given a beat: by their own clock, whatever the executor's shows.
          const age = heard_at === undefined ? 0 : Date.parse(now) - Date.parse(heard_at);
          assert.ok(age >= 0 && age < 10_000, `heard at ${heard_at}, and the store's time is ${now}`);
          return [beat.id, writer === '' ? null : beat];
        }),
      );
      assert.deepEqual(
        beats,
        new Map([
          [x.id, x.beat(head, { in_flight: 7, agents: [], at: '2026-01-01T00:00:02.000Z' })],
          [y.id, y.beat(head)],
        ]),
      );
    },
  },
  {
    name: 'an executor leaves the count by leaving, or by an operator’s word, and comes back by reporting',
    async run(session) {
      const control = await session.initialised();
      const [x, y] = [session.executor({ id: 'x' }), session.executor({ id: 'y' })];
      await x.confirm(null);
      await y.confirm(null);
      assert.deepEqual(await executorIds(session), ['x', 'y']);
      await x.connection.leave();
      await x.connection.leave();
      assert.deepEqual(await executorIds(session), ['y']);
      await control.forget('y');
      await control.forget('nobody');
      assert.deepEqual(await executorIds(session), []);
      await y.confirm(null);
      assert.deepEqual(await executorIds(session), ['y']);
    },
  },
  {
    name: 'nobody can report in the name of another executor',
    async run(session) {
      await session.initialised();
      const [x, y] = [session.executor(), session.executor()];
      await assert.rejects(x.connection.confirm(y.beat(null), 'n'));
      assert.deepEqual(await executorIds(session), []);
    },
  },
  {
    name: 'a reported fork stops everyone, also when its reporter leaves, is forgotten, or reports it no longer',
    async run(session) {
      const control = await session.initialised();
      const { head } = await control.read([]);
      assert.ok(head);
      const [x, y] = [session.executor(), session.executor()];
      assert.equal((await y.confirm(head)).forkReported, false);
      const held = { ...head, hash: 'e'.repeat(64), epoch: 9 };
      assert.equal((await x.confirm(held, { fork: { against: head.generation, held } })).forkReported, true);
      assert.equal((await y.confirm(head)).forkReported, true);
      assert.equal((await x.confirm(head)).forkReported, true);
      await x.connection.leave();
      assert.equal((await y.confirm(head)).forkReported, true);
      await control.forget(x.id);
      assert.equal((await session.executor().confirm(head)).forkReported, true);
      const later = await kill(control, 'all');
      assert.equal((await y.confirm(later.head)).forkReported, true);
    },
  },
  {
    name: 'a fork counts only against the generation that it was reported of',
    async run(session) {
      const { head } = await (await session.initialised()).read([]);
      const [x, y] = [session.executor(), session.executor()];
      assert.equal((await x.confirm(head, { fork: { against: randomUUID(), held: head } })).forkReported, false);
      assert.equal((await x.confirm(head, { fork: { against: '', held: null } })).forkReported, false);
      assert.equal((await y.confirm(head)).forkReported, false);
    },
  },
  {
    name: 'a report that proves no loss stops nobody: its head is in the chain, of an unknown generation, of an impossible epoch, or null',
    async run(session) {
      const control = await session.initialised();
      const before = (await control.read([])).head;
      const { head } = await kill(control, 'all');
      assert.ok(before);
      const [liar, honest] = [session.executor(), session.executor()];
      const hash = 'e'.repeat(64);
      const stops = async (held: Head | null): Promise<boolean> => {
        await liar.confirm(head, { fork: { against: head.generation, held } });
        return (await honest.confirm(head)).forkReported;
      };
      assert.equal(await stops(head), false);
      assert.equal(await stops(before), false);
      assert.equal(await stops(null), false);
      assert.equal(await stops({ ...head, hash, generation: randomUUID() }), false);
      assert.equal(await stops({ ...head, hash, epoch: 2 ** 47 }), false);
      assert.equal(await stops({ ...head, hash }), true);
    },
  },
  {
    name: 'after a recover an old false report stops nobody again, and a new one only with a head that the new log lacks',
    async run(session) {
      const control = await session.initialised();
      const { head } = await kill(control, 'all');
      const [liar, honest] = [session.executor(), session.executor()];
      const held = { ...head, hash: 'e'.repeat(64), epoch: head.epoch + 1 };
      await liar.confirm(head, { fork: { against: head.generation, held } });
      assert.equal((await honest.confirm(head)).forkReported, true);
      const recovered = await change(control, 'recover', { generation: randomUUID(), given_up: [held] }, held.epoch);
      await liar.confirm(head, { fork: { against: head.generation, held } });
      assert.equal((await honest.confirm(recovered.head)).forkReported, false);
      await liar.confirm(head, { fork: { against: recovered.head.generation, held: recovered.head } });
      assert.equal((await honest.confirm(recovered.head)).forkReported, false);
    },
  },
  {
    name: 'odd ids are targets and executors like any other',
    async run(session) {
      const control = await session.initialised();
      for (const id of ODD_IDS) {
        await kill(control, `agent:${id}`);
        await session.executor({ id, name: id }).confirm(null);
      }
      const { head, entries } = await session.executor().connection.load(null, 'n');
      assert.ok(head);
      const state = stateFrom(entries, head);
      assert.deepEqual([...state.kills.agent.keys()].sort(), [...ODD_IDS].sort());
      const view = await control.read(ODD_IDS.map((id) => `kill:agent:${id}`));
      for (const id of ODD_IDS) assert.equal(view.get('kill', `agent:${id}`)?.target, `agent:${id}`);
      assert.deepEqual(await executorIds(session), [...ODD_IDS].sort());
      for (const id of ODD_IDS) await control.forget(id);
      assert.deepEqual(await executorIds(session), []);
    },
  },
  {
    name: 'odd ids are organizations like any other, and none sees anything of another',
    async run(session) {
      for (const id of ODD_IDS) {
        const control = await session.initialised(id);
        await kill(control, `agent:${id}`);
        const { confirm } = session.executor({ organizationId: id, id });
        const { head } = await control.read([]);
        assert.ok(head);
        const held = { ...head, hash: 'e'.repeat(64) };
        await confirm(head, { fork: id === 'case' ? { against: head.generation, held } : null });
      }
      for (const id of ODD_IDS) {
        const { head, entries } = await session.executor({ organizationId: id }).connection.load(null, 'n');
        assert.ok(head);
        assert.deepEqual([...stateFrom(entries, head).kills.agent.keys()], [id]);
        assert.deepEqual(await executorIds(session, id), [id]);
        const { forkReported } = await session.executor({ organizationId: id }).confirm(head);
        assert.equal(forkReported, id === 'case');
        assert.equal((await logOf(session.control(id))).length, 2);
      }
    },
  },
];
