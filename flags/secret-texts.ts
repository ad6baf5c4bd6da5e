import { REDACTED } from './secret-keys.ts';
import { redactNeighbours } from './secret-neighbours.ts';
import { redactPairs } from './secret-pairs.ts';

/** One kind of secret that is recognised by its form, wherever it stands in a text. */
export interface SecretKind {
  /** What it is called in a refusal: "holds what looks like …". */
  readonly name: string;
  /**
   * The text with its secrets of this kind replaced. Takes time linear in the length of any text: patterns have no
   * repeat inside a repeat, and bounds where a part is read twice.
   */
  readonly redact: (text: string) => string;
  /** True: it is not known by its own form, but guessed from the words around it, which may be ours. */
  readonly guessed?: true;
}

/** A kind that one pattern finds; `keep` gives the part of a match that may stay. */
const kind = (name: string, pattern: RegExp, keep: (...match: string[]) => string = () => ''): SecretKind => ({
  name,
  redact: (text) =>
    text.replace(pattern, (...match) => {
      const kept = keep(...(match as string[]));
      return kept === match[0] ? kept : kept + REDACTED;
    }),
});

/** The beginnings of tokens of well-known services. */
const PREFIXES = [
  'gh[pousr]_ github_pat_ glpat- glptt- gldt- glrt- glcbt- glsoat- xox[a-z]- xapp- AKIA ASIA AIza ya29\\. npm_(?=[A-Za-z0-9]{36}) pypi-',
  'sk- sk_live_ sk_test_ rk_live_ rk_test_ whsec_ hf_ gsk_ r8_ dop_v1_ doo_v1_ shp[a-z]{2}_ SG\\. sq0[a-z]{3}- EAA[A-Z] ATATT lin_api_',
  'dckr_[a-z]{3}_ rubygems_ figd_ NRAK- hv[sbr]\\. glsa_ tskey- AGE-SECRET-KEY- PMAK- sntry[su]_ sbp_ key-(?=[0-9a-f]{32})',
].flatMap((line) => line.split(' '));

const isBasic = (encoded: string): boolean => {
  try {
    return /^[\x20-\x7e]*:[\x20-\x7e]*$/.test(atob(encoded.replace(/=+$/, '')));
  } catch {
    return false;
  }
};

/**
 * The beginnings of card numbers: the ranges of the great networks, and of some national ones. Not 1, with which every
 * time in milliseconds begins.
 */
const CARD = /^(?:[2-6]|8600|9860|9792)/;

