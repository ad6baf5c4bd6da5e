import { expect, test } from 'vitest';
import { type Anchor, type Head, type Instant, KillSwitchError } from '../../flags/index.ts';
import { LiveCopy } from '../../store/live-copy.ts';
import { TestLog } from './test-log.ts';

const NOW: Instant = { mono: 1, wall: 1 };

/** A log whose control plane began with this generation. */
function logOf(generation: string): TestLog {
  const log = new TestLog();
  log.append('init', { generation });
  return log;
}

const anchorOf = (log: TestLog, more: Partial<Anchor> = {}): Anchor => {
  const head = log.state.head as Head;
  return { head, generations: [head.generation], ...more };
};

/** A copy of this log whose anchor the test has in its hands: `write` may fail, and counts. */
function open(log: TestLog, kept: Anchor | null, signal = (): void => {}) {
  const disk = {
    kept,
    written: [] as Anchor[],
    write: (anchor: Anchor): void => void disk.written.push(anchor),
  };
  const copy = new LiveCopy({
    leaseMs: 3000,
    keeper: { location: '/a/place', read: () => disk.kept, write: (anchor) => disk.write(anchor) },
    organizationId: 'acme',
    signal,
  });
  return {
    disk,
    copy,
    confirm: (): string => {
      const ticket = copy.ask(NOW, 'confirm');
      return copy.reply(ticket, log.confirmation(ticket), NOW);
    },
    load: (): string => {
      const ticket = { held: copy.held, nonce: 'load' };
      return copy.loaded(ticket, log.snapshot(ticket));
    },
    fault: () => copy.fault(NOW),
  };
}

test('an anchor of another organization counts for nothing, and is foreign before the store is asked', () => {
  const log = logOf('g0');
  const { copy, confirm, load, fault, disk } = open(log, anchorOf(logOf('f0'), { organization_id: 'other' }));
  expect(fault()).toMatchObject({
    code: 'ANCHOR_FOREIGN',
    message: expect.stringMatching(/\/a\/place.*"other".*"acme"/),
  });
  for (const ask of [confirm, load, confirm, load]) expect(ask()).toBe('faulty');
  log.append('recover', { generation: 'g1', given_up: [] });
  expect(confirm()).toBe('faulty'); // no recover makes it an anchor of this organization
  expect([copy.held, copy.state, copy.needsLoad, disk.written]).toEqual([null, null, false, []]);
});

test('an anchor of this organization counts, and is written with the organization', () => {
  const log = logOf('g0');
  const { copy, confirm, load, disk } = open(log, anchorOf(log, { organization_id: 'acme' }));
  expect(copy.held).toEqual(log.state.head);
  expect([load(), confirm()]).toEqual(['taken', 'renewed']);
  expect(disk.written.at(-1)).toEqual(
    anchorOf(log, { organization_id: 'acme', generations: ['g0'], first_generation: 'g0' }),
  );
});

test.each([
  ['removed', (): Anchor | null => null],
  ['replaced by one of this store', (log: TestLog): Anchor | null => anchorOf(log)],
])('a foreign anchor is read again with each question, so one that is %s is noticed', (_, next) => {
  const log = logOf('g0');
  const { copy, confirm, load, fault, disk } = open(log, anchorOf(logOf('f0')));
  load();
  expect(confirm()).toBe('faulty');
  expect(load()).toBe('faulty'); // a whole state alone does not end it
  expect(fault()?.code).toBe('ANCHOR_FOREIGN');
  disk.kept = next(log);
  copy.ask(NOW, 'reads the anchor');
  expect(copy.held).toEqual(disk.kept?.head ?? null);
  expect([load(), confirm(), fault()]).toEqual(['taken', 'renewed', null]);
});

test('an anchor that was found foreign stays so where the store is empty', () => {
  const log = logOf('g0');
  const { copy, load, fault } = open(log, anchorOf(logOf('f0')));
  load();
  const ticket = copy.ask(NOW, 'n');
  expect(copy.reply(ticket, new TestLog().confirmation(ticket), NOW)).toBe('faulty');
  expect(fault()?.code).toBe('ANCHOR_FOREIGN');
});

test('a store that was recovered from a log that it had knows its generations, so an anchor of none of them is foreign', () => {
  const log = logOf('g0');
  log.append('recover', { generation: 'g1', given_up: [] });
  const { copy, load, fault } = open(log, anchorOf(logOf('f0')));
  expect(load()).toBe('faulty');
  expect([fault()?.code, copy.state]).toEqual(['ANCHOR_FOREIGN', null]);
});

test.each([
  [new Error('not JSON'), '(not JSON); remove it to accept the store as it is now'],
  [new KillSwitchError('UNKNOWN_ENTRY', 'update this process'), '(update this process)'],
])('an anchor that cannot be read (%s) is a fault that says why, and how to mend it', (error, why) => {
  const read = (): never => {
    throw error;
  };
  const copy = new LiveCopy({ leaseMs: 3000, keeper: { read, write: () => {} }, organizationId: 'acme' });
  expect(copy.fault(NOW)).toEqual({
    code: 'ANCHOR_UNUSABLE',
    message: `the anchor of this executor cannot be read ${why}`,
  });
});

test.each([
  [new KillSwitchError('ANCHOR_FOREIGN', 'it is of another'), 'ANCHOR_FOREIGN', /^it is of another$/],
  [new KillSwitchError('CORRUPT', 'broken'), 'ANCHOR_UNUSABLE', /cannot keep its anchor \(broken\)/],
  [new Error('no space left'), 'ANCHOR_UNUSABLE', /cannot keep its anchor \(no space left\)/],
])('an anchor that cannot be written (%s) is the fault %s', (error, code, message) => {
  const log = logOf('g0');
  const { load, confirm, fault, disk } = open(log, null);
  disk.write = () => {
    throw error;
  };
  expect([load(), confirm()]).toEqual(['taken', 'renewed']);
  expect(fault()).toMatchObject({ code, message: expect.stringMatching(message) });
});

test('a push that only loosens aborts nothing, and writes no anchor', () => {
  const log = logOf('g0');
  log.append('kill', { id: 'a', target: 'run:a', mode: 'full_stop', expires_at: null });
  let signals = 0;
  const { copy, load, confirm, disk } = open(log, null, () => void (signals += 1));
  load();
  confirm();
  disk.written.splice(0);
  expect(copy.push(log.append('revive', { id: 'a', target: 'run:a' }))).toBe('confirm');
  expect([signals, disk.written]).toEqual([0, []]);
});

test('the anchor is written although the abort of work in flight has thrown', () => {
  const log = logOf('g0');
  const { copy, load, confirm, disk } = open(log, null, () => {
    throw new Error('a listener');
  });
  load();
  confirm();
  const event = log.append('kill', { id: 'a', target: 'run:a', mode: 'full_stop', expires_at: null });
  expect(() => copy.push(event)).toThrow('a listener');
  expect([disk.written.at(-1)?.head.epoch, copy.state?.killCount]).toEqual([2, 1]);
});
