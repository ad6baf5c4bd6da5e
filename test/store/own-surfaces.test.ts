import { expect, test } from 'vitest';
import { KillSwitchError, type SurfaceRecord } from '../../flags/index.ts';
import { ownSurfaces } from '../../store/own-surfaces.ts';
import { plainSurface } from '../../testing/store/surface.ts';

/** Reports what `changed` is; the store fails with `failure` while there is one. */
function reporting() {
  const reported: Array<readonly SurfaceRecord[]> = [];
  const at: { changed: readonly SurfaceRecord[] | null; failure: Error | null } = { changed: null, failure: null };
  const take = (): readonly SurfaceRecord[] | null => {
    const { changed } = at;
    at.changed = null;
    return changed;
  };
  const describe = async (surfaces: readonly SurfaceRecord[]): Promise<void> => {
    reported.push(surfaces);
    if (at.failure) throw at.failure;
  };
  return { reported, at, report: ownSurfaces(take, { describe }) };
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
