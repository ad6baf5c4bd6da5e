import type { LogEvent } from '../../flags/index.ts';
import { printable, quoted, shortTime, toJson } from './output.ts';

/** What the events are said to have done; one that is not named here shows its data. */
const SAID: Readonly<Record<string, (data: Readonly<Record<string, unknown>>) => string>> = {
  init: () => '',
  kill: ({ target, mode, expires_at }) =>
    `${target} ${mode}${expires_at ? ` until ${shortTime(String(expires_at))}` : ''}`,
  revive: ({ target }) => `${target}`,
  expire: ({ target }) => `${target}`,
  second: ({ kind, name }) => `${kind}${name === null ? '' : ` ${name}`}`,
  mode: ({ mode, targeting }) => `${mode}${targeting === null ? '' : ` by ${toJson(targeting)}`}`,
  feature: ({ name, stage }) => `${name} ${stage}`,
  limit: ({ name, value }) => `${name} ${value}`,
  autonomy: ({ action, stage }) => `${action} ${stage}`,
  flags: ({ definition }) => Object.keys((definition as { flags?: object } | undefined)?.flags ?? {}).join(' '),
};

/** One event in one line. */
export function eventLine({ seq, at, actor, type, data, reason }: LogEvent): string {
  const say = Object.hasOwn(SAID, type) ? SAID[type] : undefined;
  const what = say ? printable(say(data)) : toJson(data);
  const why = reason === null ? '' : quoted(reason);
  return [String(seq), at, printable(actor), printable(type), what, why].filter((part) => part !== '').join('  ');
}
