import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findSecret, MAX_INPUT_LENGTH, redact } from '../../guard/redact.ts';

test('takes secrets out by key name, in any spelling and at any depth', () => {
  const keys = [
    'password',
    'Passwd',
    'clientSecret',
    'access_token',
    'Authorization',
    'authorisation',
    'apiKey',
    'API-KEY',
    'privateKey',
    'cookie',
    'cardNumber',
    'cvv',
    'iban',
    'pin',
  ];
  const input = Object.fromEntries(keys.map((key) => [key, 'hunter2']));
  const redacted = redact({ list: [{ deep: { ...input, kept: 'visible' } }], map: new Map([['token', 'hunter2']]) });
  expect(JSON.stringify(redacted)).not.toContain('hunter2');
  expect(JSON.stringify(redacted)).toContain('visible');
  expect(JSON.stringify(redacted).match(/\[redacted\]/g)).toHaveLength(keys.length + 1);
});

test('leaves alone what only sounds alike', () => {
  expect(redact({ pinned: 1, spinning: 2, to: 'a' })).toEqual({ pinned: 1, spinning: 2, to: 'a' });
});

test('leaves alone what stands beside what only sounds like the name of a secret', () => {
  for (const input of [
    ['curl', '-u', '-s'],
    ['curl', '-u ', 'me:file'],
    { note: 'password', value: 'visible' },
    { kind: 'type', type: 'a password', value: 'visible' },
    { type: 'password-policy', value: 'visible' },
    ['x'.repeat(81), 'visible'],
  ])
    expect(redact(input)).toEqual(input);
  expect(redact({ type: 'password', value: 'hunter2' })).toEqual({ type: 'password', value: '[redacted]' });
  expect(redact(['curl', '-u', 'me:hunter2'])).toEqual(['curl', '-u', '[redacted]']);
});

test('bounds depth, width, length and cycles, and never throws', () => {
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  expect(redact(cycle)).toEqual({ self: '[cycle]' });
  expect(redact('x'.repeat(10_000))).toHaveLength(2001);
  expect(redact(Array.from({ length: 100 }, () => 'x'.repeat(1000)))).toMatch(/too long to record/);
  const deep = Array.from({ length: 100 }).reduce<unknown>((inner) => ({ inner }), 'end');
  expect(JSON.stringify(redact(deep))).toContain('too deep');
  expect(redact({ big: 1n, not: Number.NaN, when: new Date(0), bytes: Buffer.from('secret'), run: () => 1 })).toEqual({
    big: '1',
    not: 'NaN',
    when: '1970-01-01T00:00:00.000Z',
    bytes: '[6 bytes]',
  });
});

const list = <T>(length: number, item: T): T[] => Array.from({ length }, () => item);

test('looks into twelve objects, one in the other, and no further', () => {
  const nested = (depth: number): unknown => list(depth, 0).reduce<unknown>((inner) => [inner], 'end');
  expect(JSON.stringify(redact(nested(12)))).toBe(`${'['.repeat(12)}"end"${']'.repeat(12)}`);
  expect(JSON.stringify(redact(nested(13)))).toBe(`${'['.repeat(12)}"[too deep]"${']'.repeat(12)}`);
});

test('keeps a hundred of a list or of members, and counts the others', () => {
  const members = (length: number) => Array.from({ length }, (_, index): [string, number] => [`k${index}`, index]);
  expect(redact(list(100, 1))).toEqual(list(100, 1));
  expect(redact(list(103, 1))).toEqual([...list(100, 1), '[… 3 more]']);
  expect(redact(new Set(members(103).map(([key]) => key)))).toHaveProperty('100', '[… 3 more]');
  expect(redact(Object.fromEntries(members(100)))).toEqual(Object.fromEntries(members(100)));
  for (const input of [Object.fromEntries(members(103)), new Map(members(103))])
    expect(redact(input)).toEqual({ ...Object.fromEntries(members(100)), '…': '3 more' });
  const query = new URLSearchParams(members(103).map(([key]): [string, string] => [key, '1']));
  expect(redact(query)).toHaveProperty('…', '1 more'); // whose size is not asked for
});

