import { EVENT_TYPES, idProblem, invalid, isPattern, quoteId, readTarget, textProblem } from '../../flags/index.ts';
import { checkKeys, type Keys, readable } from '../../flags/options.ts';
import { keysOf, tableOf } from '../../flags/table.ts';
import { EXECUTOR_STATES } from '../acknowledge.ts';
import type { SurfaceRow } from '../answers.ts';
import { APPROVAL_STATUSES } from '../approval-records.ts';
import type { FollowingApprovals } from '../approvals.ts';
import type { FollowingInterventions } from '../follow-interventions.ts';
import type { Following } from '../follow-log.ts';
import { checkBoolean, checkFunction, checkSignal, isoTime, wholeNumber } from './checks.ts';
import {
  APPROVAL_FILTERS,
  EVENT_FILTERS,
  type FilterName,
  type Filters,
  type FilterValues,
  INTERVENTION_FILTERS,
  SURFACE_FILTERS,
  type Wanted,
} from '../list-filters.ts';
import type {
  FollowApprovalsOptions,
  FollowInterventionsOptions,
  FollowOptions,
  LogOptions,
  Page,
  SurfacesOptions,
} from '../lists.ts';

// What callers ask of a list, checked before the store is asked. Each option is read once: `checkKeys` gives a copy.

/** The filters that are given, and whether a row matches all of them. */
interface Filtered<Row> {
  readonly wanted: Wanted;
  readonly matches: (row: Row) => boolean;
}

/** `limit` Infinity: all that is left. */
export interface Asked<Row> extends Filtered<Row> {
  readonly skip: number;
  readonly limit: number;
}

/** Every filter among these options has to be one of the list's. */
type FiltersOf<Options, Row> = Filters<Row> & Readonly<Record<Exclude<keyof Options, keyof Page>, unknown>>;

export function givenList<Options extends Page, Row>(
  what: string,
  options: Options,
  filters: FiltersOf<Options, Row>,
): Asked<Row> {
  return readable(`The options of ${what}`, () => {
    const keys: Keys<Page> = { ...filterKeys(filters), skip: ['offset'], limit: ['count', 'take'] };
    const given = checkKeys<Page>(what, options, keys);
    const { skip = 0, limit = Number.POSITIVE_INFINITY } = given;
    wholeNumber('skip', skip, 0);
    if (limit !== Number.POSITIVE_INFINITY) wholeNumber('limit', limit, 1);
    return { skip, limit, ...filtered(given, filters) };
  });
}

/** Which actions are listed. Who will use one is not known, so they are not listed by agent, mission or run. */
export function givenSurfaces(options: SurfacesOptions): Asked<SurfaceRow> {
  const asked = givenList('surfaces', options, SURFACE_FILTERS);
  const { target = 'all' } = asked.wanted;
  const { type } = readTarget(target);
  if (type === 'agent' || type === 'mission' || type === 'run')
    throw invalid(
      `Which actions ${quoteId(target)} will use is not known: actions are listed by all, action:PATTERN, feature:NAME or surface:NAME.`,
    );
  return asked;
}

/** The log from after an event on. */
export function givenLog(options: LogOptions): Pick<Following, 'after' | 'matches'> {
  return readable('The options of log', () => {
    const keys: Keys<Pick<LogOptions, 'after'>> = { after: true, ...filterKeys(EVENT_FILTERS) };
    return afterAndMatches(checkKeys<Pick<LogOptions, 'after'>>('log', options, keys));
  });
}

export function givenFollow(options: FollowOptions): Following {
  return readable('The options of follow', () => {
    const keys: Keys<FollowOptions> = { after: true, signal: true, onTrouble: true, ...filterKeys(EVENT_FILTERS) };
    const given = checkKeys('follow', options, keys);
    return { ...afterAndMatches(given), ...listening(given) };
  });
}

export function givenFollowInterventions(options: FollowInterventionsOptions): FollowingInterventions {
  return readable('The options of followInterventions', () => {
    const keys: Keys<FollowInterventionsOptions> = {
      ...filterKeys(INTERVENTION_FILTERS),
      signal: true,
      onTrouble: true,
    };
    const given = checkKeys('followInterventions', options, keys);
    const { wanted, matches } = filtered(given, INTERVENTION_FILTERS);
    return {
      matches,
      proposals: wanted.proposals === true,
      withKept: wanted.since !== undefined,
      ...listening(given),
    };
  });
}

