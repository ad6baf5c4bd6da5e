import { type AlertKind, type LogEvent, shellWord, shownId } from '../../flags/index.ts';
import { type EventType, isEventType } from '../../flags/fold.ts';
import { isJsonObject } from '../../flags/json-object.ts';
import { type Alert, bounded } from './alert.ts';

type Data = Readonly<Record<string, unknown>>;

/** What an event tells people, before it is bounded. */
interface Told {
  readonly type: AlertKind;
  readonly text: string;
  readonly target?: unknown;
  readonly mode?: unknown;
  readonly next: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

type Teller = (data: Data, event: LogEvent) => Told | null;

const words = (value: unknown): string => (typeof value === 'string' ? shownId(value) : JSON.stringify(value));
const typed = (value: unknown): string => (typeof value === 'string' ? shellWord(value) : '…');
const LOG = 'kill-switch log';
const until = (end: unknown): string => (typeof end === 'string' ? ` until ${end}` : '');
const reviveOf = (target: unknown): string => `kill-switch revive ${typed(target)} --reason "…"`;

/** A change that neither stops a target nor revives one. `what`: what is so now, as a sentence without its end. */
const changed =
  (next: string, what: (data: Data) => string): Teller =>
  (data, event) => {
    if (data['break_glass'] === true) return alone(data, event);
    return {
      ...{ type: 'change', target: data['target'] ?? null, mode: data['mode'] ?? null, next },
      text: `${what(data)}, by ${event.actor}.`,
      details: { change: event.type },
    };
  };

const forSome = (targeting: unknown): string =>
  targeting === undefined || targeting === null ? '' : ' where no condition says otherwise';
const setOrRemoved = ({ definition }: Data): string => (definition === null ? 'removed' : 'set');

/** Which kind of alert each kind of event is, and what it says; null: it is told to nobody. One row a kind of event. */
const TELLERS: { readonly [T in EventType]: Teller | null } = {
  kill: ({ target, mode, expires_at: end }, { actor }) => ({
    ...{ type: 'kill', target, mode, next: reviveOf(target), details: { expires_at: end } },
    text: `${words(target)} is stopped (${String(mode)})${until(end)} by ${actor}.`,
  }),
  stop: ({ target, mode }, { actor }) => ({
    ...{ type: stoppedBy(actor), target, mode, next: reviveOf(target) },
    text: `${words(target)} is stopped (${String(mode)}) by ${actor}.`,
  }),
  revive: ({ target, to, break_glass: alone }, { actor }) => ({
    ...{ type: 'revive', target, mode: to ?? null, next: LOG, details: { break_glass: alone === true } },
    text: `${glass(alone)}${words(target)} is ${to === undefined ? 'revived' : `one step looser (${words(to)})`} by ${actor}.`,
  }),
  expire: ({ target }) => ({
    ...{ type: 'revive', target, next: LOG },
    text: `The kill of ${words(target)} has ended by its time.`,
  }),
  mode: changed('kill-switch status', ({ mode, targeting }) => `The base mode is ${words(mode)}${forSome(targeting)}`),
  feature: changed(
    'kill-switch features',
    ({ name, stage, targeting }) => `The feature ${words(name)} is ${words(stage)}${forSome(targeting)}`,
  ),
  limit: changed('kill-switch limits', ({ name, value }) => `The limit ${words(name)} is ${words(value)}`),
  autonomy: changed('kill-switch status', ({ action, stage }) => `The action ${words(action)} is ${words(stage)}`),
  budget: changed('kill-switch budgets', (data) => `The budget ${words(data['name'])} is ${setOrRemoved(data)}`),
  tripwire: changed('kill-switch tripwires', (data) => `The tripwire ${words(data['name'])} is ${setOrRemoved(data)}`),
  rule_add: changed(
    'kill-switch rules',
    ({ name, target, mode }) => `The rule ${words(name)} is set: ${words(target)} is ${words(mode)} in its hours`,
  ),
  rule_remove: changed(
    'kill-switch rules',
    ({ name, target }) => `The rule ${words(name)} of ${words(target)} is removed`,
  ),
  standing: changed(
    'kill-switch approvals standing',
    ({ action }) => `A standing approval of ${words(action)} is given`,
  ),
  standing_withdraw: changed(
    'kill-switch approvals standing',
    ({ id }) => `The standing approval ${words(id)} is withdrawn`,
  ),
  governance: changed('kill-switch governance', () => 'What giving authority back takes is another'),
  drill_schedule: changed(
    'kill-switch drills',
    ({ name, schedule }) => `The schedule of drills ${words(name)} is ${schedule === null ? 'removed' : 'set'}`,
  ),
  archive: changed('kill-switch log verify', ({ epoch }) => `The log up to epoch ${words(epoch)} is archived`),
  alert: changed('kill-switch alerts', (data) => `The alert ${words(data['name'])} is ${setOrRemoved(data)}`),
  request: ({ id, change, expires_at: end }, { actor }) => {
    const what = isJsonObject(change) ? change : {};
    const target = what['target'] ?? what['name'] ?? what['action'] ?? null;
    return {
      ...{ type: 'request', target, mode: what['mode'] ?? null },
      text: `${actor} asks another person to agree to ${words(what['type'])}${target === null ? '' : ` ${words(target)}`}${until(end)}.`,
      next: `kill-switch approve ${typed(id)}`,
      details: { id, expires_at: end },
    };
  },
  withdraw: ({ id }, { actor }) => ({
    ...{ type: 'request', next: 'kill-switch requests', details: { id } },
    text: `${actor} has withdrawn the request ${words(id)}.`,
  }),
  refused: ({ command, target, code, count }, { actor }) => ({
    ...{ type: 'request', target, next: 'kill-switch log --json', details: { command, code, count } },
    text: `${actor} was refused: ${words(command)}${target === null ? '' : ` of ${words(target)}`} (${words(code)})${count === 1 ? '' : `, ${String(count)} times`}.`,
  }),
  escalate: ({ requests }) => {
    const all: readonly unknown[] = Array.isArray(requests) ? requests : [];
    const first = isJsonObject(all[0]) ? all[0] : {};
    const agent = typeof first['agent_id'] === 'string' ? `agent:${first['agent_id']}` : null;
    return {
      ...{
        type: 'escalation',
        target: agent,
        details: { id: first['id'], action: first['action'], count: all.length },
      },
      text: `Nobody has answered yet: ${words(first['action'])} of ${agent ?? 'nobody'} waits${all.length > 1 ? `, and ${all.length - 1} more` : ''}.`,
      next: all.length === 1 ? `kill-switch approvals show ${typed(first['id'])}` : 'kill-switch approvals',
    };
  },
  recover: ({ given_up: lost }, { actor }) => ({
    ...{ type: 'fork', next: 'kill-switch status', details: { given_up: Array.isArray(lost) ? lost.length : 0 } },
    text: `${actor} has accepted the store as it is (recover): what it had lost is given up.`,
  }),
  drill({ id, kind, state, target, begins }) {
    if (state === 'running' && begins === undefined) return null; // it goes on to its next step
    return {
      ...{ type: 'drill', target, next: `kill-switch drills show ${typed(id)}`, details: { id, kind, state } },
      text: `The drill ${words(id)} (${words(kind)}) is ${words(state)}.`,
    };
  },
  ...{
    approve: null,
    flags: null,
    init: null,
    lapse: null,
    reject: null,
    resolve: null,
    rollback: null,
    rule_renew: null,
    second: null,
    snapshot: null,
    takeover: null,
    undelivered: null,
  },
};

/** Whoever has given anything back alone, in an emergency, is told of: whatever it was. */
const alone: Teller = (data, { type, actor }) => {
  const target = data['target'] ?? data['name'] ?? data['action'] ?? null;
  return {
    ...{ type: 'revive', target, mode: data['mode'] ?? data['stage'] ?? null, next: LOG },
    text: `${glass(true)}${actor} has changed ${words(type)}${target === null ? '' : ` of ${words(target)}`} alone.`,
    details: { break_glass: true, change: type },
  };
};

const glass = (broken: unknown): string => (broken === true ? 'BREAK GLASS: ' : '');

/** What has stopped something, by the name of the event's actor. */
function stoppedBy(actor: string): AlertKind {
  if (actor.startsWith('budget:')) return 'budget';
  return actor.startsWith('tripwire:') ? 'tripwire' : 'kill';
}

const tellerOf = ({ type, data }: LogEvent): Teller | null =>
  (isEventType(type) ? TELLERS[type] : null) ?? (data['break_glass'] === true ? alone : null);

/** What an event of the log tells people; null: nothing. */
export function alertOf(event: LogEvent, organizationId: string): Alert | null {
  const told = tellerOf(event)?.(event.data, event) ?? null;
  if (!told) return null;
  const { seq, hash, at, actor, reason } = event;
  return {
    id: `evt_${seq}_${hash.slice(0, 32)}`,
    type: told.type,
    at,
    data: {
      text: bounded(told.text),
      organization_id: organizationId,
      epoch: seq,
      target: textIn(told.target),
      mode: textIn(told.mode),
      by: bounded(actor),
      reason: reason === null ? null : bounded(reason),
      next: bounded(told.next),
      details: plain(told.details ?? {}),
    },
  };
}

const textIn = (value: unknown): string | null => (typeof value === 'string' ? bounded(value) : null);

/** Only plain values, each bounded. */
function plain(details: Readonly<Record<string, unknown>>): Alert['data']['details'] {
  const kept: Record<string, string | number | boolean | null> = {};
  for (const [name, value] of Object.entries(details)) {
    if (typeof value === 'string') kept[name] = bounded(value);
    else if (typeof value === 'number' || typeof value === 'boolean' || value === null) kept[name] = value;
  }
  return kept;
}
