import { type EventType, type LogEvent, shownId, SPEND_TYPES } from '../../flags/index.ts';
import { isJsonObject } from '../../flags/json-object.ts';
import { formatAge } from './duration.ts';
import { changeWords, governanceWords } from './governance-words.ts';
import { quoted, shortTime, toJson } from './output.ts';
import type { Column } from './table.ts';

type Data = Readonly<Record<string, unknown>>;

/** The words that show each type of event; a type that is not named here shows its data. */
const SAID: Readonly<Record<string, (data: Data) => readonly unknown[]>> = {
  init: () => [],
  recover: ({ given_up }) => (Array.isArray(given_up) && given_up.length > 0 ? ['given up', given_up] : []),
  kill: ({ target, mode, expires_at: end }) => [
    target,
    mode,
    ...(typeof end === 'string' ? ['until', shortTime(end)] : []),
  ],
  revive: ({ target, to }) => [target, ...(to === undefined ? [] : ['to', to])],
  expire: ({ target }) => [target],
  second: ({ kind, name }) => [kind, ...(name === null ? [] : [name])],
  mode: ({ mode, targeting }) => [mode, ...(targeting === null ? [] : ['by', targeting])],
  feature: ({ name, stage, targeting, requirement, evidence }) => [
    name,
    stage,
    ...(targeting === undefined ? [] : ['by', targeting]),
    ...(requirement === undefined ? [] : ['needs', requirement ?? 'nothing']),
    ...(evidence === undefined ? [] : ['with', evidence]),
  ],
  limit: ({ name, value }) => [name, value],
  autonomy: ({ action, stage }) => [action, stage],
  resolve: ({ run_id, idempotency_key, landed }) => [
    run_id ?? '',
    idempotency_key,
    landed === true ? 'landed' : 'not landed',
  ],
  rollback: ({ target, since, count, performer }) => [
    ...[target, ...(since === null ? [] : ['since', since])],
    ...[count, 'effects', 'by', nameIn(performer)],
  ],
  takeover: ({ id, performer }) => [id, 'by', nameIn(performer)],
  rule_add: ({ name, target, mode, window, when }) => [
    name,
    target,
    mode,
    ...windowWords(window),
    ...(when ? ['when', when] : []),
  ],
  rule_remove: ({ name, target }) => [name, target],
  rule_renew: ({ name, until }) => [name, 'until', shortTime(String(until))],
  snapshot: ({ epoch }) => ['of epoch', epoch],
  archive: ({ head, events }) => ['up to epoch', isJsonObject(head) ? head['epoch'] : head, 'of', events, 'events'],
  approve: ({ request, edited }) => [
    ...requestWords(request),
    ...(edited === undefined ? [] : ['with edited arguments']),
  ],
  reject: ({ request }) => requestWords(request),
  escalate: ({ requests }) =>
    Array.isArray(requests) ? requests.flatMap((request: unknown) => requestWords(request)) : [],
  standing: ({ id, action, agent_id, run_id, times, until }) => [
    ...[id, action, 'for', `agent:${String(agent_id)}`],
    ...(typeof run_id === 'string' ? [`run:${run_id}`] : []),
    ...['at most', times, 'times until', typeof until === 'string' ? shortTime(until) : until],
  ],
  standing_withdraw: ({ id }) => [id],
  lapse: ({ approvals, standing }) => [
    ...['approvals', Array.isArray(approvals) ? approvals.length : 0],
    ...['standing', Array.isArray(standing) ? standing.length : 0],
  ],
  budget: ({ name, definition }) => [name, ...(definition === null ? ['removed'] : amountsIn(definition))],
  tripwire: ({ name, definition }) => [
    name,
    ...(isJsonObject(definition) ? ['on', definition['on'], 'above', definition['limit']] : ['removed']),
  ],
  stop: ({ target, mode }) => [target, mode],
  flags: ({ definition }) => {
    const flags = isJsonObject(definition) ? definition['flags'] : undefined;
    return isJsonObject(flags) ? Object.keys(flags) : [];
  },
  governance: ({ rules }) => (isJsonObject(rules) ? governanceWords(rules) : []),
  request: ({ id, change, expires_at }) => [
    ...[id, isJsonObject(change) ? changeWords(change) : '', 'until', shortTime(String(expires_at))],
  ],
  withdraw: ({ id }) => [id],
  alert: ({ name, definition }) => [
    name,
    ...(isJsonObject(definition) ? ['to', definition['to'], definition['events']] : ['removed']),
  ],
  undelivered: ({ name, count }) => [name, count, 'given up'],
  refused: ({ command, target, code, count }) => [
    ...[command, ...(target === null ? [] : [target]), code],
    ...(count === 1 ? [] : [count, 'times']),
  ],
  drill: ({ id, kind, target, state, step, begins }) => [
    ...[id, state],
    ...(state === 'running' && begins === undefined ? [step] : [kind, target]),
  ],
  drill_schedule: ({ name, schedule }) => [
    ...(isJsonObject(schedule) ? [name, schedule['kind'], schedule['words']] : [name, 'removed']),
  ],
} satisfies Record<EventType, (data: Data) => readonly unknown[]>;

