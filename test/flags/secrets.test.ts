import { performance } from 'node:perf_hooks';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSecret, messageOf, redactText } from '../../flags/index.ts';
import { redactForms, SECRET_KINDS, SHORT_WORD } from '../../flags/secret-texts.ts';

const PEM = ['-----BEGIN RSA PRIVATE KEY-----', 'MIIEow', 'hunter2', '-----END RSA PRIVATE KEY-----'].join('\n');

describe('a key names a secret', () => {
  test.each(
    [
      'pwd pass auth jwt otp passcode dsn connectionString mnemonic sessionId signature seedPhrase client_secret pat bearer webhookUrl',
      'csrf x-api-key refresh set-cookie kms salt pem PGPASSWORD MYSQL_PWD dbPass DB_PASS accesstoken refreshToken APIKey apikey API_KEY2',
      'OAuthToken x-csrf-token privateKey aws_secret_access_key accountKey sid session session_id two_factor 2fa security-code cardNumber',
      'cards credit_card cvv2 iban ssn userPin pin_code authorisation Proxy-Authorization hmac sas credentials creds recovery_codes bankAccountNumber',
      'privKey contraseña mot_de_passe motDePasse senha wachtwoord пароль 密码 パスワード',
      'ｐａｓｓｗｏｒｄ http.auth.password tokenvalue idtoken connString signing_key apiKeys secrets',
    ].flatMap((line) => line.split(' ')),
  )('%s', (key) => {
    expect(isSecret(key, 'hunter2')).toBe(true);
    expect(isSecret(key, { of: 'hunter2' })).toBe(true);
  });

  test.each([
    ...[
      'author authored authority passenger passed compass bypassed spinning pinned opinion cardinality discard postcard secretary patient',
      'path pattern salty saltire tokenizer keyboard key monkey idempotencyKey publicKey accessLevel apiVersion session_notes companion',
      'possession_id assignature_x message signedBy design cart status code country account',
    ]
      .flatMap((line) => line.split(' '))
      .map((key) => [key, 'visible'] as const),
    ['tokens_used', 12],
    ['maxTokens', 4096],
    ['prompt_tokens', '17'],
    ['card_count', 3],
    ['tokens', 1500],
    ['password_length', 12],
    ['pass_rate', 0.9],
    ['token_type', 'Bearer'],
    ['authMethod', 'oidc'],
    ['hasPassword', true],
    ['token', null],
    ['token', ''],
    ['password', '[redacted]'],
  ] as const)('but not %s: %j', (key, value) => {
    expect(isSecret(key, value)).toBe(false);
  });

  test.each([
    ['pin', 1234],
    ['otp', '123456'],
    ['cvv', 123],
    ['cardNumber', 5],
    ['max_tokens', 'tok_abc'],
  ])('also where it is a number that is no amount: %s: %j', (key, value) => {
    expect(isSecret(key, value)).toBe(true);
  });
});

