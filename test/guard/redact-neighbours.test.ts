import { expect, test } from 'vitest';
import { redactText } from '../../flags/index.ts';
import { redact } from '../../guard/redact.ts';

const S = 'Zq8vN3xT7pLw2RfY';
const HEADERS = [{ name: 'Authorization', value: S }];
const JSON_TEXT = JSON.stringify(HEADERS);

test.each<[string, unknown]>([
  ['JSON', JSON_TEXT],
  ['JSON that is too long to be read', JSON.stringify({ headers: HEADERS, body: 'x'.repeat(11_000) })],
  ['JSON behind a word', `body: ${JSON_TEXT}`],
  ['JSON in JSON behind a word', `body: ${JSON.stringify({ inner: JSON_TEXT })}`],
  ['JSON whose value comes first, behind a word', `body: ${JSON.stringify([{ value: S, name: 'Authorization' }])}`],
  ['JSON with white space between, behind a word', `body: ${JSON.stringify(HEADERS, null, 2)}`],
  ['JSON lines', `{"a":1}\n${JSON.stringify(HEADERS[0])}`],
  ['JSON behind spaces', ' '.repeat(12) + JSON_TEXT],
  ['JSON behind a byte order mark', `\ufeff${JSON_TEXT}`],
  ['a field by its selector', { selector: '#password', value: S }],
  ['a field by a longer selector', { locator: 'form > input[name="password"]', text: S }],
  ['a field by its type', { type: 'password', value: S }],
  ['a field of a form as a text', `{ selector: '#password', value: '${S}' }`],
  ['a selector before a text', ['#password', S]],
  ['a selector with a tag before a text', ['input[type=password]', S]],
  ['a call with a selector', `await page.fill('#password', '${S}')`],
  ['a call with a name', `headers.set("Authorization", "${S}")`],
  ['an attribute of XML', `<add key="password" value="${S}"/>`],
  ['an attribute of XML that comes first', `<add value="${S}" key="password"/>`],
  ['an element of XML with a name', `<entry key="db.password">${S}</entry>`],
  ['an element of XML behind its name', `<key>password</key>\n  <string>${S}</string>`],
  ['a part of a form', `--b\r\nContent-Disposition: form-data; name="password"\r\n\r\n${S}\r\n--b--`],
  ['a part of a form with a type', `name="password"\r\nContent-Type: text/plain\r\n\r\n${S}`],
  ['a block of YAML', `user: bob\npassword:\n  ${S}\nhost: x`],
  ['a literal block of YAML', `password: |-\n  first line\n  ${S}\nhost: x`],
  ['SQL', `ALTER USER bob WITH PASSWORD '${S}'`],
  ['SQL of others', `CREATE USER bob IDENTIFIED BY '${S}'`],
  ['.netrc on a line', `machine x login a password ${S}`],
  ['.netrc on several', `machine x\n  login a\n  password ${S}\n`],
  ['a key in an address', `https://api.example/?key=${S}`],
])('what stands beside the word that tells it is a secret, in %s', (_, input) => {
  expect(JSON.stringify(redact({ input }))).not.toContain(S);
});

test.each([
  'machine learning needs a password policy\nand a reset',
  'SELECT name FROM users WHERE id = 7',
  '<item name="title">The Hobbit</item>',
  'name="quantity"\r\n\r\n12',
  'steps:\n  - build\n  - test',
  '{"name":"Accept","value":"text/html"}',
  "await page.fill('#search', 'blue shoes')",
  'https://shop.example/?page=2&sort=price',
])('what tells of no secret stays: %s', (text) => {
  expect(redact({ text })).toEqual({ text });
});

test.each([
  ...['a', 'a ', '"', '<a ', '-', '\n ', 'x:\n ', 'password:\n ', "'a',", "'password',", 'key="', 'key="password" '],
  ...[
    'value="x" name="password" ',
    'name="password"\r\n',
    'name="password"\n\n',
    'login a ',
    'password "x" ',
    '>a</a><a>',
  ],
  ...['password: |\n  a\n', '?key=', 'name="password" value="', '<a key="password" ', '- '],
])('looking beside takes no longer for each character of a longer text, of %j', (seed) => {
  const took = (length: number): number => {
    const text = seed.repeat(length / seed.length);
    return Math.min(
      ...[0, 1, 2].map(() => {
        const began = process.cpuUsage();
        redactText(text);
        const { user, system } = process.cpuUsage(began);
        return user + system;
      }),
    );
  };
  took(10_000);
  // Were it quadratic, it would take 256 times as long.
  expect(took(160_000)).toBeLessThan(Math.max(took(10_000), 2000) * 80);
});
