import { appendFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { GENESIS, type LogEvent, sealEvent, serializeEvent, State, stateFrom } from '../../../flags/index.ts';
import { change, kill } from '../../../testing/store/session.ts';
import { openSession } from './harness.ts';

/** That many kills in a chain after an event. */
function* kills(after: LogEvent | null, count: number): Generator<LogEvent> {
  let before = after;
  for (let number = 0; number < count; number += 1) {
    const target = `agent:${number}${'é🛑'.repeat(number % 7)}`;
    before = sealEvent({
      seq: (before?.seq ?? 0) + 1,
      at: '2026-01-01T00:00:00.000Z',
      actor: 'unverified:test',
      type: 'kill',
      data: { id: `k${number}`, target, mode: 'full_stop', expires_at: null },
      reason: 'x'.repeat(number % 900),
      prev: before?.hash ?? GENESIS,
    });
    yield before;
  }
}

async function withKills(count: number) {
  const { session, log } = await openSession();
  const control = await session.initialised();
  const first = await kill(control, 'run:first');
  const events = [...kills(first.event, count)];
  appendFileSync(log, events.map((event) => `${serializeEvent(event)}\n`).join(''));
  return { session, log, control, first, events };
}

test('a log that is longer than one portion of reading is read whole', async () => {
  const { session, control, first, events } = await withKills(3000);
  const state = new State();
  const { connection } = session.executor();
  const { head, entries, linked } = await connection.load(first.head, 'n');
  expect(linked).toBe(true);
  expect(head?.hash).toBe(events.at(-1)?.hash);
  if (!head) throw new Error('no head');
  const loaded = stateFrom(entries, head);
  expect(loaded.killCount).toBe(3001);
  for await (const event of control.log(0)) state.take(event);
  expect(new Map(state.entries())).toEqual(new Map(loaded.entries()));
  expect((await control.read(['kill:run:first'])).get('kill', 'run:first')).toEqual(state.get('kill', 'run:first'));
});

test('an executor that is a little behind gets the events, one that is far behind must load, and neither is unlinked', async () => {
  const { session, control, first, events } = await withKills(999);
  const executor = session.executor();
  expect((await executor.confirm(first.head)).events).toEqual(events);
  const last = [await kill(control, 'run:last'), await kill(control, 'run:very-last')];
  expect((await executor.confirm(first.head)).events).toBe('reload');
  expect((await executor.confirm(last[0]?.head ?? null)).events).toEqual([last[1]?.event]);
  expect((await session.executor().confirm(first.head)).events).toBe('reload');
  expect((await executor.confirm({ ...first.head, hash: 'a'.repeat(64) })).events).toBe(null);
});

test('an executor whose head is no longer remembered must load, and a foreign head is still unlinked', async () => {
  const { session, first, events } = await withKills(2600);
  const executor = session.executor();
  expect((await executor.confirm(first.head)).events).toBe('reload');
  const generation = first.head.generation;
  const far = { generation, epoch: 500, hash: events[497]?.hash ?? '', recovered: false };
  expect((await executor.confirm(far)).events).toBe('reload');
  expect((await executor.confirm({ ...far, hash: 'a'.repeat(64) })).events).toBe(null);
  expect((await executor.confirm({ ...far, hash: 'a'.repeat(64) })).events).toBe(null);
  const near = { generation, epoch: 2500, hash: events[2497]?.hash ?? '', recovered: false };
  expect((await executor.confirm(near)).events).toEqual(events.slice(2498));
});

test('an event too long for the log is refused, and one that fits is read', async () => {
  const { session } = await openSession();
  const control = await session.initialised();
  await change(control, 'flags', { definition: { filler: '🛑'.repeat(200_000) } });
  const { head } = await control.read([]);
  expect((await session.executor().connection.load(null, 'n')).head).toEqual(head);
  const tooLong = change(control, 'flags', { definition: { filler: 'x'.repeat(17 * 1024 * 1024) } });
  await expect(tooLong).rejects.toThrow('a file store takes at most 16777216');
  expect((await control.read([])).head).toEqual(head);
});

test('an executor that lacks a few very long events must load', async () => {
  const { session } = await openSession();
  const control = await session.initialised();
  const { head: held } = await control.read([]);
  const executor = session.executor();
  await executor.confirm(held);
  for (let number = 0; number < 3; number += 1) {
    await change(control, 'flags', { definition: { filler: `${number}`.repeat(4 * 1024 * 1024) } });
  }
  const last = await kill(control, 'all');
  expect(await executor.confirm(held)).toEqual({ head: last.head, events: 'reload', forkReported: false });
  expect((await executor.confirm(last.head)).events).toEqual([]);
  expect((await executor.confirm({ ...last.head, hash: 'a'.repeat(64) })).events).toBe(null);
});
