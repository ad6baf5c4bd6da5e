import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { type LogEvent, sealEvent, serializeEvent } from '../../flags/index.ts';
import { openControlPlane, verifyLogFile } from '../../operator/index.ts';
import { fileControlStore } from '../../store/file/control.ts';
import { memoryControlStore } from '../../store/memory/control.ts';
import { memoryStore } from '../../store/memory/index.ts';
import type { ControlStore } from '../../store/ports.ts';
import { redisControlStore } from '../../store/redis/control.ts';
import { redisKeys } from '../../store/redis/keys.ts';
import { startRedis, temporaryFolder } from '../servers/index.ts';

async function planeOf(store: ControlStore) {
  const control = await openControlPlane({ store, operator: { id: 'dana' } });
  onTestFinished(() => control.close());
  return control;
}

/** A switch with five events, and a folder for what is exported. */
async function setUp(store: ControlStore = memoryControlStore(memoryStore())) {
  const control = await planeOf(store);
  await control.init();
  for (const target of ['agent:a', 'agent:b ü🛑', 'agent:c']) await control.kill({ target, reason: 'one\u2028two' });
  await control.revive({ target: 'agent:c', reason: 'checked' });
  const { path } = temporaryFolder('log-export');
  return { control, folder: path, file: join(path, 'log.jsonl') };
}

const newKey = (type: 'ed25519' | 'ec' = 'ed25519'): string => {
  const { privateKey } =
    type === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519');
  return String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
};

const linesOf = (file: string): string[] => readFileSync(file, 'utf8').split('\n').slice(0, -1);
const eventsOf = (file: string): LogEvent[] => linesOf(file).map((line): LogEvent => JSON.parse(line));
const write = (file: string, lines: readonly string[]): void =>
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''));

const withoutHash = ({ seq, at, actor, type, data, reason, prev }: LogEvent): Omit<LogEvent, 'hash'> => {
  return { seq, at, actor, type, data, reason, prev };
};

/** The same events with a change in one, and all hashes made anew from there on: a log that is whole by itself. */
function rewritten(events: readonly LogEvent[], seq: number, reason: string): string[] {
  let prev: string | null = null;
  return events.map((event) => {
    const sealed: LogEvent = sealEvent({
      ...withoutHash(event),
      ...(prev !== null && { prev }),
      ...(event.seq === seq && { reason }),
    });
    prev = sealed.hash;
    return serializeEvent(sealed);
  });
}

describe.each(['memory', 'file', 'redis'] as const)('on the store %s', (name) => {
  const STORES: Readonly<Record<typeof name, () => Promise<ControlStore>>> = {
    memory: async () => memoryControlStore(memoryStore()),
    file: async () => fileControlStore({ directory: temporaryFolder('log-export').path }),
    redis: async () => redisControlStore({ url: (await startRedis()).url }),
  };

  test.skipIf(name !== 'memory')(
    'the log is kept whole: nothing is archived, and that is said before a file is there',
    async () => {
      const { control, file } = await setUp(await STORES[name]());
      const head = await control.head();
      await expect(control.archiveLog({ file, reason: 'it is long' })).rejects.toMatchObject({
        code: 'INVALID_STATE',
        message: expect.stringContaining('This store keeps its log whole'),
      });
      expect([existsSync(file), await control.archived(), await control.head()]).toEqual([false, null, head]);
    },
  );

  test('an export has every event as it was hashed, and verifies by itself and against the log', async () => {
    const { control, file } = await setUp(await STORES[name]());
    const head = await control.head();
    expect(await control.exportLog({ file })).toEqual({ file, events: 5, head, fingerprint: null });
    const printed: string[] = [];
    for await (const line of control.exportLines()) printed.push(line);
    expect(linesOf(file)).toEqual(printed);
    const events: LogEvent[] = [];
    for await (const event of control.log()) events.push(event);
    expect(eventsOf(file)).toEqual(events);
    expect(await verifyLogFile(file)).toEqual({ ok: true, events: 5, head, signed: null });
    await control.kill({ target: 'all' });
    expect(await control.verifyLog({ against: file })).toMatchObject({
      ok: true,
      events: 6,
      against: { is: 'export', events: 5, head: { epoch: 5, hash: head.hash }, signed: null },
    });
    expect(await control.exportLog({ file })).toMatchObject({ events: 6 });
  });

  test('a signed export says who has signed which head, and is verified with the right key only', async () => {
    const { control, file } = await setUp(await STORES[name]());
    const { fingerprint, head } = await control.exportLog({ file, key: newKey() });
    expect(fingerprint).toMatch(/^sha256:[0-9a-f]{64}$/);
    const signed = { fingerprint, organization_id: 'default', epoch: 5, hash: head.hash, events: 5 };
    expect(await verifyLogFile(file)).toMatchObject({ ok: true, signed });
    const right = { against: file, fingerprint: fingerprint?.slice(7).toUpperCase() };
    expect(await control.verifyLog(right)).toMatchObject({ ok: true, against: { is: 'signed', signed } });
    const wrong = { fingerprint: 'f'.repeat(64) };
    const problem = `${file} is signed by the key ${fingerprint}, and should be by sha256:${wrong.fingerprint}.`;
    expect(await control.verifyLog({ against: file, ...wrong })).toMatchObject({ ok: false, problem });
    expect(await verifyLogFile(file, wrong)).toMatchObject({ ok: false, problem });
    // What nothing signs says nothing.
    const [header = '', ...rest] = linesOf(file);
    write(file, [header.replace('}', ',"organization_id":"another"}'), ...rest]);
    await expect(verifyLogFile(file)).rejects.toThrow('its first line was edited');
  });
});