test('keeps two thousand characters of a text, and 8192 in all, as JSON', () => {
  expect(redact('x'.repeat(2000))).toBe('x'.repeat(2000));
  expect(redact('x'.repeat(2001))).toBe(`${'x'.repeat(2000)}…`);
  const most = list(4, 'x'.repeat(2000));
  expect(redact([...most, 'x'.repeat(176)])).toHaveLength(5); // 8176 characters, eight quotation marks … and brackets
  expect(redact([...most, 'x'.repeat(177)])).toBe('[too long to record: 8193 characters]');
  expect(redact([...most, 'x'.repeat(192)])).toBe('[too long to record: 8208 characters]');
  expect(redact([...most, 'x'.repeat(193)])).toBe('[too long to record: more than 8192 characters]');
  const names = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`${index}`.padEnd(200, 'x'), 1]));
  expect(redact({ ...names, last: 'x' })).toBe('[too long to record: more than 8192 characters]');
  expect(redact({ ['k'.repeat(201)]: 1 })).toEqual({ ['k'.repeat(200)]: 1 });
});

test('looks at five thousand values, and at 200,000 characters', () => {
  const rows = (last: object) => [
    ...list(24, 0).map(() => list(100, 0).map(() => ({ a: undefined }))),
    [...list(86, 0).map(() => ({ a: undefined })), last],
  ];
  expect(redact(rows({ a: undefined }))).toHaveLength(25); // 1 + 25 + 2487 * 2
  expect(redact(rows({ a: undefined, b: undefined }))).toBe('[too long to record: more than 5000 values]');
  const keys = (last: number) => [...list(99, 2000), last].map((length) => '-----BEGIN KEY-----'.padEnd(length, 'x'));
  expect(redact(keys(2000))).toHaveLength(100);
  expect(redact(keys(2001))).toBe('[too long to record: more than 200000 characters to look at]');
});

test('searches no more of a long text than what is kept and what may be the rest of a secret', () => {
  expect(redact('x'.repeat(300_000))).toBe(`${'x'.repeat(2000)}…`);
  expect(redact('-----BEGIN KEY-----'.padEnd(20_000, 'x'))).toBe('[redacted]…');
});

test('names what cannot be read, and leaves JSON as it was written where it holds no secret', () => {
  expect(redact(Object.create(URL.prototype))).toBe('[unreadable]');
  expect(redact({ when: new Date(Number.NaN) })).toEqual({ when: 'Invalid Date' });
  // oxlint-disable-next-line no-sparse-arrays -- a hole is what is meant
  expect(redact([1, , 2])).toEqual([1, null, 2]);
  expect(redact({ yes: true, no: false, none: null, nothing: undefined })).toEqual({
    yes: true,
    no: false,
    none: null,
  });
  expect(
    redact(
      new Map<unknown, number>([
        [1, 1],
        [2n, 2],
        [{}, 3],
        ['k', 4],
      ]),
    ),
  ).toEqual({
    1: 1,
    2: 2,
    '[key 2]': 3,
    k: 4,
  });
  expect(redact('{ "a":  1 }')).toBe('{ "a":  1 }');
  for (const start of ['', '\ufeff', ' \n '])
    expect(redact(`${start}["curl", "-u", "me:hunter2"]`)).toBe('["curl","-u","[redacted]"]');
  expect(redact('x ["curl", "-u", 1]')).toBe('x ["curl", "-u", 1]');
});

test('gives JSON of bounded length for anything', () => {
  fc.assert(
    fc.property(
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true }),
      (value) => {
        const text = JSON.stringify(redact(value));
        expect(text.length).toBeLessThanOrEqual(MAX_INPUT_LENGTH + 100);
      },
    ),
    { numRuns: 1000 },
  );
});

