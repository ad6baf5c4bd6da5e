import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Stop } from '../../flags/index.ts';
import type { KeptStop, Stops } from '../../store/capabilities/stops.ts';
import type { SuiteTest } from './log.ts';
import { kill, pushesOf, type StoreSession, type TestExecutor } from './session.ts';

const stop = (target: string, more: { readonly id?: string; readonly reason?: string } = {}): Stop => ({
  ...{ id: randomUUID(), target, epoch: 1, by: 'executor', name: 'mailer', mode: 'paused', reason: null, ...more },
});

const stopsOf = ({ connection }: TestExecutor): Stops => {
  assert.ok(connection.stops, 'this driver keeps no stops');
  return connection.stops;
};

const listed = (kept: readonly KeptStop[]): Stop[] =>
  kept.map((each) => ('stop' in each ? each.stop : assert.fail(each.problem)));

const sorted = (stops: readonly Stop[]): Stop[] => stops.toSorted((a, b) => (a.id < b.id ? -1 : 1));

const confirmed = async (session: StoreSession, { connection, beat }: TestExecutor): Promise<readonly Stop[]> => {
  const { head } = await connection.load(null, randomUUID());
  assert.ok(session);
  return (await connection.confirm(beat(head), randomUUID())).stops;
};

/** The stops of executors, in a store whose control plane is initialised. */
export const STOP_TESTS: readonly SuiteTest[] = [
  {
    name: 'a stop is in every executor’s next confirmation, and operators read it',
    async run(session) {
      const control = await session.initialised();
      const [x, y] = [session.executor(), session.executor({ name: 'other' })];
      assert.deepEqual(await confirmed(session, y), []);
      const stops = [stop('run:r-1'), stop('agent:🛑', { reason: '“quoted”\n\u2028 ✋' })];
      for (const each of stops) await stopsOf(x).add(each);
      assert.deepEqual(sorted(await confirmed(session, y)), sorted(stops));
      assert.deepEqual(sorted(await confirmed(session, y)), sorted(stops));
      assert.deepEqual(sorted(await confirmed(session, session.executor())), sorted(stops));
      assert.ok(control.stops, 'this driver keeps no stops');
      assert.deepEqual(sorted(listed(await control.stops.list())), sorted(stops));
    },
  },
  {
    name: 'a stop that is sent again is one stop, and two executors may write one each',
    async run(session) {
      const control = await session.initialised();
      const [x, y] = [session.executor(), session.executor({ name: 'other' })];
      const [one, another] = [stop('run:r-1'), stop('run:r-1')];
      await stopsOf(x).add(one);
      await stopsOf(x).add(one);
      await stopsOf(y).add(another);
      assert.deepEqual(sorted(listed((await control.stops?.list()) ?? [])), sorted([one, another]));
    },
  },
  {
    name: 'a stop tells the others to confirm at once',
    async run(session) {
      const control = await session.initialised();
      const [x, y] = [session.executor(), session.executor({ name: 'other' })];
      let heard = 0;
      const pushes = pushesOf({
        follow: (listener) =>
          y.connection.follow((push) => {
            if (push.type === 'stops') heard += 1;
            listener(push);
          }),
      });
      await kill(control, 'run:other');
      await pushes.until('that it follows', () => pushes.gaps + pushes.events.length > 0);
      const before = heard;
      await stopsOf(x).add(stop('run:r-1'));
      await pushes.until('the stop', () => heard > before);
      pushes.stop();
    },
  },
  {
    name: 'a claim of an approval brings the stops like any confirmation',
    async run(session) {
      await session.initialised();
      const [x, y] = [session.executor(), session.executor({ name: 'other' })];
      const { head } = await y.connection.load(null, randomUUID());
      const { approvals } = y.connection;
      assert.ok(approvals, 'this driver has no approvals');
      const until = new Date(Date.now() + 3_600_000).toISOString();
      const claim = () =>
        approvals.claim(
          { id: randomUUID(), times: null, until, use: randomUUID() },
          { beat: y.beat(head), nonce: randomUUID() },
        );
      assert.deepEqual((await claim()).stops, []);
      const made = stop('run:r-1');
      await stopsOf(x).add(made);
      assert.deepEqual((await claim()).stops, [made]);
      assert.deepEqual((await claim()).stops, [made]);
    },
  },
  {
    name: 'an operator takes out those that are over, and only those',
    async run(session) {
      const control = await session.initialised();
      const [x, y] = [session.executor(), session.executor({ name: 'other' })];
      const [over, left] = [stop('run:r-1'), stop('run:r-2')];
      await stopsOf(x).add(over);
      await stopsOf(y).add(left);
      await control.stops?.drop([over.id, 'nobody has this']);
      assert.deepEqual(listed((await control.stops?.list()) ?? []), [left]);
      assert.deepEqual(await confirmed(session, session.executor()), [left]);
    },
  },
  {
    name: 'what is no stop is refused before it is kept',
    async run(session) {
      const control = await session.initialised();
      const stops = stopsOf(session.executor());
      const wrong = [
        { ...stop('run:r-1'), target: 'nobody' },
        { ...stop('run:r-1'), reason: 'x'.repeat(2001) },
        { ...stop('run:r-1'), epoch: -1 },
        { ...stop('run:r-1'), more: 1 },
      ];
      for (const each of wrong) await assert.rejects(stops.add(each), { code: 'INVALID_ARGUMENT' });
      assert.deepEqual(await control.stops?.list(), []);
    },
  },
];
