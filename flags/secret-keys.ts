/** What stands in a record in place of a secret. */
export const REDACTED = '[redacted]';

/** Stands for any value, to ask about a name before its value is known. */
export const ANY_VALUE = 'x';

/** A word that names a secret wherever it stands in a key: `db_pass`, `userPin`, `x-csrf`. Its plural counts too. */
const WORDS = new Set(
  [
    'password passwd passwort pwd psw pass passcode passphrase kennwort pin otp totp mfa',
    'secret token auth oauth authorization authorisation authenticator bearer jwt sas',
    'credential cred cookie csrf xsrf apikey dsn salt pem pat kms keystore pfx',
    'signature sig hmac mnemonic card cardholder cvv cvc cvn csc iban ssn',
    // "Password" in the languages in which keys are often written.
    'contraseña contrasena senha motdepasse wachtwoord lösenord hasło пароль 密码 密碼 口令 パスワード 비밀번호',
  ].flatMap((line) => line.split(' ')),
);

/**
 * Words that name a secret only together, side by side in a key or run together at its end: `seed_phrase`,
 * `connectionString`, `sessionid`.
 */
const PHRASES = [
  'api key, access key, private key, priv key, secret key, signing key, encryption key, master key, account key, storage key',
  'subscription key, license key, licence key, ssh key, shared key, deploy key, service key, client key, server key',
  'mot de passe, session key, session id, session cookie, function key, host key, id rsa',
  'connection string, conn string, conn str, seed phrase, seed word, recovery phrase, recovery code, backup phrase',
  'backup code, security code, verification code, one time code, 2 fa, two factor, social security',
  'account number, routing number, webhook url, webhook uri, hook url, cc number, cc num, track data',
].flatMap((line) => line.split(', '));

/** Keys that name a secret only when they stand alone: `session`, but not `training_session`. */
const WHOLE = new Set(['session', 'sid', 'refresh', 'webhook', 'pan', 'pw', 'seed']);

/** Parts that name a secret within a word that somebody ran together: `PGPASSWORD`, `accesstoken`, `tokenvalue`. */
const WITHIN = [
  /passw(?:or)?[dt]|passphrase|passcode|credential|authori[sz]ation|mnemonic/,
  /(?:secret|token|cookie|apikey|cardnumber|creditcard)s?$/,
  /^(?:secret|token|cookie|card|cvv|cvc|iban|ssn|pin|pass|auth)(?:value|data|code|no|num|number|key|id|string|jar|hash|word)s?$/,
];

/** Beside one of these a number is an amount: `tokens_used`, `card_count`, `maxTokens`. A text is still a secret. */
const MEASURES = new Set(
  [
    'count used usage limit total size length max min budget remaining rate ratio cost price avg quota spent ttl timeout',
    'ms seconds minutes days index version attempts retries score percent estimate per input output prompt completion',
    'cached reasoning',
  ].flatMap((line) => line.split(' ')),
);

/** A key that ends in one of these holds the sort of a secret, not the secret: `token_type`, `authMethod`. */
const DESCRIPTIONS = new Set(['type', 'kind', 'method', 'scheme', 'status', 'required', 'enabled', 'provider']);

/** Values that hide nothing: empty, or what a person or an earlier redaction has put in place of a secret. */
const NOTHING = /^(?:\s*|true|false|null|undefined|none|\*+|\[redacted\]…?)$/i;
const NUMBER = /^[+-]?\d{1,15}(?:\.\d{1,15})?$/;
const MAX_KEY = 128;

const ONE_WORD = /^[a-z]{1,64}$/;

/** The words of a key, however they are joined: `x-api-key`, `APIKey`, `api_key2` begin alike. */
function wordsOf(key: string): readonly string[] {
  if (ONE_WORD.test(key)) return [key];
  return key
    .slice(-MAX_KEY)
    .normalize('NFKC')
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+|(?<=\p{L})(?=\p{N})|(?<=\p{N})(?=\p{L})/u)
    .filter((word) => word !== '');
}

const singular = (word: string): string =>
  word.endsWith('s') && !word.endsWith('ss') && !WORDS.has(word) ? word.slice(0, -1) : word;

/** Finds a phrase in words with spaces between: side by side, or run together at the end of one of them. */
const PHRASE = new RegExp(
  ` (?:${PHRASES.join('|')}) |(?:${PHRASES.map((phrase) => phrase.replaceAll(' ', '')).join('|')}) `,
);

const phraseIn = (words: readonly string[]): boolean => PHRASE.test(` ${words.map(singular).join(' ')} `);

/**
 * True when this key says that its value is a secret: a password, a token, a card. Decided word by word, so `author`,
 * `passenger` and `discard` name none; and by the value: `tokens_used: 12` is an amount, `has_password: true` reveals
 * nothing, and an empty text hides nothing.
 */
export function isSecret(key: string, value: unknown): boolean {
  if (value === null || value === undefined || typeof value === 'boolean' || typeof value === 'function') return false;
  if (typeof value === 'string' && value.length <= 64 && NOTHING.test(value)) return false;
  const words = wordsOf(key);
  const last = words.at(-1);
  if (last === undefined) return false;
  if (words.length === 1 && WHOLE.has(last)) return true;
  const named = words.find((word) => WORDS.has(singular(word)) || WITHIN.some((form) => form.test(word)));
  if (named === undefined && !phraseIn(words)) return false;
  if (isNumber(value)) return !words.some((word) => MEASURES.has(word)) && !(named !== undefined && isPlural(named));
  return !(typeof value === 'string' && DESCRIPTIONS.has(last));
}

const isNumber = (value: unknown): boolean =>
  typeof value === 'number' || typeof value === 'bigint' || (typeof value === 'string' && NUMBER.test(value));

/** Used for numbers: `tokens: 12` is a count, `card: 4111…` or `pin: 1234` is the secret itself. */
const isPlural = (word: string): boolean => word !== singular(word);

/** True when the words before a `:` or `=` of a text end in a phrase that names a secret: `the seed phrase: …`. */
export const endsInSecretPhrase = (text: string): boolean => phraseIn(wordsOf(text).slice(-2));
