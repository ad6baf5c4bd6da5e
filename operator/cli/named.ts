import { shownId } from '../../flags/index.ts';
import type { Matched } from '../matched.ts';
import type { Context } from './command.ts';
import { type Aimed, beforeAll, warnings } from './hits.ts';
import { alarming } from './standing-out.ts';
import type { Line } from './text.ts';

/** Somebody or something that a change names, and what is known of it. */
export interface NamedThing extends Pick<Aimed, 'what' | 'again' | 'unknown'> {
  readonly matched: Matched | undefined;
}

/**
 * What a change that waits for nobody says of the names in it: before it, that nobody has one; after it, that nobody is
 * there yet.
 */
export function saidOfNames(
  { store, organizationId, advice }: Pick<Context, 'store' | 'organizationId' | 'advice'>,
  things: readonly NamedThing[],
): { readonly before: readonly Line[]; readonly after: readonly string[] } {
  const place = `${store.location}, organization ${shownId(organizationId)}`;
  const aimed = things.flatMap(({ matched, ...thing }) => {
    return matched ? [{ matched, aimed: { ...thing, place, isEverything: false, endsWork: false, setsUp: true } }] : [];
  });
  const problem = aimed.find(({ matched }) => matched.problem !== undefined)?.matched.problem;
  return {
    before: unique(aimed.flatMap((each) => warnings(each.matched, each.aimed, advice))).map(alarming),
    after: unique([
      ...aimed.map((each) => beforeAll(each.matched, each.aimed)).filter((line) => line !== ''),
      ...(problem === undefined ? [] : [`Whether anybody has that name is not known: ${problem}.`]),
    ]),
  };
}

const unique = (lines: readonly string[]): string[] => [...new Set(lines)];
