import { isSecret, redactText } from '../flags/index.ts';
import { FIELD_MEMBERS, NAME_MEMBERS, VALUE_MEMBERS } from '../flags/secret-members.ts';

const NAMES: ReadonlySet<string> = new Set(NAME_MEMBERS);
const FIELDS: ReadonlySet<string> = new Set(FIELD_MEMBERS);
const VALUES: ReadonlySet<string> = new Set(VALUE_MEMBERS);
/** Values of a member `type` that make its neighbour `value` a secret: `{ type: 'password', value: '…' }`. */
const PASSWORD = /^(?:password|passcode|pin|otp|one-time-code|(?:current|new)-password)$/i;

/**
 * What may be the name of a header, an option or a field; a CSS or XPath selector; and an option of a command, whose
 * value may follow.
 */
const NAME = /^-{0,2}([\w .-]{1,80}):?$/;
const SELECTOR = /^(?:[#.[]|\/\/|[a-z]{1,20}[#.[])[^\n]{1,120}$/i;
const OPTION = /^--?[A-Za-z][\w-]{0,60}$/;
const MAX_FIELD = 200;
/** Characters of an option's value that are looked at. */
const SHOWN = 2000;

/** The names that members such as `name` give to the value beside them: `{ name: 'password', value: '…' }`. */
export const namesIn = (members: readonly (readonly [unknown, unknown])[]): readonly string[] =>
  members.flatMap(([key, value]) =>
    typeof key === 'string' && typeof value === 'string' && saysWhatIsBeside(key.toLowerCase(), value) ? [value] : [],
  );

const saysWhatIsBeside = (key: string, value: string): boolean =>
  (NAMES.has(key) && NAME.test(value)) ||
  (FIELDS.has(key) && value.length <= MAX_FIELD) ||
  (key === 'type' && PASSWORD.test(value));

/** True when a member's own name, or one of the names beside it (`namesIn`), makes its value a secret. */
export const isSecretMember = (name: string, value: unknown, beside: readonly string[]): boolean =>
  isSecret(name, value) || (VALUES.has(name.toLowerCase()) && beside.some((said) => isSecret(said, value)));

/**
 * True when the element before makes this one a secret: `['Authorization', '…']`, `['--token', '…']`, `['curl', '-u',
 * 'me:…']`.
 */
export function isValueOf(before: unknown, item: unknown, command: readonly string[]): boolean {
  if (typeof before !== 'string' || before.length > 80) return false;
  const name = NAME.exec(before)?.[1] ?? SELECTOR.exec(before)?.[0];
  if (name !== undefined && isSecret(name, item)) return true;
  if (typeof item !== 'string' || item.startsWith('-') || !OPTION.test(before)) return false;
  const start = `${command.join(' ')} ${before} `;
  const value = item.slice(0, SHOWN);
  return !redactText(start + value).endsWith(` ${redactText(value)}`);
}
