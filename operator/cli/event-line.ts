import { type EventType, type LogEvent, shownId } from '../../flags/index.ts';
import { isJsonObject } from '../../flags/json-object.ts';
import { quoted, shortTime, toJson } from './output.ts';

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
  revive: ({ target }) => [target],
  expire: ({ target }) => [target],
  second: ({ kind, name }) => [kind, ...(name === null ? [] : [name])],
  mode: ({ mode, targeting }) => [mode, ...(targeting === null ? [] : ['by', targeting])],
  feature: ({ name, stage }) => [name, stage],
  limit: ({ name, value }) => [name, value],
  autonomy: ({ action, stage }) => [action, stage],
  snapshot: ({ epoch }) => ['of epoch', epoch],
  flags: ({ definition }) => {
    const flags = isJsonObject(definition) ? definition['flags'] : undefined;
    return isJsonObject(flags) ? Object.keys(flags) : [];
  },
} satisfies Record<EventType, (data: Data) => readonly unknown[]>;

const word = (value: unknown): string => (typeof value === 'string' ? shownId(value) : toJson(value));

/** One event in one line, also one of an unknown type. */
export function eventLine({ seq, at, actor, type, data, reason }: LogEvent): string {
  const words = Object.hasOwn(SAID, type) ? SAID[type]?.(data) : [data];
  const what = (words ?? []).map(word).join(' ');
  const why = reason === null ? '' : quoted(reason);
  return [String(seq), at, shownId(actor), shownId(type), what, why].filter((part) => part !== '').join('  ');
}
