import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { entryKey, isKillSwitchError, State, stateFrom, timeSchema } from '../../flags/index.ts';
import type { ControlConnection } from '../../store/ports.ts';
import { change, kill, logOf, plan, pushesOf, type StoreSession } from './session.ts';

/** One test of a suite; its name says what it shows. */
export interface SuiteTest {
  readonly name: string;
  readonly run: (session: StoreSession) => Promise<void>;
}

/** Makes a log with every kind of entry. */
async function makeEverything(control: ControlConnection): Promise<void> {
  await kill(control, 'all');
  await kill(control, 'agent:a:b');
  await change(control, 'mode', { mode: 'live', targeting: { if: [{ '==': [{ var: 'agent_id' }, 'x'] }, 'paused'] } });
  await change(control, 'feature', { name: 'refunds', stage: 'gated' });
  await change(control, 'limit', { name: 'refund.max', value: 12.5 });
  await change(control, 'autonomy', { action: 'payments.refund', stage: 'trusted' });
  await change(control, 'flags', { definition: { flags: { hello: { state: 'ENABLED' } } } });
  const killed = (await control.read([entryKey('kill', 'all')])).get('kill', 'all');
  await change(control, 'revive', { id: killed?.id ?? '', target: 'all' });
}

async function folded(control: ControlConnection): Promise<State> {
  const state = new State();
  for (const event of await logOf(control)) state.take(event);
  return state;
}

