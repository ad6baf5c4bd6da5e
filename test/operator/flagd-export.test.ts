import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FlagdCore } from '@openfeature/flagd-core';
import { describe, expect, onTestFinished, test } from 'vitest';
import { compileFlagd, type Instant, State } from '../../flags/index.ts';
import type { ExportSource } from '../../operator/export-source.ts';
import { type FlagdExportEvent, startFlagdExport } from '../../operator/flagd-export.ts';
import { putKill } from '../flags/arbitraries.ts';
import { temporaryFolder } from '../servers/index.ts';
import { LAST_CHANGE } from '../flags/last-change.ts';

const NOW = 1_700_000_000_000;

/** A source whose standing the test sets by hand. */
class FakeSource implements ExportSource {
  current: State | null = null;
  sent: number | null = null;
  /** How often the export has looked. */
  looks = 0;
  readonly listeners = new Set<() => void>();

  state(): State | null {
    return this.current;
  }

  confirmedAt(): number | null {
    this.looks += 1;
    return this.sent;
  }

  async confirm(): Promise<void> {}

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  change(set: { current?: State | null; sent?: number | null }): void {
    Object.assign(this, set);
    for (const listener of this.listeners) listener();
  }
}

const stateIn = (mode: 'live' | 'read_only'): State => {
  const state = new State();
  state.put('mode', { mode, targeting: null, ...LAST_CHANGE });
  state.put('feature:refunds', { stage: 'live', ...LAST_CHANGE });
  state.epoch = 1;
  return state;
};

function folder(): string {
  const { path, remove } = temporaryFolder('export');
  onTestFinished(remove);
  return path;
}

async function start(options: { file?: string; reissueMs?: number; source?: FakeSource; clock?: Instant } = {}) {
  const { source = new FakeSource(), reissueMs = 60_000, file = join(folder(), 'flags.json') } = options;
  const clock = options.clock ?? { mono: 0, wall: NOW };
  const events: FlagdExportEvent[] = [];
  const at = (ms: number): void => void Object.assign(clock, { mono: ms, wall: NOW + ms });
  const onEvent = (event: FlagdExportEvent): void => void events.push(event);
  const running = await startFlagdExport({
    source,
    file,
    reissueMs,
    validMs: 60_000,
    onEvent,
    clock: () => ({ ...clock }),
  });
  onTestFinished(() => running.close());
  const text = (): string => readFileSync(file, 'utf8');
  const read = (): { metadata: Record<string, unknown> } => JSON.parse(text());
  const happened = (event: object) => expect.poll(() => events.at(-1)).toMatchObject(event);
  return { source, file, events, running, text, read, happened, clock, at };
}

/** What flagd answers for a flag, at the real time: long after `NOW`, so a dead man is due. */
function served(text: string, flagKey = 'kill-switch.mode'): unknown {
  const core = new FlagdCore();
  core.setConfigurations(text);
  return core.resolveStringEvaluation(flagKey, 'caller default', {}).value;
}

