import { randomBytes } from 'node:crypto';
import {
  ALERT_EVENTS,
  ALERT_FORMATS,
  type AlertFormat,
  type AlertKind,
  invalid,
  isAlertKind,
  quoteId,
} from '../../flags/index.ts';
import { closest } from '../../flags/closest.ts';
import { checkKeys, type Keys } from '../../flags/options.ts';
import { addressOf, shownAddress } from '../alerts/address.ts';
import { type GivenReason, readReason } from '../reason.ts';
import { checkBoolean, named, oneOf } from './checks.ts';

/** Whom to tell, of what. Exactly one of `to` and `exec` is given. */
export interface AlertOptions {
  readonly name: string;
  /** An `https://` or `http://` address. What of it is secret is kept apart from the log. */
  readonly to?: string | undefined;
  /**
   * A command that `/bin/sh` runs in the operating process, with the alert as JSON on its standard input, for 15
   * seconds at most. Kept apart from the log.
   */
  readonly exec?: string | undefined;
  /** Default: all. */
  readonly events?: readonly AlertKind[] | undefined;
  /** `webhook` (default): Standard Webhooks; `slack`, `teams`: a text in a channel of theirs. */
  readonly format?: AlertFormat | undefined;
  /** The key of the signature: `whsec_` and 24 to 64 bytes in base64; default: a new one. */
  readonly secret?: string | undefined;
  /** True: also to an address of a private network or of this machine; default false. */
  readonly allowPrivate?: boolean | undefined;
  /** At most 2000 characters. */
  readonly reason?: string | undefined;
}

/** Which target is removed. */
export interface AlertRemoval {
  readonly name: string;
  readonly reason: string;
}

const ALERT_KEYS: Keys<AlertOptions> = {
  name: true,
  to: ['url', 'address'],
  exec: ['command', 'run'],
  events: ['on', 'kinds'],
  format: ['type'],
  secret: ['key'],
  allowPrivate: ['allow_private', 'private'],
  reason: ['why', 'because'],
};

/** The longest address and the longest command, in characters. */
const [LONGEST_ADDRESS, LONGEST_COMMAND] = [2000, 10_000];

/** A target as it was asked for: what everybody may read, and what is kept apart. */
export interface GivenAlert extends GivenReason {
  readonly name: string;
  readonly via: 'url' | 'exec';
  /** Without what is secret. */
  readonly to: string;
  readonly events: readonly AlertKind[];
  readonly format: AlertFormat;
  readonly allowPrivate: boolean;
  /** The whole address, or the whole command. */
  readonly where: string;
  /** Null: nothing is signed. */
  readonly secret: string | null;
}

/** @throws KillSwitchError INVALID_ARGUMENT, which says nothing of what may be secret */
export function givenAlert(options: AlertOptions): GivenAlert {
  const given = checkKeys('addAlert', options, ALERT_KEYS);
  const { to, exec, events = ALERT_EVENTS, format = 'webhook', secret, allowPrivate = false, reason } = given;
  const name = named('name', given.name);
  checkBoolean('allowPrivate', allowPrivate);
  if ((to === undefined) === (exec === undefined))
    throw invalid('An alert goes to an address (to) or to a command (exec): exactly one of the two is given.');
  oneOf('a format of alerts', format, isFormat, ALERT_FORMATS);
  const common = { name, events: givenEvents(events), format, allowPrivate, ...readReason(reason) };
  if (exec !== undefined) {
    if (format !== 'webhook' || secret !== undefined || allowPrivate)
      throw invalid('A command gets the alert as it is: format, secret and allowPrivate are for an address (to).');
    return { ...common, via: 'exec', to: programOf(exec), where: exec, secret: null };
  }
  const address = addressOf(givenText('to', to, LONGEST_ADDRESS));
  const key = secret === undefined && format === 'webhook' ? newSecret() : secret;
  return {
    ...common,
    ...{ via: 'url', to: shownAddress(address), where: address.href },
    secret: key === undefined ? null : givenSecret(key),
  };
}

const isFormat = (value: unknown): value is AlertFormat => (ALERT_FORMATS as readonly unknown[]).includes(value);

function givenText(what: string, text: unknown, longest: number): string {
  if (typeof text === 'string' && text.trim() !== '' && text.length <= longest && !text.includes('\0')) return text;
  throw invalid(`${what} is a text of at most ${longest} characters, and not empty.`);
}

/** The program that a command begins with, as a name: what follows it may be secret, and so may a path. */
function programOf(exec: unknown): string {
  const [word = ''] = givenText('exec', exec, LONGEST_COMMAND).trim().split(/\s/);
  const [name = ''] = /[\w.+-]+$/.exec(word) ?? [];
  return name === '' || name.length > 100 || word.includes('=') ? 'a command' : name;
}

export function givenEvents(events: unknown): readonly AlertKind[] {
  if (!Array.isArray(events) || events.length === 0)
    throw invalid(`events is a list of ${ALERT_EVENTS.join(', ')}, not ${quoteId(events)}.`);
  for (const each of events as readonly unknown[]) {
    if (isAlertKind(each)) continue;
    const meant = typeof each === 'string' ? closest(each, ALERT_EVENTS) : undefined;
    throw invalid(
      `${quoteId(each)} is nothing that alerts tell of: it is one of ${ALERT_EVENTS.join(', ')}.${meant === undefined ? '' : ` Did you mean ${meant}?`}`,
    );
  }
  return ALERT_EVENTS.filter((each) => events.includes(each));
}

const PREFIX = 'whsec_';

const newSecret = (): string => PREFIX + randomBytes(32).toString('base64');

function givenSecret(secret: unknown): string {
  if (typeof secret === 'string' && secret.startsWith(PREFIX)) {
    const text = secret.slice(PREFIX.length);
    const bytes = Buffer.from(text, 'base64');
    if (bytes.length >= 24 && bytes.length <= 64 && bytes.toString('base64') === text) return secret;
  }
  throw invalid(
    `The secret of an alert is ${PREFIX} and 24 to 64 bytes in base64. Leave it out, and a new one is made.`,
  );
}

/** @throws KillSwitchError INVALID_ARGUMENT */
export function givenAlertRemoval(options: AlertRemoval) {
  const { name, reason } = checkKeys('removeAlert', options, { name: true, reason: ['why', 'because'] });
  return { name: named('name', name), ...readReason(reason) };
}
