import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { change, kill, logOf, plan, pushesOf } from './session.ts';
import type { SuiteTest } from './log.ts';

/** Stores that lose events, are restored from a backup, or are recovered. */
export const LOSS_TESTS: readonly SuiteTest[] = [
  {
    name: 'a wiped store has no head, and contradicts every head that was held',
    async run(session) {
      const control = await session.initialised();
      const { head } = await kill(control, 'all');
      const { connection, confirm } = session.executor();
      await confirm(head);
      await session.harness.wipe();
      assert.deepEqual(await confirm(head), { head: null, events: null, forkReported: false });
      const snapshot = await connection.load(head, 'n');
      assert.deepEqual([snapshot.head, [...snapshot.entries], snapshot.linked], [null, [], false]);
      assert.equal((await control.read(['control'])).head, null);
      assert.deepEqual(await logOf(control), []);
    },
  },
  {
    name: 'a change planned before the store was wiped is not appended to the empty one',
    async run(session) {
      const control = await session.initialised();
      const planned = await plan(control, 'mode', { mode: 'live', targeting: null });
      await session.harness.wipe();
      assert.equal(await control.append(planned), false);
      assert.equal((await control.read([])).head, null);
    },
  },
  {
    name: 'a store that was wiped and made anew contradicts the heads of the old one',
    async run(session) {
      const old = await kill(await session.initialised(), 'all');
      const { connection, confirm } = session.executor();
      await confirm(old.head);
      await session.harness.wipe();
      const { head } = await (await session.initialised()).read([]);
      assert.deepEqual(await confirm(old.head), { head, events: null, forkReported: false });
      assert.equal((await connection.load(old.head, 'n')).linked, false);
      assert.equal((await connection.load(head, 'n')).linked, true);
    },
  },
  {
    name: 'a store restored from an older copy contradicts what came after it, also once it has gone on',
    async run(session) {
      const control = await session.initialised();
      const copied = await kill(control, 'run:1');
      await session.harness.copy();
      const lost = await kill(control, 'run:2');
      const [held, behind] = [session.executor(), session.executor()];
      assert.deepEqual((await held.confirm(lost.head)).events, []);
      await session.harness.restore();
      assert.deepEqual(await held.confirm(lost.head), { head: copied.head, events: null, forkReported: false });
      assert.equal((await held.connection.load(lost.head, 'n')).linked, false);
      assert.deepEqual((await behind.confirm(copied.head)).events, []);
      const next = await kill(control, 'run:3');
      assert.equal(next.event.seq, lost.event.seq);
      assert.deepEqual(await held.confirm(lost.head), { head: next.head, events: null, forkReported: false });
      assert.deepEqual((await behind.confirm(copied.head)).events, [next.event]);
      assert.equal((await session.executor().confirm(lost.head)).events, null);
    },
  },
  {
    name: 'a follower of a store that is lost or restored finds that out by confirming, and gets the events after it',
    async run(session) {
      const control = await session.initialised();
      await session.harness.copy();
      const { connection, confirm } = session.executor();
      await connection.load(null, 'n');
      const pushes = pushesOf(connection);
      const lost = await kill(control, 'run:1');
      await pushes.until('the first change', () => pushes.events.length + pushes.gaps > 0);
      await session.harness.restore();
      assert.equal((await confirm(lost.head)).events, null);
      const again = session.control();
      const next = await kill(again, 'run:2');
      const gaps = pushes.gaps;
      await pushes.until(
        'the change after it, or a gap',
        () => pushes.events.some(({ hash }) => hash === next.event.hash) || pushes.gaps > gaps,
      );
    },
  },
  {
    name: 'a recover goes beyond what was lost, ends the reported forks, and is not undone by a late report',
    async run(session) {
      const control = await session.initialised();
      const first = (await control.read([])).head;
      assert.ok(first);
      await session.harness.copy();
      const lost = [await kill(control, 'run:1'), await kill(control, 'run:2')].at(-1);
      assert.ok(lost);
      await session.harness.restore();
      const [x, y] = [session.executor(), session.executor()];
      const fork = { against: first.generation, held: lost.head };
      assert.equal((await x.confirm(lost.head, { fork })).forkReported, true);
      const data = { generation: randomUUID(), given_up: [lost.head] };
      const { head, event } = await change(control, 'recover', data, lost.head.epoch);
      assert.equal(event.seq, lost.head.epoch + 1);
      assert.deepEqual(head, {
        generation: data.generation,
        recovered: true,
        epoch: lost.head.epoch + 1,
        hash: event.hash,
      });
      assert.deepEqual(await y.confirm(first), { head, events: [event], forkReported: false });
      assert.deepEqual(await x.confirm(lost.head, { fork }), { head, events: null, forkReported: false });
      assert.equal((await y.confirm(head)).forkReported, false);
      const next = await kill(control, 'run:3');
      assert.equal(next.event.seq, head.epoch + 1);
      assert.deepEqual(
        (await logOf(session.control())).map(({ seq }) => seq),
        [1, head.epoch, head.epoch + 1],
      );
    },
  },
  {
    name: 'a wiped store can be recovered beyond what it had',
    async run(session) {
      const control = await session.initialised();
      const { head: lost } = await kill(control, 'all');
      await session.harness.wipe();
      const data = { generation: randomUUID(), given_up: [lost] };
      const { head } = await change(control, 'recover', data, lost.epoch);
      assert.equal(head.epoch, lost.epoch + 1);
      const { connection, confirm } = session.executor();
      assert.deepEqual(await confirm(lost), { head, events: null, forkReported: false });
      const snapshot = await connection.load(lost, 'n');
      assert.deepEqual([snapshot.head, snapshot.linked], [head, false]);
      assert.deepEqual((await confirm(head)).events, []);
    },
  },
  {
    name: 'an anchor is kept for the executor of this name, over restarts and over the loss of the store',
    async run(session) {
      const { head } = await kill(await session.initialised(), 'all');
      const { anchor } = session.executor({ name: 'pricer' }).connection;
      if (anchor === null) return; // a store without anchors
      assert.equal(anchor.read(), null);
      anchor.write({ head, generations: [head.generation] });
      const later = { head: { ...head, epoch: head.epoch + 1 }, generations: [head.generation, 'b'] };
      anchor.write(later);
      await session.harness.wipe();
      assert.deepEqual(session.executor({ name: 'pricer' }).connection.anchor?.read(), later);
    },
  },
];