/** The name of an executor. */
const nameIn = (performer: unknown): unknown => (isJsonObject(performer) ? performer['name'] : performer);

/** The request that a decision is about. */
const requestWords = (request: unknown): readonly unknown[] =>
  isJsonObject(request) ? [request['id'], request['action'], `agent:${String(request['agent_id'])}`] : [];
/** The window of a rule, as it was written. */
function windowWords(window: unknown): readonly string[] {
  if (!isJsonObject(window)) return [];
  const { words, from, until } = window;
  if (typeof words === 'string') return ['window', words];
  return [...timed('from', from), ...timed('until', until)];
}

const timed = (what: string, time: unknown): string[] => (typeof time === 'string' ? [what, shortTime(time)] : []);
const amountsIn = (definition: unknown): readonly unknown[] =>
  isJsonObject(definition)
    ? SPEND_TYPES.filter((type) => definition[type] !== null).flatMap((type) => [definition[type], type])
    : [];

const word = (value: unknown): string => (typeof value === 'string' ? shownId(value) : toJson(value));

/** What an event has changed, also one of an unknown type. */
function saidOf({ type, data }: Pick<LogEvent, 'type' | 'data'>): string {
  const words = Object.hasOwn(SAID, type) ? SAID[type]?.(data) : [data];
  const how = [
    ...(data['request_id'] === undefined ? [] : ['granting', data['request_id']]),
    ...(data['break_glass'] === true ? ['BREAK GLASS'] : []),
  ];
  return [...(words ?? []), ...how].map(word).join(' ');
}

/** One event in one line. */
export function eventLine(event: LogEvent, form?: 'wide'): string {
  const { seq, at, actor, type, reason, hash } = event;
  const why = reason === null ? '' : quoted(reason);
  const parts = [String(seq), at, shownId(actor), shownId(type), saidOf(event), why, form === 'wide' ? hash : ''];
  return parts.filter((part) => part !== '').join('  ');
}

/** Events in a table. */
export const eventColumns = (now = Date.now()): readonly Column<LogEvent>[] => [
  { heading: 'SEQ', cell: ({ seq }) => seq, fixed: true },
  { heading: 'AT', cell: ({ at }) => ({ ready: at, brief: formatAge(now - Date.parse(at)) }), fixed: true },
  { heading: 'BY', cell: ({ actor }) => actor },
  { heading: 'TYPE', cell: ({ type }) => type },
  { heading: 'WHAT', cell: (event) => ({ ready: saidOf(event) }) },
  { heading: 'REASON', cell: ({ reason }) => (reason === null ? null : { ready: quoted(reason) }), gives: true },
  { heading: 'HASH', cell: ({ hash }) => hash, wide: true },
];
