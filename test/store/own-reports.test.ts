import { expect, test } from 'vitest';
import { KillSwitchError, type Seen, type SurfaceRecord } from '../../flags/index.ts';
import { type NewlySeen, ownReports } from '../../store/own-reports.ts';
import { plainSurface } from '../../testing/store/surface.ts';

const AT = '2026-01-01T00:00:00.000Z';

const met = (agent: string): NewlySeen => ({
  ...{ at: AT, agent_id: agent, mission_id: null, run_id: null, action: null, surface: null, feature: null },
});

/** Reports what `changed` and `seen` are; the store fails with `failure` while there is one. */
function reporting() {
  const reported: Array<readonly SurfaceRecord[]> = [];
  const seen: string[][] = [];
  const at: { changed: readonly SurfaceRecord[] | null; seen: string[]; failure: Error | null; mono: number } = {
    ...{ changed: null, seen: [], failure: null, mono: 0 },
  };
  const surfaces = (): readonly SurfaceRecord[] | null => {
    const { changed } = at;
    at.changed = null;
    return changed;
  };
  const describe = async (described: readonly SurfaceRecord[]): Promise<void> => {
    reported.push(described);
    if (at.failure) throw at.failure;
  };
  const see = async (records: readonly Seen[]): Promise<void> => {
    seen.push(records.map(({ executor, agent_id }) => `${executor} ${agent_id}`));
    if (at.failure) throw at.failure;
  };
  const report = ownReports(
    { surfaces, seen: () => at.seen.splice(0).map(met) },
    { executorName: 'mailer', describe, see },
    () => ({ mono: at.mono, wall: 0 }),
  );
  return { reported, seen, at, report };
}

test('what can act is reported once for each change', async () => {
  const { reported, at, report } = reporting();
  await report();
  expect(reported).toEqual([]);
  at.changed = [plainSurface('mail.send')];
  await report();
  await report();
  expect(reported).toEqual([[plainSurface('mail.send')]]);
});

test('a report that the store refused is no trouble, and is given again until the store takes it', async () => {
  const { reported, at, report } = reporting();
  at.changed = [plainSurface('mail.send')];
  at.failure = new KillSwitchError('NOT_PERMITTED', 'refused');
  await report();
  await report();
  at.changed = [plainSurface('mail.send'), plainSurface('mail.read')];
  await report();
  at.failure = null;
  await report();
  await report();
  const last = [plainSurface('mail.send'), plainSurface('mail.read')];
  expect(reported).toEqual([[plainSurface('mail.send')], [plainSurface('mail.send')], last, last]);
});

test('a store that cannot be reached is trouble, and the report is given again', async () => {
  const { reported, at, report } = reporting();
  at.changed = [plainSurface('mail.send')];
  at.failure = new KillSwitchError('STORE_UNREACHABLE', 'gone');
  await expect(report()).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
  at.failure = null;
  await report();
  expect(reported).toHaveLength(2);
});

test('what was newly met is reported at once, then every two seconds, and before the executor leaves', async () => {
  const { seen, at, report } = reporting();
  await report();
  at.seen = ['a', 'b'];
  await report();
  at.seen = ['c'];
  at.mono = 1999;
  await report();
  expect(seen).toEqual([['mailer a', 'mailer b']]);
  at.mono = 2000;
  await report();
  expect(seen.at(-1)).toEqual(['mailer c']);
  at.seen = ['d'];
  await report({ last: true });
  await report({ last: true });
  expect(seen).toEqual([['mailer a', 'mailer b'], ['mailer c'], ['mailer d']]);
});

test('what was met stays to be reported while the store does not take it, the newest of it', async () => {
  const { seen, at, report } = reporting();
  at.failure = new KillSwitchError('NOT_PERMITTED', 'refused');
  at.seen = ['a'];
  await report();
  at.mono = 20_000;
  at.seen = ['b'];
  await report();
  expect(seen).toEqual([['mailer a'], ['mailer a', 'mailer b']]);
  at.mono = 40_000;
  at.failure = null;
  at.seen = Array.from({ length: 1999 }, (_, index) => `c${index}`);
  await report();
  expect(seen.at(-1)).toHaveLength(2000);
  expect(seen.at(-1)?.slice(0, 2)).toEqual(['mailer b', 'mailer c0']);
  await report({ last: true });
  expect(seen).toHaveLength(3);
});