test('runs no code of the user: neither getters, proxies, iterators nor conversions', () => {
  let ran = 0;
  const mine = (): never => {
    ran += 1;
    throw new Error('mine');
  };
  const trap = new Proxy({}, { get: mine, ownKeys: mine, getOwnPropertyDescriptor: mine, getPrototypeOf: mine });
  const odd = Object.assign(new Map([['a', 1]]), { toJSON: mine, [Symbol.iterator]: mine });
  const list = Object.assign([1], { [Symbol.iterator]: mine, map: mine });
  const input = {
    trap,
    odd,
    list,
    get fresh() {
      return mine();
    },
    inherits: Object.create(trap),
    run: mine,
    toString: mine,
    named: new Map([[{ toString: mine }, 'x']]),
    when: Object.assign(new Date(0), { toISOString: mine, getTime: mine, valueOf: mine }),
  };
  expect(redact(input)).toEqual({
    trap: '[proxy]',
    odd: { a: 1 },
    list: [1],
    fresh: '[getter]',
    inherits: {},
    named: { '[key 0]': 'x' },
    when: '1970-01-01T00:00:00.000Z',
  });
  expect(ran).toBe(0);
});

test('costs no more for objects that share others than for those objects', () => {
  interface Order {
    readonly id: number;
    siblings: readonly Order[];
  }
  const orders: Order[] = Array.from({ length: 12 }, (_, id) => ({ id, siblings: [] }));
  for (const order of orders) order.siblings = orders.filter((other) => other !== order);
  const deep = Array.from({ length: 40 }).reduce<unknown>(
    (inner) => ({ a: inner, b: inner, c: [inner, inner] }),
    'end',
  );
  const began = performance.now();
  expect(JSON.stringify(redact({ orders }))).toContain('[same as orders[0].siblings[0]]');
  expect(JSON.stringify(redact(deep))).toContain('[same as ');
  const address = { city: 'Bern' };
  expect(redact({ billing: address, shipping: address })).toEqual({
    billing: { city: 'Bern' },
    shipping: '[same as billing]',
  });
  expect(performance.now() - began).toBeLessThan(500); // it was 55 s
});

test('copies nothing whole that is much larger than a record', () => {
  const numbers = Array.from({ length: 3_000_000 }, (_, index) => index);
  const inputs = [
    numbers,
    new Set(numbers),
    new Map(numbers.map((value) => [value, value])),
    Object.assign([], { length: 2 ** 32 - 1 }),
  ];
  for (const input of inputs) {
    const began = performance.now();
    expect(JSON.stringify(redact({ input }))).toContain(' more');
    expect(performance.now() - began).toBeLessThan(100);
  }
  const rows = Array.from({ length: 100 }, () => Array.from({ length: 100 }, () => ({ a: undefined })));
  expect(redact(rows)).toMatch(/too long to record: more than 5000 values/);
  const texts = Array.from({ length: 100 }, () => '-----BEGIN KEY-----'.padEnd(100_000, 'x'));
  expect(redact(texts)).toMatch(/too long to record: more than 200000 characters to look at/);
});

test('takes secrets out that a record beside them, an element before them or JSON around them names', () => {
  const S = 'hunter2';
  const inputs = [
    [['Authorization', `Bearer ${S}`]],
    [
      ['X-Api-Key', S],
      ['Accept', 'visible'],
    ],
    ['Authorization', S, 'Accept', 'visible'],
    {
      headers: [
        { name: 'Authorization', value: S },
        { name: 'Accept', value: 'visible' },
      ],
    },
    { env: [{ value: { raw: S }, key: 'DB_PASSWORD' }] },
    { argv: ['psql', '--password', S, 'visible'] },
    { argv: ['curl', '-u', `me:${S}`, 'visible'] },
    { argv: ['docker', 'login', '-p', S] },
    { argv: ['mysql', `-p${S}`] },
    { body: JSON.stringify({ a: [{ token: S, kept: 'visible' }] }) },
    { body: JSON.stringify({ inner: JSON.stringify({ secret: S }) }) },
    { body: `  {"a": {"password": "${S}"}` },
    { headers: new Headers({ authorization: S, accept: 'visible' }) },
    { url: new URL(`https://me:${S}@host.example/?token=${S}`) },
    { query: new URLSearchParams({ api_key: S, page: '2' }) },
    { failed: new Error(`connect postgres://me:${S}@db/shop`) },
    { [`postgres://me:${S}@db`]: 1 },
    { secret: { deep: [{ value: S }] } },
    { boxed: new String(`token=${S}`) },
    new Map([['password', S]]),
    new Set([`postgres://me:${S}@db`]),
  ];
  for (const input of inputs) {
    const text = JSON.stringify(redact(input));
    expect(text).not.toContain(S);
    expect(text).toContain('[redacted]');
    if (JSON.stringify(input).includes('visible')) expect(text).toContain('visible');
  }
  expect(redact({ a: 4111111111111111, b: 4111111111111111n, c: 1732579200000, total: 4111111111111112 })).toEqual({
    a: '[redacted]',
    b: '[redacted]',
    c: 1732579200000,
    total: 4111111111111112,
  });
});