test('the end of a log that was cut off is found by an export, by a head and by a line EPOCH HASH', async () => {
  const redis = await startRedis();
  const { control, folder, file } = await setUp(redisControlStore({ url: redis.url }));
  const keys = redisKeys('default');
  const headBefore = String(await redis.cli('GET', keys.head));
  await control.kill({ target: 'agent:d' });
  const { head } = await control.exportLog({ file });
  const files = { file, status: join(folder, 'status.json'), line: join(folder, 'head') };
  writeFileSync(files.status, JSON.stringify(await control.status(), null, 2));
  writeFileSync(files.line, `${head.epoch} ${head.hash}\n`);
  for (const against of Object.values(files)) expect(await control.verifyLog({ against })).toMatchObject({ ok: true });
  // As whoever may write everything there would do it: the state and the head fit what is left.
  await redis.cli('XDEL', keys.log, '6-0');
  await redis.cli('SET', keys.head, headBefore);
  await redis.cli('HDEL', keys.state, 'kill:agent:d');
  expect(await control.verifyLog()).toMatchObject({ ok: true, events: 5 });
  for (const against of Object.values(files))
    expect(await control.verifyLog({ against })).toMatchObject({
      ok: false,
      events: 5,
      problem: `The log ends at epoch 5, but ${against} at epoch 6: the log was cut off.`,
    });
  await expect(control.exportLog({ file })).rejects.toMatchObject({
    code: 'INVALID_STATE',
    message: expect.stringContaining(
      'has events up to epoch 6 that this log does not have: it was cut off or replaced',
    ),
  });
  expect(eventsOf(file)).toHaveLength(6);
  expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});

test('a log that was made anew from an event on is found, with the number of that event', async () => {
  const { control, folder, file } = await setUp(fileControlStore({ directory: temporaryFolder('log-export').path }));
  await control.exportLog({ file });
  const forged = join(folder, 'forged.jsonl');
  write(forged, rewritten(eventsOf(file), 3, 'never happened'));
  expect(await verifyLogFile(forged)).toMatchObject({ ok: true, events: 5 });
  const problem = `Event 3 of the log is another one than in ${file}: the log was replaced or edited from there on.`;
  expect(await verifyLogFile(forged, { against: file })).toMatchObject({ ok: false, problem });
  expect(await control.verifyLog({ against: forged })).toMatchObject({
    ok: false,
    problem: expect.stringContaining('Event 3 of the log is another one than in'),
  });
  await expect(control.exportLog({ file: forged })).rejects.toThrow('that this log does not have');
});

test('the log of another switch is told from an edited one', async () => {
  const [one, other] = [await setUp(), await setUp()];
  await one.control.exportLog({ file: one.file });
  expect(await other.control.verifyLog({ against: one.file })).toMatchObject({
    ok: false,
    problem: expect.stringContaining('that is of another control plane, or the log was replaced as a whole'),
  });
  await expect(other.control.exportLog({ file: one.file })).rejects.toMatchObject({
    code: 'INVALID_STATE',
    message: `Nothing was written. ${one.file} is the export of another control plane. Name another file.`,
  });
});

const DAMAGES: Readonly<Record<string, { damage: (lines: string[]) => string[]; says: string | RegExp }>> = {
  'an edited event': {
    damage: ([...lines]) => lines.map((line) => line.replace('agent:a', 'agent:z')),
    says: 'Its event 2 is not what was hashed.',
  },
  'an event removed': { damage: (lines) => lines.toSpliced(2, 1), says: 'Event 3 does not follow event 1' },
  'its first event removed': { damage: (lines) => lines.toSpliced(1, 1), says: 'its beginning was removed' },
  'two events swapped': {
    damage: ([h = '', a = '', b = '', c = '', ...rest]) => [h, a, c, b, ...rest],
    says: 'Event 3 does not follow event 1',
  },
  'its last event removed': {
    damage: (lines) => lines.toSpliced(5, 1),
    says: /Its events end at epoch 4, .* what was signed is the head of 5 events at epoch 5/,
  },
  'no signature': { damage: (lines) => lines.slice(0, -1), says: 'It does not end in a signed head' },
  'another head': {
    damage: (lines) => lines.map((line) => line.replace('"events":5', '"events":6')),
    says: 'Its signature is not one of its head by its key',
  },
  'another time of signing': {
    damage: (lines) => lines.map((line) => line.replace('"signed_at":"2', '"signed_at":"1')),
    says: 'Its signature is not one of its head by its key',
  },
  'a key of another type': {
    damage: (lines) => [
      ...lines.slice(0, -1),
      JSON.stringify({
        ...(JSON.parse(lines.at(-1) ?? '') as object),
        public_key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
          type: 'spki',
          format: 'pem',
        }),
      }),
    ],
    says: 'Its public key is of type ec, not Ed25519.',
  },
};

