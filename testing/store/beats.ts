import assert from 'node:assert/strict';
import type { SuiteTest } from './log.ts';

/** Members of a beat that make it unreadable or unbelievable. */
const BROKEN: readonly Record<string, unknown>[] = [
  { name: '' },
  { name: 7 },
  { name: undefined },
  { at: 'yesterday' },
  { at: undefined },
  { agents: 'all' },
  { lease_ms: 2 ** 53 },
  { lease_ms: 3_600_000 },
  { lease_ms: undefined },
  { applied: { epoch: 2 ** 53 } },
  { applied: undefined },
  { in_flight: -1 },
  { fork: 'yes' },
  { id: 'another' },
  { name: '\u001b[2J' },
  { name: '\ud800' },
  { agents: [null, {}] },
  { host: [], pid: 'x', export: 3, trouble: {} },
];

const NO_BEATS = [
  '',
  '{',
  'null',
  '[]',
  '"x"',
  '7',
  '\u0000',
  '{"__proto__":{}}',
  JSON.stringify({ name: 'x' }),
  'x'.repeat(2 * 1024 * 1024),
  JSON.stringify('x'.repeat(2 * 1024 * 1024)),
  '['.repeat(200_000), // deeper than a parser may go
];

const STRANGE_IDS = ['', '\n', '\u001b[2J', 'x'.repeat(600), 'a\u2028b'];

/** What operators read of executors that others, older or newer than this package, may have written. */
export const BEAT_TESTS: readonly SuiteTest[] = [
  {
    name: 'an unreadable beat is shown with its problem, hides no other, and can be forgotten',
    async run(session) {
      const control = await session.initialised();
      const honest = session.executor({ id: 'honest' });
      await honest.confirm(null);
      const beat = honest.beat(null, { id: 'odd' });
      for (const text of [...NO_BEATS, ...BROKEN.map((members) => JSON.stringify({ ...beat, ...members }))]) {
        await session.harness.plantBeat({ id: 'odd', name: 'odd' }, text);
        const beats = new Map((await control.executors()).map((each) => [each.id, each]));
        assert.deepEqual([...beats.keys()].sort(), ['honest', 'odd']);
        assert.equal(
          typeof beats.get('odd')?.problem,
          'string',
          `nothing is said to be wrong with ${text.slice(0, 200)}`,
        );
        assert.equal(beats.get('honest')?.problem, undefined);
      }
      await control.forget('odd');
      assert.deepEqual(
        (await control.executors()).map(({ id }) => id),
        ['honest'],
      );
    },
  },
  {
    name: 'a beat under an impossible id is shown, and can be forgotten by the id that it is shown under',
    async run(session) {
      const control = await session.initialised();
      for (const id of STRANGE_IDS) {
        await session.harness.plantBeat({ id, name: 'odd' }, JSON.stringify(session.executor({ id: 'x' }).beat(null)));
        const [shown, ...others] = await control.executors();
        assert.equal(typeof shown?.problem, 'string');
        assert.deepEqual(others, []);
        await control.forget(shown?.id ?? '');
        assert.deepEqual(await control.executors(), []);
      }
    },
  },
  {
    name: 'a beat of an older version lacks members, one of a newer version has more: both are understood',
    async run(session) {
      const control = await session.initialised();
      const { id, beat } = session.executor();
      const older = without(beat(null), ['draining', 'agents', 'runs', 'fork']);
      await session.harness.plantBeat({ id, name: 'mailer' }, JSON.stringify(older));
      // It does not say how much of its work a restriction has reached, so all of it counts as draining.
      assert.deepEqual(stripped(await control.executors()), [
        { ...beat(null), draining: beat(null).in_flight, agents: [], runs: [] },
      ]);
      await session.harness.plantBeat({ id, name: 'mailer' }, JSON.stringify({ ...beat(null), mood: { good: true } }));
      assert.deepEqual(stripped(await control.executors()), [beat(null)]);
    },
  },
];

const stripped = (beats: readonly object[]): object[] =>
  beats.map((beat) => {
    assert.equal('problem' in beat ? beat.problem : undefined, undefined);
    return without(beat, ['writer']); // which that store may not know
  });

const without = (value: object, names: readonly string[]): object =>
  Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