describe('a text shows a secret', () => {
  const S = 'hunter2hunter2';
  test.each([
    `connect ECONNREFUSED postgres://app:${S}@db.internal:5432/shop`,
    `redis://:${S}@cache:6379/0`,
    `https://${S}@github.com/a/b.git`,
    `mongodb+srv://u:p/${S}@cluster0.mongodb.net/x`,
    `mysql://u:p@${S}@h/db`,
    `root:${S}@tcp(localhost:3306)/shop`,
    `curl -H "Authorization: Bearer ${S}" https://a.example`,
    `sent bearer ${S}, refused`,
    `Authorization: Basic ${btoa(`me:${S}`)}`,
    `with Basic ${btoa(`me:${S}`)} it said 401`,
    `Cookie: a=1; sid=${S}; theme=dark`,
    `GET /v1/x?api_key=${S}&page=2 HTTP/1.1`,
    `https://a.example/cb#access_token=${S}`,
    `mysql -h db -u root -p${S} shop`,
    `mysql -u root -p'${S} x' shop`,
    `sshpass -p ${S} ssh a@b`,
    `docker login -u me -p ${S} registry.example`,
    `redis-cli -h a -a ${S} ping`,
    `curl -u me:${S} https://a.example`,
    `curl --user "me:${S}" https://a.example`,
    `deploy --token ${S} --now`,
    `deploy --token=${S}`,
    `PGPASSWORD=${S} psql -h db`,
    `export STRIPE_SECRET="${S}"`,
    `Server=db;Uid=sa;Pwd=${S};Timeout=3`,
    `{"user":"x","password":"${S}"`,
    `{"user":"x","password":"a\\"b${S}", "n": 1`,
    `body: {\\"apiKey\\":\\"${S}\\"} was refused`,
    `{'client_secret': '${S}'}`,
    `{ credentials: { user: x, what: ${S} }, kept: 1`,
    `<login><password>${S}</password></login>`,
    `'token' => '${S}'`,
    `the password is ${S}`,
    `The API key: ${S}`,
    `seed phrase: legal winner ${S} thank year`,
    PEM.replace('hunter2', S),
    `${PEM.slice(0, 50)}${S}`,
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJodW50ZXIyaHVudGVyMiJ9.hunter2hunter2_-abc',
    `ghp_${S}${S}`,
    `sk-proj-${S}`,
    `xoxb-1234-${S}`,
    `bot 123456789:AA${S}${S}${S}`,
    `ConvertTo-SecureString "${S}" -AsPlainText -Force`,
    `ConvertTo-SecureString -String ${S} -AsPlainText`,
    `https://hooks.slack.com/services/T0/B0/${S}`,
    `https://api.telegram.org/bot123:${S}/sendMessage`,
  ])('%s', (text) => {
    expect(redactText(text)).not.toContain(S);
    expect(redactText(text)).not.toContain('hunter2');
    expect(redactText(text)).toContain('[redacted]');
  });

  test.each([
    '4111111111111111',
    'paid with 4111 1111 1111 1111, thanks',
    '2 x 5500-0000-0000-0004',
    '378282246310005',
    '30569309025904',
    '6011 0009 9013 9424',
    '4222222222222',
    'on 2024-01-01 4012888888881881.',
    'id 10607ac1-4ad6-4a20-a5b4-9f7546521afb 4111-1111-1111-1111',
  ])('a card number: %s', (text) => {
    expect(redactText(text)).toContain('[redacted]');
    expect(redactText(text)).not.toMatch(/\d{4}[ -]?\d{4}[ -]?\d/);
  });

  test.each([
    '4111111111111112', // not a card: Luhn
    '1732579200000', // a time in milliseconds
    '7-10607ac1-4ad6-4820-9524-997546521afb', // an id
    '0.4111111111111111',
    '+49 170 1234567',
    'see https://host.example:8080/a/@ada?mail=a@b.example',
    'ssh to ada@host.example or mailto:a@b.example',
    'npm_config_registry=https://registry.example',
    'find . -path ./x -print',
    'ssh -p 2222 host; docker run -p8080:80 image; mkdir -p a',
    'Unexpected token } in JSON at position 5',
    'a basic understanding of authors: Ada, Grace',
    'the author: Ada Lovelace; passengers: 3; tokens_used=12; max_tokens: 4096',
    'the password is wrong; the secret is missing; the code is broken',
    'retried 3 times: status=503, key=order-7, path: /a/b',
    'agent:returns-bot was killed at epoch 12',
    'a3f5c2d1e4b6978800112233445566778899aabbccddeeff0011223344556677',
  ])('but not in: %s', (text) => {
    expect(redactText(text)).toBe(text);
  });

  test('what is redacted stays as it is when it is redacted again', () => {
    for (const text of [`password=x1 and postgres://a:b@c/d and Bearer abcdefgh`, 'mysql -psecret1', PEM]) {
      expect(redactText(redactText(text))).toBe(redactText(text));
    }
  });

  test('each kind has a name, and takes linear time for whatever is in the text', () => {
    expect(SECRET_KINDS.length).toBeGreaterThan(10);
    const pieces = [
      'a',
      '1',
      ' ',
      '-',
      '=',
      ':',
      '"',
      "'",
      '\\',
      '@',
      '/',
      '{',
      '[',
      '<',
      '://',
      '://a:',
      'a:a@',
      'a:',
      'a:"',
      'a:\\"',
      'a:[',
      'a={',
      'token:',
      'token:[',
      'token:{"',
      'token="',
      'token=\\"',
      '1 ',
      '1-',
      '4 ',
      '-p',
      ' -p',
      ' -u ',
      '-----BEGIN ',
      '-----BEGIN A-----',
      'eyJ',
      'eyJaaaaa.',
      'bearer ',
      'basic ',
      'basic aaaa',
      'sk-',
      'sshpass ',
      'docker login -p ',
      '--a ',
      '--token ',
      '<a ',
      '<token>',
      'password is ',
      'the seed phrase: ',
      'a.b-',
      'A',
      'aA',
      'hooks.slack.com/',
    ];
    for (const piece of pieces) {
      const text = piece.repeat(100_000 / piece.length);
      const began = performance.now();
      redactText(text);
      // Some take 0.3 s here; what is quadratic in so long a text takes more than ten.
      expect(performance.now() - began, piece).toBeLessThan(4000);
    }
  });
});

describe('the message of an error', () => {
  test('has no secret, is bounded, and is there whatever was thrown', () => {
    expect(messageOf(new Error('cannot reach postgres://app:hunter2@db/shop'))).toBe(
      'cannot reach postgres://[redacted]@db/shop',
    );
    expect(messageOf('token=hunter2')).toBe('token=[redacted]');
    expect(messageOf(new Error('x'.repeat(1_000_000))).length).toBeLessThanOrEqual(4000);
    const hostile = Object.defineProperty(new Error(''), 'message', {
      get: () => {
        throw new Error('mine');
      },
    });
    for (const thrown of [
      hostile,
      Object.create(null),
      Symbol('x'),
      undefined,
      new Proxy(
        {},
        {
          get: () => {
            throw new Error('mine');
          },
        },
      ),
    ])
      expect(messageOf(thrown)).toEqual(expect.any(String));
  });
});

test('a sentence of ours keeps its words about secrets, and no secret that is known by its form', () => {
  const said =
    'The user, the password or the path is not percent-encoded; sentinelPasswordFile: /run/pw holds the token';
  expect(redactForms(said)).toBe(said);
  expect(redactText(said)).not.toBe(said);
  const token = `ghp_${'a1'.repeat(18)}`;
  for (const secret of [PEM, token, 'redis://u:hunter2@db/0', 'Bearer hunter2hunter2', '4111 1111 1111 1111'])
    expect(redactForms(`The store said: ${secret}.`)).not.toMatch(/hunter2|ghp_a1|4111 1111/);
});

test('no kind of secret is found in a word so short that none is looked for', () => {
  const beginnings = fc.constantFrom('', 'eyJ', 'sk-', 'hf_', 'AKIA', 'SG.', 'a-p', 'x-u', '4111', 'key-', 'pin');
  const word = fc
    .tuple(beginnings, fc.stringMatching(/^[\w.-]{1,7}$/))
    .map((parts) => parts.join('').slice(0, 7))
    .filter((text) => SHORT_WORD.test(text));
  fc.assert(
    fc.property(word, (text) => {
      expect(SECRET_KINDS.reduce((clean, { redact }) => redact(clean), text)).toBe(text);
    }),
    { numRuns: 2000 },
  );
});