describe('keeping a file current for flagd', () => {
  test('writes each state with an end that counts from when its confirmation was sent', async () => {
    const { source, read, happened } = await start();
    source.change({ current: stateIn('live'), sent: NOW - 4999 });
    await happened({ type: 'written', epoch: 1, validUntil: 1_700_000_055 });
    expect(read()).toEqual(JSON.parse(JSON.stringify(compileFlagd(stateIn('live'), { validUntil: 1_700_000_055 }))));
  });

  test('writes a change at once, also one that is not yet confirmed, and does not renew by it', async () => {
    const { source, read, happened } = await start();
    const state = stateIn('live');
    source.change({ current: state, sent: NOW });
    await happened({ type: 'written', epoch: 1, validUntil: 1_700_000_060 });
    putKill(state, 'agent:a', 'full_stop');
    state.epoch = 2;
    source.change({ sent: null });
    await happened({ type: 'written', epoch: 2, validUntil: 1_700_000_060 });
    expect(read().metadata).toMatchObject({ epoch: 2, valid_until: 1_700_000_060 });
    expect(JSON.stringify(read())).toContain('"a"');
  });

  test('does not renew while the last confirmation stays the same, though it is alive', async () => {
    const { source, file, happened, events, at } = await start({ reissueMs: 50 });
    source.change({ current: stateIn('live'), sent: NOW });
    await happened({ type: 'written' });
    const written = statSync(file).mtimeMs;
    const { looks } = source;
    await expect.poll(() => source.looks).toBeGreaterThan(looks + 3);
    expect(statSync(file).mtimeMs).toBe(written);
    expect(events).toHaveLength(1);
    at(1000);
    source.sent = NOW + 1000;
    await happened({ type: 'written', validUntil: 1_700_000_061 });
  });

  test('stops everyone when the state must not be used, and goes on when it may be again', async () => {
    const { source, text, happened, at } = await start();
    source.change({ current: stateIn('live'), sent: NOW });
    await happened({ type: 'written' });
    source.change({ current: null });
    await happened({ type: 'stopped' });
    expect([served(text()), served(text(), 'kill-switch.feature.refunds')]).toEqual(['full_stop', 'dark']);
    at(2000);
    source.change({ current: stateIn('read_only'), sent: NOW + 2000 });
    await happened({ type: 'written', validUntil: 1_700_000_062 });
  });

  test('confirms before each reissue, and a source that cannot in time renews nothing', async () => {
    const source = new FakeSource();
    const clock = { mono: 0, wall: NOW };
    let confirms = 0;
    Object.assign(source, {
      confirm: async () => {
        confirms += 1;
        if (confirms > 2) return new Promise(() => {});
        Object.assign(clock, { mono: confirms * 1000, wall: NOW + confirms * 1000 });
        source.sent = clock.wall;
      },
      current: stateIn('live'),
    });
    const { events } = await start({ source, reissueMs: 50, clock });
    await expect.poll(() => confirms).toBeGreaterThan(4);
    expect(events).toMatchObject([{ validUntil: 1_700_000_061 }, { validUntil: 1_700_000_062 }]);
  });

  test('replaces the file as a whole, dates it later than the one before, and leaves nothing else behind', async () => {
    const file = join(folder(), 'flags.json');
    const { source, happened } = await start({ file });
    const ahead = new Date(Date.now() + 3_600_000); // as after a clock that was set back
    utimesSync(file, ahead, ahead);
    const { ino } = statSync(file);
    source.change({ current: stateIn('live'), sent: NOW });
    await happened({ type: 'written' });
    expect(statSync(file).ino).not.toBe(ino);
    expect(statSync(file).mtimeMs).toBeGreaterThan(ahead.getTime());
    expect(readdirSync(join(file, '..'))).toEqual(['flags.json']);
  });

  test('reports when the file cannot be written, and writes again when it can', async () => {
    const file = join(folder(), 'sub', 'flags.json');
    mkdirSync(join(file, '..'));
    const { source, happened, running, text } = await start({ file, reissueMs: 50 });
    rmSync(join(file, '..'), { recursive: true });
    source.change({ current: stateIn('live'), sent: NOW });
    await happened({ type: 'trouble', message: expect.stringContaining(file) });
    expect(running.validUntil).toBeNull();
    mkdirSync(join(file, '..'));
    await happened({ type: 'written', validUntil: 1_700_000_060 });
    expect(JSON.parse(text())).toHaveProperty('flags');
  });

  test('says that a change is written only when its text is in place, and that it is not while it cannot be', async () => {
    const file = join(folder(), 'sub', 'flags.json');
    mkdirSync(join(file, '..'));
    const { source, happened, running } = await start({ file });
    expect(running.isWritten).toBe(false);
    const state = stateIn('live');
    source.change({ current: state, sent: NOW });
    expect(running.isWritten).toBe(false);
    await happened({ type: 'written', epoch: 1 });
    expect(running).toMatchObject({ isWritten: true, trouble: null });
    renameSync(join(file, '..'), join(file, '..', '..', 'away'));
    putKill(state, 'agent:a', 'full_stop');
    Object.assign(state, { epoch: 2, hash: 'two' });
    source.change({});
    expect(running.isWritten).toBe(false);
    await happened({
      type: 'trouble',
      message: expect.stringMatching(/sub\/flags\.json could not be written: ENOENT/),
    });
    expect(running).toMatchObject({ isWritten: false, trouble: expect.stringContaining('ENOENT') });
    renameSync(join(file, '..', '..', 'away'), join(file, '..'));
    source.change({});
    await happened({ type: 'written', epoch: 2 });
    expect(running).toMatchObject({ isWritten: true, trouble: null });
    source.change({ current: null });
    expect(running.isWritten).toBe(false);
    await happened({ type: 'stopped' });
    expect(running.isWritten).toBe(true);
  });

  test('says the same trouble in the same words each time', async () => {
    const file = join(folder(), 'sub', 'flags.json');
    mkdirSync(join(file, '..'));
    const { source, events } = await start({ file, reissueMs: 50 });
    rmSync(join(file, '..'), { recursive: true });
    source.change({ current: stateIn('live'), sent: NOW });
    await expect.poll(() => events.length).toBeGreaterThan(2);
    expect(new Set(events.map((event) => JSON.stringify(event))).size).toBe(1);
  });

  test('a clock that is set back takes what it was ahead from the file, also while nothing confirms anew', async () => {
    const { source, happened, clock } = await start({ reissueMs: 50 });
    source.change({ current: stateIn('live'), sent: NOW });
    await happened({ type: 'written', validUntil: 1_700_000_060 });
    Object.assign(clock, { mono: 5000, wall: NOW - 3_600_000 + 5000 });
    source.sent = null;
    await happened({ type: 'written', validUntil: 1_700_000_060 - 3600 });
    Object.assign(clock, { mono: 6000, wall: NOW + 3_600_000 });
    source.change({ sent: clock.wall });
    await happened({ type: 'written', validUntil: 1_700_000_060 + 3600 });
  });

  test.each([
    ['another text', (file: string) => writeFileSync(file, '{}')],
    [
      'the same text with another end',
      (file: string) => writeFileSync(file, readFileSync(file, 'utf8').replaceAll('1700000060', '1700000099')),
    ],
    ['nothing', (file: string) => rmSync(file)],
    [
      'a named pipe, which is never opened',
      (file: string) => {
        rmSync(file);
        execFileSync('mkfifo', [file]);
      },
    ],
  ])('what somebody else puts in its place is found with the next reissue, and replaced: %s', async (_, change) => {
    const { source, happened, file, text, events } = await start({ reissueMs: 50 });
    source.change({ current: stateIn('live'), sent: NOW });
    await happened({ type: 'written' });
    const own = text();
    change(file);
    await expect.poll(() => events.length).toBe(3);
    expect(events.map(({ type }) => type)).toEqual(['written', 'trouble', 'written']);
    expect(statSync(file).isFile()).toBe(true);
    expect(text()).toBe(own);
  });

  test('removes what killed exporters have left beside the file, and nothing else', async () => {
    const file = join(folder(), 'flags.json');
    const beside = (name: string, ageMs: number): string => {
      writeFileSync(join(file, '..', name), '');
      const then = new Date(Date.now() - ageMs);
      utimesSync(join(file, '..', name), then, then);
      return name;
    };
    beside('.flags.json.11111111-2222-3333-4444-555555555555.tmp', 120_000);
    const stays = [
      beside('.flags.json.11111111-2222-3333-4444-666666666666.tmp', 0),
      beside('.other.json.11111111-2222-3333-4444-555555555555.tmp', 120_000),
      beside('flags.json.11111111-2222-3333-4444-555555555555.tmp', 120_000),
    ];
    await start({ file });
    expect(readdirSync(join(file, '..')).sort()).toEqual(['flags.json', ...stays].sort());
  });

  test('writes nothing after it was closed, and what it wrote stays', async () => {
    const { source, running, text, happened } = await start({ reissueMs: 50 });
    source.change({ current: stateIn('live'), sent: NOW });
    await happened({ type: 'written' });
    const last = text();
    await running.close();
    await running.close();
    expect(source.listeners.size).toBe(0);
    source.change({ current: stateIn('read_only'), sent: NOW + 5000 });
    const another = await start({ reissueMs: 50 }); // long enough for what is not to happen
    await expect.poll(() => another.source.looks).toBeGreaterThan(3);
    expect(text()).toBe(last);
  });
});

