import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { timeSchema } from '../../flags/index.ts';
import type {
  IntentMark,
  Journal,
  JournalEnd,
  JournalEntry,
  JournalIntent,
  JournalKeeper,
  JournalReader,
} from '../../store/capabilities/journal.ts';
import { answering } from '../../store/journal-entries.ts';
import { ODD_IDS } from './confirm.ts';
import type { SuiteTest } from './log.ts';
import type { ExecutorOptions, StoreSession } from './session.ts';

const ALL = { skip: 0, limit: 1000 };

const intentOf = (key: string, more: Partial<JournalIntent> = {}): JournalIntent => ({
  id: randomUUID(),
  idempotency_key: key,
  attempt: 1,
  run_id: 'r-1',
  agent_id: 'returns-bot',
  mission_id: null,
  action: 'payments.refund',
  input_hash: 'a'.repeat(64),
  approval_id: null,
  ...more,
});

const landed = (result: string | null, input: string | null = null): JournalEnd => ({
  state: 'landed',
  landing: { result, redirected: false, reverse: { is: 'reversible', action: 'payments.cancel', input } },
});

/** A new executor's journal. */
function journalOf(session: StoreSession, options?: ExecutorOptions): Journal {
  const { journal } = session.executor(options).connection;
  assert.ok(journal, 'this store keeps no journal');
  return journal;
}

/** What an operator reads, by a connection that has read nothing before. */
function journalsOf(session: StoreSession, organizationId?: string): JournalKeeper {
  const { journals } = session.control(organizationId);
  assert.ok(journals, 'this store keeps no journal');
  return journals;
}

async function isNew(journal: Journal, intent: JournalIntent): Promise<JournalIntent> {
  assert.deepEqual(await journal.intend(intent), { is: 'new' });
  return intent;
}

/** The entry of a key that was intended before. */
async function existing(journal: Journal, intent: JournalIntent): Promise<JournalEntry> {
  const answer = await journal.intend(intent);
  assert.equal(answer.is, 'existing');
  return answer.entry;
}

/** The entry that answers for a key. */
const found = async (journal: JournalReader, key: string): Promise<JournalEntry | undefined> =>
  answering(await journal.attemptsOf(key));

const stateOf = async (journal: JournalReader, key: string): Promise<JournalEntry['state'] | undefined> =>
  (await found(journal, key))?.state;

