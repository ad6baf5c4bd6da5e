import { idProblem, invalid, quoteId, readTarget, textProblem } from '../flags/index.ts';
import { checkKeys, readable } from '../flags/options.ts';
import { EXECUTOR_STATES } from './acknowledge.ts';
import type { FollowOptions, SurfaceRow } from './control-plane.ts';
import type { FollowingInterventions } from './follow-interventions.ts';
import type { Following } from './follow-log.ts';
import { checkBoolean, checkFunction, checkSignal, isoTime, wholeNumber } from './given.ts';
import {
  EVENT_FILTERS,
  INTERVENTION_FILTERS,
  type Filters,
  type FilterValues,
  SURFACE_FILTERS,
} from './list-filters.ts';
import type { FollowInterventionsOptions, LogOptions, Page, SurfacesOptions } from './lists.ts';

// What callers ask of a list, checked before the store is asked.

/** `limit` Infinity: all that is left. */
export interface Asked<Row> {
  readonly skip: number;
  readonly limit: number;
  readonly matches: (row: Row) => boolean;
}

/** Every filter among these options has to be one of the list's. */
type FiltersOf<Options, Row> = Filters<Row> & Readonly<Record<Exclude<keyof Options, keyof Page>, unknown>>;

export function givenList<Options extends Page, Row>(
  what: string,
  options: Options,
  filters: FiltersOf<Options, Row>,
): Asked<Row> {
  return readable(`The options of ${what}`, () => {
    checkKeys<object>(what, options, { ...keysOf(filters), skip: ['offset'], limit: ['count', 'take'] });
    const { skip = 0, limit = Number.POSITIVE_INFINITY } = options;
    wholeNumber('skip', skip, 0);
    if (limit !== Number.POSITIVE_INFINITY) wholeNumber('limit', limit, 1);
    return { skip, limit, matches: givenFilters(options, filters) };
  });
}

/** Which actions are listed. Who will use one is not known, so they are not listed by agent, mission or run. */
export function givenSurfaces(options: SurfacesOptions): Asked<SurfaceRow> {
  const asked = givenList('surfaces', options, SURFACE_FILTERS);
  const { type } = readTarget(options.target ?? 'all');
  if (type === 'agent' || type === 'mission' || type === 'run')
    throw invalid(
      `Which actions ${quoteId(options.target)} will use is not known: actions are listed by all, action:PATTERN, feature:NAME or surface:NAME.`,
    );
  return asked;
}

/** The log from after an event on. */
export function givenLog(options: LogOptions): Pick<Following, 'after' | 'matches'> {
  return readable('The options of log', () => {
    checkKeys<object>('log', options, { after: true, ...keysOf(EVENT_FILTERS) });
    return afterAndMatches(options);
  });
}

export function givenFollow(options: FollowOptions): Following {
  return readable('The options of follow', () => {
    checkKeys<object>('follow', options, { after: true, signal: true, onTrouble: true, ...keysOf(EVENT_FILTERS) });
    const { signal, onTrouble = () => {} } = options;
    checkSignal(signal);
    checkFunction('onTrouble', onTrouble);
    return { ...afterAndMatches(options), signal: signal ?? new AbortController().signal, onTrouble };
  });
}

export function givenFollowInterventions(options: FollowInterventionsOptions): FollowingInterventions {
  const own = { signal: true, onTrouble: true } as const;
  return readable('The options of followInterventions', () => {
    checkKeys<object>('followInterventions', options, { ...keysOf(INTERVENTION_FILTERS), ...own });
    const { signal, onTrouble = () => {}, since, proposals } = options;
    checkSignal(signal);
    checkFunction('onTrouble', onTrouble);
    return {
      matches: givenFilters(options, INTERVENTION_FILTERS),
      proposals: proposals === true,
      withKept: since !== undefined,
      signal: signal ?? new AbortController().signal,
      onTrouble,
    };
  });
}

const afterAndMatches = ({ after = 0, ...filters }: LogOptions): Pick<Following, 'after' | 'matches'> => ({
  after: wholeNumber('after', after, 0),
  matches: givenFilters(filters, EVENT_FILTERS),
});

/** The keys of a list's filters, for `checkKeys`. */
const keysOf = <Row>(filters: Filters<Row>): Readonly<Record<string, true>> =>
  Object.fromEntries(Object.keys(filters).map((name) => [name, true]));

/** True for the rows that match every filter that is given. @throws KillSwitchError INVALID_ARGUMENT */
function givenFilters<Row>(options: object, filters: Filters<Row>): (row: Row) => boolean {
  const given: Readonly<Record<string, unknown>> = { ...options };
  const tests = NAMES.flatMap((name) => testOf(name, filters, given[name]) ?? []);
  return (row) => tests.every((test) => test(row));
}

function testOf<F extends keyof FilterValues, Row>(
  name: F,
  filters: Filters<Row>,
  given: unknown,
): ((row: Row) => boolean) | undefined {
  const matches = filters[name];
  if (matches === undefined || given === undefined) return undefined;
  const wanted = READ[name](given);
  return (row) => matches(wanted, row);
}

const text = (what: string, given: unknown, problem: string | null): string => {
  if (problem === null) return String(given);
  throw invalid(`${what} ${problem}, and is ${quoteId(given)}.`);
};

const READ: { readonly [F in keyof FilterValues]: (given: unknown) => FilterValues[F] } = {
  target(given) {
    readTarget(given);
    return String(given);
  },
  agent: (given) => text('agent', given, idProblem(given)),
  action: (given) => text('action', given, textProblem(given)),
  actor: (given) => text('actor', given, textProblem(given)),
  since: (given) => Date.parse(isoTime(given)),
  state(given) {
    const state = EXECUTOR_STATES.find((each) => each === given);
    if (state !== undefined) return state;
    throw invalid(
      `${quoteId(given)} is not the state of an executor: it must be one of ${EXECUTOR_STATES.join(', ')}.`,
    );
  },
  proposals(given) {
    checkBoolean('proposals', given);
    return given === true;
  },
};

const NAMES = [
  'target',
  'agent',
  'action',
  'actor',
  'since',
  'state',
  'proposals',
] as const satisfies readonly (keyof FilterValues)[];

/** The part of a list that was asked for, and how many there are. */
export function listed<Row>(all: readonly Row[], { skip, limit }: Pick<Asked<Row>, 'skip' | 'limit'>) {
  return { data: all.slice(skip, skip + limit), count: all.length };
}