export function givenFollowApprovals(options: FollowApprovalsOptions): FollowingApprovals {
  return readable('The options of followApprovals', () => {
    const keys: Keys<FollowApprovalsOptions> = { ...filterKeys(APPROVAL_FILTERS), signal: true, onTrouble: true };
    const given = checkKeys('followApprovals', options, keys);
    return { matches: filtered(given, APPROVAL_FILTERS).matches, ...listening(given) };
  });
}

/** What ends a following, and who is told of its troubles. */
function listening({
  signal,
  onTrouble = () => {},
}: Pick<FollowOptions, 'signal' | 'onTrouble'>): Pick<Following, 'signal' | 'onTrouble'> {
  checkSignal(signal);
  checkFunction('onTrouble', onTrouble);
  return { signal: signal ?? new AbortController().signal, onTrouble };
}

const afterAndMatches = ({ after = 0, ...given }: Pick<LogOptions, 'after'>): Pick<Following, 'after' | 'matches'> => ({
  after: wholeNumber('after', after, 0),
  matches: filtered(given, EVENT_FILTERS).matches,
});

/** The keys of a list's filters, for `checkKeys`. */
const filterKeys = <Table extends object>(filters: Table): Readonly<Record<Extract<keyof Table, string>, true>> =>
  tableOf(keysOf(filters), () => true);

/** @param given read already: each option once. @throws KillSwitchError INVALID_ARGUMENT */
function filtered<Row>(given: object, filters: Filters<Row>): Filtered<Row> {
  const values: Readonly<Record<string, unknown>> = { ...given };
  const wanted: { -readonly [F in FilterName]?: FilterValues[F] } = {};
  const tests = keysOf(READ).flatMap((name) => testOf({ name, given: values[name] }, filters, wanted) ?? []);
  return { wanted, matches: (row) => tests.every((test) => test(row)) };
}

/** Reads one filter into `wanted`; undefined where it is not given. */
function testOf<F extends FilterName, Row>(
  { name, given }: { readonly name: F; readonly given: unknown },
  filters: Filters<Row>,
  wanted: { -readonly [N in FilterName]?: FilterValues[N] },
): ((row: Row) => boolean) | undefined {
  const matches = filters[name];
  if (matches === undefined || given === undefined) return undefined;
  const value = READ[name](given);
  wanted[name] = value;
  return (row) => matches(value, row);
}

const text = (what: string, given: unknown, problem: string | null): string => {
  if (problem === null) return String(given);
  throw invalid(`${what} ${problem}, and is ${quoteId(given)}.`);
};

const READ: { readonly [F in FilterName]: (given: unknown) => FilterValues[F] } = {
  target(given) {
    readTarget(given);
    return String(given);
  },
  agent: (given) => text('agent', given, idProblem(given)),
  action(given) {
    const action = text('action', given, textProblem(given));
    if (!action.includes('*') || isPattern(action)) return action;
    throw invalid(
      `action is an action (email.send), or all that begin alike (email.*): in ${quoteId(action)} the * would match nothing.`,
    );
  },
  actor: (given) => text('actor', given, textProblem(given)),
  type(given) {
    const type = EVENT_TYPES.find((each) => each === given);
    if (type !== undefined) return type;
    throw invalid(`${quoteId(given)} is not a type of event: it must be one of ${EVENT_TYPES.join(', ')}.`);
  },
  since: (given) => Date.parse(isoTime(given)),
  state(given) {
    const state = EXECUTOR_STATES.find((each) => each === given);
    if (state !== undefined) return state;
    throw invalid(
      `${quoteId(given)} is not the state of an executor: it must be one of ${EXECUTOR_STATES.join(', ')}.`,
    );
  },
  status(given) {
    const status = APPROVAL_STATUSES.find((each) => each === given);
    if (status !== undefined) return status;
    throw invalid(
      `${quoteId(given)} is not what becomes of a request: it must be one of ${APPROVAL_STATUSES.join(', ')}.`,
    );
  },
  proposals(given) {
    checkBoolean('proposals', given);
    return given === true;
  },
};