describe('before anything is confirmed', () => {
  const endless = (): string => JSON.stringify(compileFlagd(stateIn('live')));
  const until = (validUntil: number): string => JSON.stringify(compileFlagd(stateIn('live'), { validUntil }));
  // Names and order of the members are the compiler's; this one only looks as if it ended by itself.
  const pretended = JSON.stringify({ ...JSON.parse(endless()), metadata: { valid_until: 1_700_000_030 } });

  test.each([
    ['there is no file', undefined],
    ['the file does not end by itself', endless()],
    ['the file only says that it ends', pretended],
    ['the file ends later than one that is confirmed now would', until(1_700_000_061)],
    ['the file is empty', ''],
    ['the file is not JSON', '{'],
  ])('everyone is stopped where %s', async (_, text) => {
    const file = join(folder(), 'flags.json');
    if (text !== undefined) writeFileSync(file, text);
    const exported = await start({ file });
    expect(served(exported.text())).toBe('full_stop');
    expect(exported.running.validUntil).toBeNull();
  });

  test('a file that ends by itself, as a restarted exporter finds it, is left alone', async () => {
    const file = join(folder(), 'flags.json');
    writeFileSync(file, until(1_700_000_060));
    const { text, source, events } = await start({ file, reissueMs: 50 });
    source.change({ current: stateIn('read_only') }); // loaded, not confirmed
    await expect.poll(() => source.looks).toBeGreaterThan(3);
    expect(text()).toBe(until(1_700_000_060));
    expect(events).toEqual([]);
  });

  test.each([
    ['a name that tells flagd nothing', { file: 'flags.txt' }, /must end in \.json/],
    ['a reissue without pause', { reissueMs: 0 }, /at least 50/],
    ['a reissue that no timer can count', { reissueMs: 2 ** 31, validMs: 2 ** 32 }, /at most 2147483647/],
    ['a reissue that is no number', { reissueMs: Number.NaN }, /at least 50/],
    ['a validity shorter than the reissue', { validMs: 99 }, /not less than reissueMs/],
    ['an endless validity', { validMs: Number.POSITIVE_INFINITY }, /not less than reissueMs/],
    [
      'a folder that is not there',
      { file: '/nonexistent/flags.json' },
      /^\/nonexistent\/flags\.json cannot be written: ENOENT/,
    ],
  ])('refuses %s', async (_, options, message) => {
    const given = { source: new FakeSource(), file: join(folder(), 'flags.json'), reissueMs: 100, validMs: 1000 };
    await expect(startFlagdExport({ ...given, ...options })).rejects.toThrow(message);
  });

  test('refuses a file that cannot be replaced, and leaves nothing behind', async () => {
    const file = join(folder(), 'flags.json');
    mkdirSync(file);
    await expect(start({ file })).rejects.toThrow(/flags\.json cannot be written: EISDIR/);
    expect(readdirSync(join(file, '..'))).toEqual(['flags.json']);
  });
});
