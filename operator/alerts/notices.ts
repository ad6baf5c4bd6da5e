import { randomUUID } from 'node:crypto';
import type { AlertKind } from '../../flags/index.ts';
import type { AlertData } from './alert.ts';
import type { Condition } from './conditions.ts';
import type { Notices } from './records.ts';

/** Where nothing was told yet. */
export const NO_NOTICES: Notices = Object.freeze({ last: 0, list: [], told: {} });

/** What is so again within this time is not told again, in milliseconds. */
const SETTLED_MS = 600_000;
/** Of so many new ones of a kind at once, each is told; of more, one alert says how many. */
const MOST_AT_ONCE = 20;
/** How many notices are kept for targets that are not reached. */
const MOST_KEPT = 5000;

export interface Looked {
  readonly found: readonly Condition[];
  /** The kinds of which it is not known what is so now: what was told of them stays told. */
  readonly unknown: ReadonlySet<AlertKind>;
  /** The store's time. */
  readonly time: string;
  /** The last notice that no target needs any more. */
  readonly done: number;
}

const kindOf = (key: string): string => key.slice(0, key.indexOf('\n'));

/** The notices after a look: each condition is told once, as long as it lasts. The same object where nothing is new. */
export function noticesAfter(before: Notices, { found, unknown, time, done }: Looked): Notices {
  const isSo = new Map(found.map((condition) => [condition.key, condition]));
  const told: Record<string, string | null> = {};
  for (const [key, goneAt] of Object.entries(before.told)) {
    if (isSo.has(key) || [...unknown].some((kind) => kind === kindOf(key))) told[key] = null;
    else if (goneAt === null) told[key] = time;
    else if (Date.parse(time) - Date.parse(goneAt) < SETTLED_MS) told[key] = goneAt;
  }
  const fresh = found.filter(({ key }) => !Object.hasOwn(before.told, key));
  for (const { key } of fresh) told[key] = null;
  return withNotices({ ...before, told }, toTell(fresh), { time, done }, before);
}

/** One more notice, of what has happened and is no condition. */
export const withNotice = (before: Notices, type: AlertKind, data: AlertData, time: string): Notices =>
  withNotices(before, [{ type, data }], { time, done: 0 }, before);

type ToTell = Pick<Condition, 'type' | 'data'>;

function toTell(fresh: readonly Condition[]): readonly ToTell[] {
  return [...new Set(fresh.map(({ type }) => type))].flatMap((type): readonly ToTell[] => {
    const all = fresh.filter((each) => each.type === type);
    const [first] = all;
    if (!first || all.length <= MOST_AT_ONCE) return all;
    const text = `${all.length} at once: ${first.data.text} And ${all.length - 1} more.`;
    return [{ type, data: { ...first.data, text, details: { ...first.data.details, count: all.length } } }];
  });
}

function withNotices(
  after: Notices,
  fresh: readonly ToTell[],
  { time, done }: Pick<Looked, 'time' | 'done'>,
  before: Notices,
): Notices {
  const added = fresh.map(({ type, data }, index) => ({
    ...{ number: after.last + index + 1, id: `ntc_${randomUUID()}`, type, at: time },
    data: { ...data },
  }));
  const kept = after.list.filter(({ number }) => number > done);
  const list = [...kept, ...added].slice(-MOST_KEPT);
  const isSame =
    added.length === 0 &&
    kept.length === before.list.length &&
    JSON.stringify(after.told) === JSON.stringify(before.told);
  return isSame ? before : { last: after.last + added.length, list, told: after.told };
}