const isCard = (digits: string): boolean => {
  if (digits.length < 13 || digits.length > 19 || !CARD.test(digits)) return false;
  let sum = 0;
  for (let place = 0; place < digits.length; place += 1) {
    const digit = digits.charCodeAt(digits.length - 1 - place) - 48;
    const doubled = place % 2 === 0 ? digit : digit * 2;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0; // Luhn
};

/** A run of digit groups: a card may begin and end at any of them, as in `1 x 4111 1111 1111 1111`. */
function redactCards(run: string): string {
  const groups = [...run.matchAll(/\d+/g)];
  let [clean, from] = ['', 0];
  for (let first = 0; first < groups.length; first += 1) {
    let digits = '';
    for (let last = first; last < groups.length && digits.length < 20; last += 1) {
      digits += groups[last]?.[0];
      if (!isCard(digits)) continue;
      clean += run.slice(from, groups[first]?.index) + REDACTED;
      from = (groups[last]?.index ?? 0) + (groups[last]?.[0].length ?? 0);
      first = last;
      break;
    }
  }
  return clean + run.slice(from);
}

/** An id whose groups are digits by chance looks like a card number: ids are kept, since results are told by them. */
const UUID = /(?<![\dA-Za-z])([\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12})(?![\dA-Za-z])/gi;

const redactOutsideUuid = (part: string, index: number): string =>
  index % 2 === 1
    ? part // what has split the text
    : part.replace(/(?<!\d)(?<!\d\.)\d(?:[ \u00a0\u2010-\u2015-]{0,2}\d){12,}/g, redactCards);

/**
 * One row for each kind. To add one, copy a row: its name, a pattern, and the part of a match that may stay. They are
 * applied in this order.
 */
export const SECRET_KINDS: readonly SecretKind[] = [
  kind('a PEM block', /-----BEGIN [A-Z0-9 ]{1,60}-----[\s\S]*?(?:-----END [A-Z0-9 ]{1,60}-----|$)/g),
  kind(
    'a URL with credentials',
    /(:\/\/)(?:[^\s/?#"'<>]{0,2048}(?=@)|[^\s/?#@:"'<>]{0,256}:(?!\d{1,5}[/?#])[^\s"'<>]{0,2048}(?=@))/g,
    (_, scheme = '') => scheme,
  ),
  kind(
    'an address with credentials',
    /(?<![\w/@:.+-])(?!(?:mailto|sips?|xmpp|acct|im):)([\w.+-]{0,64}:)[^\s@/:"']{1,256}(?=@[\w.[\]-]{0,253}[:/(])/gi,
    (_, user = '') => user,
  ),
  kind(
    'a webhook address',
    /(hooks\.slack\.com\/|discord(?:app)?\.com\/api\/webhooks\/|\.webhook\.office\.com\/|hooks\.zapier\.com\/|api\.telegram\.org\/bot)[^\s"'<>]+/g,
    (_, host = '') => host,
  ),
  kind('a bearer token', /(\bbearer\s{1,8})[^\s"',;<>]{4,}/gi, (_, scheme = '') => scheme),
  kind('basic credentials', /(\bbasic\s{1,8})([A-Za-z0-9+/_-]{4,}={0,2})/gi, (all = '', scheme = '', encoded = '') =>
    isBasic(encoded) ? scheme : all,
  ),
  kind('a JSON Web Token', /(?<![\w-])eyJ[\w-]{5,}(?:\.[\w-]*){0,4}/g),
  kind('a token of a known service', new RegExp(`(?<![A-Za-z0-9])(?:${PREFIXES.join('|')})[\\w.-]{10,}`, 'g')),
  kind('a token of a Telegram bot', /(?<![\w-])(\d{6,12}:)AA[\w-]{30,50}(?![\w-])/g, (_, bot = '') => bot),
  kind(
    'a password on a command line',
    /(\bConvertTo-SecureString\s{1,8}(?:-String\s{1,8})?)(?:'[^']{1,256}'|"[^"]{1,256}"|[^\s"'-]\S{0,255})/gi,
    (_, command = '') => command,
  ),
  { name: 'a secret by what stands beside it', redact: redactNeighbours, guessed: true },
  { name: 'a secret by its name', redact: redactPairs, guessed: true },
  kind(
    'a password on a command line',
    /((?<![^\s"'])-p(?!\d{1,5}(?![^\s:])|ath\b|rint|rune|arallel\b|rofile|roject|ort\b|erm\b|atch|retty|rogress|thread|ipe\b|edantic|lugin))(?:'[^']{1,256}'|"[^"]{1,256}"|[^\s"'=-][^\s"']{2,})/g,
    (_, option = '') => option,
  ),
  kind(
    'a password on a command line',
    /(\b(?:sshpass|docker login|podman login|mongo[a-z]{0,10}|redis-cli|ldap[a-z]{1,10}|7z[a-z]?|unzip|zip)\b[^\n|;&]{0,200}?\s-[pPaw]\s{1,8})[^\s-]\S*/g,
    (_, command = '') => command,
  ),
  kind(
    'a password on a command line',
    /((?<![^\s"'])(?:-[uU]|--user|--proxy-user)[ =]{0,4}["']?[^\s:"']{0,128}:)[^\s"']+/g,
    (_, user = '') => user,
  ),
  {
    name: 'a card number',
    redact: (text) => text.split(UUID).map(redactOutsideUuid).join(''),
  },
];

/**
 * A word so short that no kind can be in it: those that are no longer than a word begin with more characters, or with a
 * hyphen. Names of members and most ids are such words.
 */
export const SHORT_WORD = /^\w[\w.-]{0,6}$/;

/**
 * The text without secrets that can be recognised by their form, or by what stands beside them. `found` is called with
 * the name of each kind that was found.
 */
export function redactText(text: string, found?: (kind: string) => void): string {
  if (SHORT_WORD.test(text)) return text;
  let clean = text;
  for (const { name, redact } of SECRET_KINDS) {
    const next = redact(clean);
    if (found && next !== clean) found(name);
    clean = next;
  }
  return clean;
}

/**
 * A sentence of ours without secrets that are known by their own form. Words such as "password" are ours there, so what
 * stands beside them stays: whatever came from outside was redacted where it was put in.
 */
export const redactForms = (sentence: string): string =>
  SECRET_KINDS.reduce((text, { guessed, redact }) => (guessed ? text : redact(text)), sentence);

/**
 * How many characters behind the part that is shown are looked at too, so that a secret is recognised although the end
 * of that part cuts it.
 */
export const LOOK_BEHIND = 8000;

/** The beginning of a text, at most `most` characters: redacted first, then cut. */
export const redactedStart = (text: string, most: number): string =>
  redactText(text.slice(0, most + LOOK_BEHIND)).slice(0, most);