/** Intents, and what became of them. */
export const JOURNAL_TESTS: readonly SuiteTest[] = [
  {
    name: 'the first intent of a key is new, for whoever asks again with the same one too; any other is told of it',
    async run(session) {
      await session.initialised();
      const [mine, other] = [journalOf(session, { id: 'x', name: 'x' }), journalOf(session, { id: 'y', name: 'y' })];
      const intent = await isNew(mine, intentOf('k', { mission_id: 'm', approval_id: 'a-1' }));
      await isNew(mine, intent);
      for (const journal of [mine, other, journalOf(session)]) {
        const { intended_at, at, ...entry } = await existing(journal, intentOf('k', { input_hash: 'b'.repeat(64) }));
        assert.deepEqual(entry, { ...intent, state: 'intended', executor_id: 'x', executor_name: 'x' });
        for (const time of [intended_at, at]) assert.ok(timeSchema.safeParse(time).success, `${time} is no time`);
      }
      await session.initialised('other');
      await isNew(journalOf(session, { organizationId: 'other' }), intentOf('k'));
      assert.equal(await stateOf(journalsOf(session, 'other'), 'k'), 'intended');
    },
  },
  {
    name: 'of many that intend one key at once exactly one is told that it is the first',
    async run(session) {
      await session.initialised();
      const journals = ['a', 'b', 'c', 'd'].map((name) => journalOf(session, { id: `${name}-1`, name }));
      journals.push(journalOf(session, { id: 'a-2', name: 'a' }));
      for (let round = 0; round < 20; round += 1) {
        const key = `k-${round}`;
        const intents = journals.flatMap((journal) => [1, 2, 3].map(() => ({ journal, intent: intentOf(key) })));
        const answers = await Promise.all(intents.map(({ journal, intent }) => journal.intend(intent)));
        const first = intents.filter((_, index) => answers[index]?.is === 'new');
        assert.equal(first.length, 1, `${first.length} of ${intents.length} may start ${key}`);
        assert.equal((await found(journalsOf(session), key))?.id, first[0]?.intent.id);
      }
    },
  },
  {
    name: 'what has landed is told to whoever comes with its key, also after its executor has gone',
    async run(session) {
      await session.initialised();
      const executor = session.executor({ id: 'x', name: 'x' });
      const journal = journalOf(session, { id: 'x', name: 'x' });
      const intent = await isNew(journal, intentOf('k'));
      const end = landed('{"text":"✋ \u2028 \\n \\"quoted\\""}', JSON.stringify({ id: 7, note: 'n'.repeat(300_000) }));
      assert.equal(await journal.end(intent, end), true);
      assert.equal(await journal.end(intent, end), true);
      await executor.connection.leave();
      for (const other of [journal, journalOf(session, { name: 'y' })]) {
        const { intended_at, at, ...entry } = await existing(other, intentOf('k'));
        assert.ok(intended_at <= at, `it ended at ${at}, before it was intended at ${intended_at}`);
        assert.deepEqual(entry, { ...intent, ...end, executor_id: 'x', executor_name: 'x' });
      }
    },
  },
  {
    name: 'what was journaled when a store was copied is there when that copy is put back',
    async run(session) {
      await session.initialised();
      const journal = journalOf(session, { id: 'x', name: 'x' });
      const intent = await isNew(journal, intentOf('k'));
      await journal.end(intent, landed('"r"'));
      await session.harness.copy();
      await session.harness.restore();
      for (const other of [journalOf(session, { id: 'x', name: 'x' }), journalOf(session, { name: 'y' })])
        assert.equal((await existing(other, intentOf('k'))).state, 'landed');
      assert.equal(await stateOf(journalsOf(session), 'k'), 'landed');
    },
  },
  {
    name: 'an end is final, except that what has landed is accepted of what is unknown, however late',
    async run(session) {
      await session.initialised();
      const journal = journalOf(session);
      const ends: ReadonlyArray<readonly [JournalEnd['state'][], JournalEntry['state']]> = [
        [[], 'intended'],
        [['unknown'], 'unknown'],
        [['unknown', 'landed'], 'landed'],
        [['unknown', 'failed'], 'unknown'],
        [['landed', 'failed'], 'landed'],
        [['landed', 'unknown'], 'landed'],
        [['failed', 'landed'], 'failed'],
        [['failed', 'unknown'], 'failed'],
        [['not_started', 'landed'], 'not_started'],
      ];
      for (const [states, expected] of ends) {
        const intent = await isNew(journal, intentOf(states.join()));
        for (const state of states) await journal.end(intent, state === 'landed' ? landed('1') : { state });
        assert.equal(await stateOf(journal, intent.idempotency_key), expected, states.join());
        assert.equal((await existing(journal, intentOf(states.join()))).state, expected, states.join());
      }
      const intent = await isNew(journal, intentOf('first landing'));
      await journal.end(intent, landed('1'));
      await journal.end(intent, landed('2'));
      const entry = await found(journal, 'first landing');
      assert.equal(entry?.state === 'landed' && entry.landing.result, '1');
    },
  },
  {
    name: 'an end changes nothing where there is no such intent, or where it is another executor’s, and says so',
    async run(session) {
      await session.initialised();
      const journal = journalOf(session, { id: 'x', name: 'x' });
      const never: IntentMark = intentOf('never');
      assert.equal(await journal.end(never, landed('1')), false);
      assert.deepEqual(await journal.attemptsOf('never'), []);
      const intent = await isNew(journal, intentOf('k'));
      for (const options of [
        { id: 'y', name: 'y' },
        { id: 'z', name: 'x' },
      ])
        assert.equal(await journalOf(session, options).end(intent, landed('1')), false);
      assert.equal(await journal.end({ ...intent, id: randomUUID() }, landed('1')), false);
      assert.equal(await stateOf(journal, 'k'), 'intended');
      assert.equal(await stateOf(journalsOf(session), 'k'), 'intended');
    },
  },
  {
    name: 'of those that intend the next attempt of a key exactly one may start, and the last attempt is what is told',
    async run(session) {
      await session.initialised();
      const journals = ['a', 'b', 'c', 'd'].map((name) => journalOf(session, { name }));
      const [one] = journals;
      assert.ok(one);
      await one.end(await isNew(one, intentOf('k')), { state: 'not_started' });
      for (const attempt of [2, 3]) {
        const intents = journals.map((journal) => ({ journal, intent: intentOf('k', { attempt, run_id: 'r-2' }) }));
        const answers = await Promise.all(intents.map(({ journal, intent }) => journal.intend(intent)));
        const first = intents.filter((_, index) => answers[index]?.is === 'new');
        assert.equal(first.length, 1);
        const [{ journal, intent } = assert.fail()] = first;
        for (const other of journals) {
          const entry = await existing(other, intentOf('k'));
          assert.deepEqual([entry.id, entry.attempt, entry.state], [intent.id, attempt, 'intended']);
        }
        await journal.end(intent, { state: 'not_started' });
      }
    },
  },
  {
    name: 'a key that has landed stays so, whoever intends another attempt of it',
    async run(session) {
      await session.initialised();
      const [mine, other] = [journalOf(session, { name: 'x' }), journalOf(session, { name: 'y' })];
      const late = await isNew(mine, intentOf('late'));
      await isNew(other, intentOf('late', { attempt: 2 }));
      await mine.end(late, landed('1'));
      const intent = await isNew(mine, intentOf('k'));
      await mine.end(intent, landed('1'));
      for (const [key, id] of [
        ['late', late.id],
        ['k', intent.id],
      ] as const) {
        for (const attempt of [1, 2, 3, 7]) {
          const entry = await existing(other, intentOf(key, { attempt }));
          assert.equal(entry.id, id, `attempt ${attempt} of ${key}`);
        }
        assert.equal((await found(journalsOf(session), key))?.id, id);
      }
    },
  },
  {
    name: 'attempts behind one that may have landed do not hide it',
    async run(session) {
      await session.initialised();
      const [mine, other] = [journalOf(session, { name: 'x' }), journalOf(session, { name: 'y' })];
      const intent = await isNew(mine, intentOf('k'));
      await other.end(await isNew(other, intentOf('k', { attempt: 2 })), { state: 'not_started' });
      assert.equal((await existing(mine, intentOf('k'))).id, intent.id);
      assert.equal((await existing(mine, intentOf('k', { attempt: 2 }))).attempt, 2);
      await isNew(mine, intentOf('k', { attempt: 3 }));
    },
  },
  {
    name: 'runs are listed with the newest first, and the entries of a run with the oldest first, in parts',
    async run(session) {
      await session.initialised();
      const [x, y] = [journalOf(session, { name: 'x' }), journalOf(session, { name: 'y' })];
      await isNew(x, intentOf('k-0', { run_id: 'r-0' }));
      for (let n = 1; n <= 5; n += 1) await isNew(n % 2 ? x : y, intentOf(`k-${n}`));
      const inTurn = Array.from({ length: 40 }, (_, n) => `t-${n}`);
      for (const [n, key] of inTurn.entries()) await isNew(n % 2 ? x : y, intentOf(key, { run_id: 'r-2' }));
      await isNew(y, intentOf('k-6', { run_id: null }));
      await isNew(y, intentOf('k-7', { run_id: 'r-0' }));
      for (const reader of [x, y, journalsOf(session)]) {
        assert.deepEqual(await reader.runs(ALL), { data: [null, 'r-2', 'r-1', 'r-0'], count: 4 });
        assert.deepEqual(await reader.runs({ skip: 1, limit: 1 }), { data: ['r-2'], count: 4 });
        const keys = async (run: string | null, page = ALL): Promise<unknown[]> => {
          const { data, count } = await reader.entriesOf(run, page);
          return [count, ...data.map(({ idempotency_key }) => idempotency_key)];
        };
        assert.deepEqual(await keys('r-2'), [inTurn.length, ...inTurn]);
        assert.deepEqual(await keys('r-1'), [5, 'k-1', 'k-2', 'k-3', 'k-4', 'k-5']);
        assert.deepEqual(await keys('r-1', { skip: 1, limit: 2 }), [5, 'k-2', 'k-3']);
        assert.deepEqual(await keys('r-1', { skip: 5, limit: 2 }), [5]);
        assert.deepEqual(await keys(null), [1, 'k-6']);
        assert.deepEqual(await keys('r-0'), [2, 'k-0', 'k-7']);
        assert.deepEqual(await keys('nobody'), [0]);
      }
    },
  },
  {
    name: 'keys and names may be anything that is an id',
    async run(session) {
      await session.initialised();
      for (const id of ODD_IDS) {
        const journal = journalOf(session, { id, name: id });
        const intent = await isNew(journal, intentOf(id, { run_id: id, agent_id: id, action: id }));
        await journal.end(intent, landed(JSON.stringify(id)));
      }
      const journals = journalsOf(session);
      const { data } = await journals.runs(ALL);
      assert.deepEqual(new Set(data), new Set(ODD_IDS));
      for (const id of ODD_IDS) {
        const [entry] = (await journals.entriesOf(id, ALL)).data;
        assert.deepEqual([entry?.idempotency_key, entry?.action, entry?.executor_name], [id, id, id]);
        assert.equal(entry?.state === 'landed' && entry.landing.result, JSON.stringify(id));
      }
    },
  },
  {
    name: 'what is intended at once is all there',
    async run(session) {
      await session.initialised();
      const [x, y] = [journalOf(session, { name: 'x' }), journalOf(session, { name: 'y' })];
      const intents = Array.from({ length: 2000 }, (_, n) => intentOf(`k-${n}`));
      await Promise.all(intents.map((intent, n) => isNew(n % 2 ? x : y, intent)));
      await Promise.all(intents.map((intent, n) => (n % 2 ? x : y).end(intent, landed(`${n}`))));
      const { data, count } = await journalsOf(session).entriesOf('r-1', { skip: 0, limit: 5000 });
      assert.equal(count, 2000);
      assert.deepEqual(new Set(data.map(({ id }) => id)), new Set(intents.map(({ id }) => id)));
      assert.ok(data.every(({ state }) => state === 'landed'));
    },
  },
  {
    name: 'only what has ended long enough ago is forgotten, and all attempts of a key together',
    async run(session) {
      await session.initialised();
      const journal = journalOf(session);
      const journals = journalsOf(session);
      const [past, future] = ['2020-01-01T00:00:00.000Z', '2100-01-01T00:00:00.000Z'];
      await journal.end(await isNew(journal, intentOf('landed')), landed('1'));
      await journal.end(await isNew(journal, intentOf('again')), { state: 'not_started' });
      await isNew(journal, intentOf('again', { attempt: 2, run_id: 'r-2' }));
      await isNew(journal, intentOf('open'));
      assert.equal(await journals.forget({ ended: past, intended: past }), 0);
      const forgotten = await journals.forget({ ended: future, intended: past }); // a store may keep more than it must
      assert.ok(forgotten <= 1, `${forgotten} were forgotten`);
      assert.deepEqual([await stateOf(journal, 'again'), await stateOf(journal, 'open')], ['intended', 'intended']);
      const entry = await existing(journal, intentOf('again', { attempt: 2 }));
      assert.deepEqual([entry.attempt, entry.run_id], [2, 'r-2']);
      assert.equal(await journals.forget({ ended: future, intended: future }), 4 - forgotten);
      assert.deepEqual(await journals.runs(ALL), { data: [], count: 0 });
      assert.deepEqual(await journalsOf(session).runs(ALL), { data: [], count: 0 });
      await isNew(journal, intentOf('again'));
      assert.deepEqual(await journalsOf(session).runs(ALL), { data: ['r-1'], count: 1 });
    },
  },
];
