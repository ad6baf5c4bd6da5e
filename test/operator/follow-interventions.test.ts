import { describe, expect, onTestFinished, test } from 'vitest';
import type { Intervention } from '../../flags/index.ts';
import { followInterventions } from '../../operator/follow-interventions.ts';
import { connectExecutor } from '../../store/connect-executor.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import { NO_WORK } from '../../store/own-beat.ts';
import { plainIntervention } from './plain-intervention.ts';

/** Records that were made one after the other, from this millisecond to before that one. */
const numbered = (from: number, to: number): Intervention[] =>
  Array.from({ length: to - from }, (_, at) => ({
    ...plainIntervention(`${from + at}`),
    at: new Date(from + at).toISOString(),
  }));

const ids = (records: readonly Intervention[]): string[] => records.map(({ id }) => id);

async function setUp() {
  const store = memoryStore();
  const connected = connectExecutor({
    store,
    organizationId: 'default',
    leaseMs: 5000,
    executorName: 'mailer',
    work: () => NO_WORK,
  });
  const control = memoryControlStore(store).open({ organizationId: 'default', requestTimeoutMs: 1000 });
  onTestFinished(async () => {
    await connected.replica.close();
    await control.close();
  });
  await connected.replica.start();
  const scope = { organizationId: 'default', requestTimeoutMs: 1000, executorId: 'e-1', executorName: 'mailer' };
  /** What comes of what is done between the first poll and the second one. */
  const newOf = async (meanwhile: () => Promise<unknown>, proposals = false): Promise<string[]> => {
    const ending = new AbortController();
    const found: string[] = [];
    let polls = 0;
    const pause = async (): Promise<void> => {
      polls += 1;
      if (polls === 1) await meanwhile();
      else ending.abort();
    };
    const following = { matches: () => true, proposals, withKept: false, signal: ending.signal, onTrouble: () => {} };
    const source = { shelf: control.shelf, closed: new AbortController().signal, pause };
    for await (const { id } of followInterventions(source, following)) found.push(id);
    return found;
  };
  return { reports: connected.reports, shelf: store.open(scope).shelf, newOf };
}

describe('an intervention is new that was not there before', () => {
  test('also an older one that comes late, and one of very many', async () => {
    const { reports, newOf } = await setUp();
    await reports.record(numbered(5000, 7000));
    expect(await newOf(() => reports.record(numbered(1, 4)))).toEqual(['1', '2', '3']);
    const many = numbered(10_000, 12_500);
    expect(await newOf(() => reports.record(many))).toEqual(ids(many));
    expect(await newOf(async () => {})).toEqual([]);
  });

  test('also behind a record that cannot be read, and behind one that came twice', async () => {
    const { reports, shelf, newOf } = await setUp();
    await reports.record(numbered(1, 3000));
    const many = numbered(10_000, 12_500);
    const unreadable = await newOf(async () => {
      await reports.record(many);
      await shelf.appendInterventions(['no record']);
    });
    expect(unreadable).toEqual(ids(many));
    const others = numbered(20_000, 22_500);
    const twice = await newOf(async () => {
      await reports.record(others);
      await reports.record(others.slice(-1));
    });
    expect(twice).toEqual(ids(others));
  });

  test('of proposals only, where those are asked for', async () => {
    const { reports, newOf } = await setUp();
    const proposals = numbered(1, 1500).map((record) => ({ ...record, proposal: true }));
    const both = [...proposals, ...numbered(2000, 2010)];
    expect(await newOf(() => reports.record(both), true)).toEqual(ids(proposals));
  });
});