test('takes a secret out before it cuts, so no part of one is shown', () => {
  const S = 'hunter2'.repeat(200);
  for (const start of [`Bearer ${S}`, `postgres://app:${S}@db/x`, `password="${S}"`, `-----BEGIN A KEY-----\n${S}`]) {
    for (const before of [0, 1500, 1950, 1990, 1999]) {
      const text = redact(`${'.'.repeat(before)} ${start} ${'.'.repeat(5000)}`) as string;
      expect(text).not.toContain('hunter2');
      expect(text.length).toBeLessThanOrEqual(2001);
    }
  }
});

const planted = (secret: string): fc.Arbitrary<unknown> =>
  fc.constantFrom<unknown>(
    { password: secret },
    { headers: [['Authorization', `Bearer ${secret}`]] },
    [{ name: 'x-api-key', value: secret }],
    `postgres://app:${secret}@db:5432/shop`,
    `Bearer ${secret}`,
    `{"apiKey":"${secret}"`,
    JSON.stringify({ apiKey: secret }),
    `https://a.example/?access_token=${secret}&b=1`,
    `PGPASSWORD=${secret} psql`,
    `mysql -u root -p${secret}`,
    ['tool', '--token', secret],
    new Error(`redis://:${secret}@cache`),
    new Map([['otp', secret]]),
  );

/** One layer around a value, as inputs have them. */
const wrappings: readonly ((inner: unknown) => unknown)[] = [
  (inner) => ({ inner }),
  (inner) => [1, inner, 'x'],
  (inner) => new Map([['key', inner]]),
  (inner) => new Set([inner]),
  (inner) => ({ note: 'visible', list: [{ of: inner }], n: 1 }),
  (inner) => JSON.stringify({ inner }),
  (inner) => ({ name: 'note', value: inner }),
];

test('never shows a planted secret, whatever is around it', () => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[a-zA-Z0-9]{12,24}$/).chain((secret) => fc.tuple(fc.constant(secret), planted(secret))),
      fc.array(fc.constantFrom(...wrappings), { maxLength: 6 }),
      fc.anything(),
      ([secret, value], around, other) => {
        const input = around.reduce<unknown>((inner, wrap) => wrap(inner), [value, other]);
        expect(JSON.stringify(redact(input))).not.toContain(secret);
        expect(JSON.stringify(redact([other, input]))).not.toContain(secret);
      },
    ),
    { numRuns: 500 },
  );
});

test('finds the first secret of a whole state, and says where', () => {
  expect(findSecret({ done: 3, order: { id: 7, author: 'Ada' } })).toBeNull();
  expect(findSecret({ a: ['x', { db: 'postgres://a:b@c/d' }] })).toEqual({
    path: 'a[1].db',
    kind: 'a URL with credentials',
  });
  expect(findSecret({ pages: ['x'.repeat(60_000), 'token=abc'] })).toEqual({
    path: 'pages[1]',
    kind: 'a secret by its name',
  });
  expect(findSecret(Array.from({ length: 300 }, (_, n) => (n === 299 ? { pin: '1234' } : n)))).toMatchObject({
    path: '[299].pin',
    kind: 'a secret by its name',
  });
  const deep = (depth: number) => list(depth, 0).reduce<unknown>((inner) => [inner], 'end');
  expect(findSecret(deep(100))).toBeNull();
  expect(findSecret(deep(101))).toEqual({
    path: '[0]'.repeat(100),
    kind: 'what is nested too deeply to be searched',
  });
  expect(findSecret({ password: '[redacted]' })).toBeNull();
});