test.each(Object.entries(DAMAGES))('a signed export with %s does not verify', async (_name, { damage, says }) => {
  const { control, file } = await setUp();
  await control.exportLog({ file, key: newKey() });
  const before = linesOf(file);
  const after = damage(before);
  expect(after).not.toEqual(before);
  write(file, after);
  const problem = expect.stringMatching(says instanceof RegExp ? says : says.replaceAll(/[.()]/g, '\\$&'));
  expect(await verifyLogFile(file)).toMatchObject({ ok: false, problem });
  const compared = await control.verifyLog({ against: file });
  expect(compared).toMatchObject({ ok: false, problem, against: { problem } });
  await expect(control.exportLog({ file, key: newKey() })).rejects.toMatchObject({ code: 'INVALID_STATE' });
  expect(linesOf(file)).toEqual(after);
});

test('an export that ends in the middle of a line was cut off', async () => {
  const { control, file } = await setUp();
  await control.exportLog({ file });
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, -20));
  expect(await verifyLogFile(file)).toMatchObject({
    ok: false,
    events: 4,
    problem: expect.stringContaining('It ends in the middle of a line: it was cut off.'),
  });
});

test('what is no export of this log is never replaced, and says why', async () => {
  const { control, folder, file } = await setUp();
  const refuses = async (says: string): Promise<void> => {
    const before = readFileSync(file, 'utf8');
    const message = expect.stringContaining(says);
    await expect(control.exportLog({ file })).rejects.toMatchObject({ code: 'INVALID_STATE', message });
    expect(readFileSync(file, 'utf8')).toBe(before);
  };
  for (const [text, says] of [
    ['notes\n', 'is neither an export of a log nor a head'],
    ['', 'is neither an export of a log nor a head'],
    [`5 ${'a'.repeat(64)}\n`, 'and is a head, no export'],
  ] as const) {
    writeFileSync(file, text);
    await refuses(says);
  }
  rmSync(file);
  await control.exportLog({ file, key: newKey() });
  await refuses('is a signed export, which one without a signature would replace');
  mkdirSync(join(folder, 'sub'));
  symlinkSync('/nowhere', join(folder, 'link'));
  for (const place of ['sub', 'link', 'no/such/folder'])
    await expect(control.exportLog({ file: join(folder, place) }), place).rejects.toMatchObject({
      code: 'INVALID_STATE',
    });
  expect(readdirSync(folder).sort()).toEqual(['link', 'log.jsonl', 'sub']);
});

test('a wrong key is refused with what is wrong, and never quoted', async () => {
  const { control, file } = await setUp();
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const encrypted = privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' });
  const KEYS: Readonly<Record<string, string>> = {
    'it is a public key': String(publicKey.export({ type: 'spki', format: 'pem' })),
    'it is protected by a passphrase': String(encrypted),
    'it is of type ec, not Ed25519': newKey('ec'),
    'it is a key of OpenSSH': '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----\n',
    'it is no private key in PEM': 'hunter2',
  };
  for (const [says, key] of Object.entries(KEYS)) {
    const refused: unknown = await control.exportLog({ file, key }).catch((error: unknown) => error);
    expect(refused, says).toMatchObject({ code: 'INVALID_ARGUMENT', message: expect.stringContaining(says) });
    const secret = key.split('\n').find((line) => !line.startsWith('-')) ?? '';
    expect(String(refused)).not.toContain(secret.slice(0, 12));
  }
});

test('an export whose writing fails leaves nothing behind', async () => {
  const { control, folder, file } = await setUp();
  const fs = await import('node:fs/promises');
  const handle = await fs.open('/dev/null');
  const prototype = Object.getPrototypeOf(handle) as typeof handle;
  await handle.close();
  const full = vi
    .spyOn(prototype, 'sync')
    .mockRejectedValue(Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC' }));
  try {
    await expect(control.exportLog({ file })).rejects.toThrow(`The export was not written to ${file}: ENOSPC`);
  } finally {
    full.mockRestore();
  }
  expect(readdirSync(folder)).toEqual([]);
});