/** What both sides of a store must do with the log: read, append and follow it. */
export const LOG_TESTS: readonly SuiteTest[] = [
  {
    name: 'a store in which nobody has made a control plane has no head, and says so to everyone',
    async run(session) {
      const control = session.control();
      const { connection, confirm } = session.executor();
      assert.equal((await control.read(['control'])).head, null);
      assert.equal((await control.read(['control'])).get('control'), undefined);
      assert.deepEqual(await logOf(control), []);
      for (const reader of [control, connection]) {
        const { head, entries, linked } = await reader.load(null, 'n');
        assert.deepEqual([head, [...entries], linked], [null, [], true]);
      }
      assert.deepEqual(await confirm(null), { head: null, events: 'reload', forkReported: false });
    },
  },
  {
    name: 'an appended event is the head for every reader, and the entries are those of its patch',
    async run(session) {
      const control = await session.initialised();
      const { head, event } = await kill(control, 'agent:returns-bot');
      const view = await control.read([entryKey('kill', 'agent:returns-bot'), entryKey('kill', 'agent:other')]);
      assert.deepEqual(view.head, head);
      assert.equal(view.get('kill', 'agent:returns-bot')?.epoch, event.seq);
      assert.equal(view.get('kill', 'agent:other'), undefined);
      const { connection, confirm } = session.executor();
      assert.deepEqual((await connection.load(null, 'n')).head, head);
      assert.deepEqual((await confirm(head)).head, head);
    },
  },
  {
    name: 'the loaded state is the fold of the log, for every kind of entry',
    async run(session) {
      const control = await session.initialised();
      await makeEverything(control);
      const expected = await folded(control);
      for (const reader of [control, session.control(), session.executor().connection]) {
        const { head, entries } = await reader.load(null, 'n');
        assert.ok(head);
        const state = stateFrom(entries, head);
        assert.deepEqual(state.head, expected.head);
        assert.deepEqual(new Map(state.entries()), new Map(expected.entries()));
      }
    },
  },
  {
    name: 'the log gives back each event exactly as it was written, after any epoch',
    async run(session) {
      const control = await session.initialised();
      const first = await kill(control, 'agent:🛑');
      const second = await kill(control, 'run:"\\');
      assert.deepEqual(await logOf(control, first.event.seq - 1), [first.event, second.event]);
      assert.deepEqual(await logOf(session.control(), first.event.seq), [second.event]);
      assert.deepEqual(await logOf(control, second.event.seq), []);
    },
  },
  {
    name: 'a view that was read to plan a change has the store’s time, and throws for entries that were not read',
    async run(session) {
      const view = await (await session.initialised()).read(['mode']);
      assert.equal(timeSchema.safeParse(view.time).success, true);
      assert.equal(view.get('mode')?.mode, 'draft_only');
      assert.throws(() => view.get('kill', 'all'));
    },
  },
  {
    name: 'a change whose expected head has passed is not appended, and changes nothing',
    async run(session) {
      const control = await session.initialised();
      const late = await plan(control, 'mode', { mode: 'live', targeting: null });
      const { head } = await kill(control, 'agent:returns-bot');
      assert.equal(await control.append(late), false);
      assert.equal(await session.control().append(late), false);
      const view = await control.read(['mode']);
      assert.deepEqual([view.head, view.get('mode')?.mode], [head, 'draft_only']);
      assert.equal((await logOf(control)).length, 2);
    },
  },
  {
    name: 'a change that was appended is not appended again',
    async run(session) {
      const control = await session.initialised();
      const planned = await plan(control, 'mode', { mode: 'live', targeting: null });
      assert.equal(await control.append(planned), true);
      assert.equal(await control.append(planned), false);
      assert.equal((await logOf(control)).length, 2);
    },
  },
  {
    name: 'of many operators who initialise at once exactly one succeeds, and so it is for each change after it',
    async run(session) {
      const operators = Array.from({ length: 6 }, () => session.control());
      const inits = await Promise.all(
        operators.map(async (each) => ({ each, init: await plan(each, 'init', { generation: randomUUID() }) })),
      );
      const won = await Promise.all(inits.map(({ each, init }) => each.append(init)));
      assert.equal(won.filter(Boolean).length, 1);
      const changes = await Promise.all(
        operators.map(async (each, index) => {
          const target = `run:${index}`;
          const kill = await plan(each, 'kill', { id: randomUUID(), target, mode: 'paused', expires_at: null });
          return { each, kill };
        }),
      );
      const swapped = await Promise.all(changes.map(({ each, kill }) => each.append(kill)));
      assert.equal(swapped.filter(Boolean).length, 1);
      const log = await logOf(session.control());
      assert.deepEqual(
        log.map(({ hash }) => hash),
        [inits[won.indexOf(true)]?.init.event.hash, changes[swapped.indexOf(true)]?.kill.event.hash],
      );
    },
  },
  {
    name: 'operators who append at once and try again lose nothing, and nothing is appended twice',
    async run(session) {
      await session.initialised();
      const operators = Array.from({ length: 4 }, () => session.control());
      const append = async (control: ControlConnection, target: string): Promise<void> => {
        for (let tries = 0; tries < 100; tries += 1) {
          const planned = await plan(control, 'kill', { id: target, target, mode: 'full_stop', expires_at: null });
          if (await control.append(planned)) return;
        }
        assert.fail(`${target} was never appended`);
      };
      await Promise.all(
        operators.map(async (control, who) => {
          for (let number = 0; number < 5; number += 1) await append(control, `run:${who}.${number}`);
        }),
      );
      const log = await logOf(session.control());
      assert.deepEqual(
        log.map(({ seq }) => seq),
        Array.from({ length: 21 }, (_, index) => index + 1),
      );
      assert.equal(new Set(log.map(({ data }) => data['target'])).size, 21);
    },
  },
  {
    name: 'an appended event is there for a later reader when all that saw it are gone',
    async run(session) {
      const control = await session.initialised();
      const { head } = await kill(control, 'all');
      await control.close();
      assert.deepEqual((await session.control().read([])).head, head);
      assert.deepEqual((await session.executor().connection.load(null, 'n')).head, head);
    },
  },
  {
    name: 'events are pushed to every follower in the order of the log, or a gap says that some may be missing',
    async run(session) {
      const control = await session.initialised();
      const followers = [control, session.control(), session.executor().connection].map((each) => pushesOf(each));
      const changes = [];
      for (let number = 0; number < 5; number += 1) changes.push(await kill(session.control(), `run:${number}`));
      const [last] = changes.slice(-1);
      assert.ok(last);
      // Each follower gets changes until it has heard of one: it may miss changes at its start, but none after the
      // first it has heard of.
      for (const follower of followers) {
        await follower.until('any event or gap', () => follower.events.length > 0 || follower.gaps > 0);
      }
      const final = await kill(control, 'run:final');
      for (const follower of followers) {
        const { events } = follower;
        await follower.until('the last event', () => events.at(-1)?.hash === final.event.hash);
        for (const [index, event] of events.entries()) {
          if (index > 0) assert.equal(event.prev, events[index - 1]?.hash, 'pushed out of order');
        }
        if (events[0]?.hash !== changes[0]?.event.hash) assert.ok(follower.gaps > 0, 'missed without a gap');
      }
    },
  },
  {
    name: 'a follower who has stopped hears nothing more, and may stop twice',
    async run(session) {
      const control = await session.initialised();
      await control.load(null, 'n');
      const [stopped, going] = [pushesOf(control), pushesOf(control)];
      const first = await kill(control, 'run:1');
      await going.until('the first', () => going.events.at(-1)?.hash === first.event.hash || going.gaps > 0);
      stopped.stop();
      stopped.stop();
      const before = stopped.events.length;
      const second = await kill(control, 'run:2');
      await going.until('the second', () => going.events.at(-1)?.hash === second.event.hash);
      assert.equal(stopped.events.length, before);
    },
  },
  {
    name: 'a closed connection answers nothing, and may be closed twice',
    async run(session) {
      const control = await session.initialised();
      const { connection, confirm } = session.executor();
      await confirm(null);
      for (const each of [control, connection]) {
        await each.close();
        await each.close();
        await assert.rejects(each.load(null, 'n'));
      }
      await assert.rejects(confirm(null));
      await assert.rejects(control.read([]));
    },
  },
  {
    name: 'an append beside which its connection is closed is answered as the log has it',
    async run(session) {
      const main = await session.initialised();
      for (let turns = 0; turns < 20; turns += 1) {
        const control = session.control();
        const planned = await plan(control, 'feature', { name: 'refunds', stage: turns % 2 === 0 ? 'live' : 'dark' });
        const answer = control.append(planned).catch((error: unknown) => error);
        for (let left = turns; left > 0; left -= 1) await turn();
        await control.close();
        const isThere = (await logOf(main)).some(({ hash }) => hash === planned.event.hash);
        const given = await answer;
        if (isThere) assert.equal(given, true);
        else assert.equal(isKillSwitchError(given) && given.code, 'CLOSED');
      }
    },
  },
  {
    name: 'a closed connection of an operator rejects each question with CLOSED, also a log that is being read',
    async run(session) {
      const control = await session.initialised();
      await change(control, 'feature', { name: 'refunds', stage: 'live' });
      const begun = control.log(0)[Symbol.asyncIterator]();
      await control.close();
      const closed = { code: 'CLOSED' };
      await assert.rejects(begun.next(), closed);
      await assert.rejects(logOf(control), closed);
      await assert.rejects(control.load(null, 'n'), closed);
      await assert.rejects(control.read([]), closed);
      await assert.rejects(control.executors(), closed);
      await assert.rejects(control.forget('e'), closed);
      await assert.rejects(control.shelf.interventions(1), closed);
      await assert.rejects(control.shelf.proposals(1), closed);
      await assert.rejects(control.shelf.all('surfaces'), closed);
      if (control.forks) await assert.rejects(control.forks.read('g'), closed);
    },
  },
];
