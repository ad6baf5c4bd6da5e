import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createKillSwitch } from '../../../../index.ts';
import { fileStore } from '../../../../store/file/index.ts';
import { hasRedis, hasTerminals, startRedis, type Terminal } from '../../../servers/index.ts';
import { owned } from '../../../servers/lifetime.ts';
import { fileSwitch, onTerminal, run } from '../command.ts';
import { rendered, widest } from './rendered.ts';

/** What the terminal is given when the view ends: its screen, its cursor and its line ends are as before. */
const GIVEN_BACK = '\u001b[?7h\u001b[?25h\u001b[?1049l';

/** Resolves once a line of the view holds that. */
const shows = (terminal: Terminal, what: RegExp): Promise<void> =>
  terminal.until((screen) => rendered(screen).some((line) => what.test(line)));

async function watching(more: Parameters<typeof onTerminal>[1] = {}) {
  const ks = fileSwitch();
  await ks.run('init');
  const terminal = ks.terminal(['watch'], { columns: 100, rows: 24, ...more });
  await shows(terminal, /^Mode draft_only, epoch 1, nothing is killed/);
  return { ks, terminal };
}

/** Takes the terminal itself, to resize it or to end the command from outside. */
const NAMED = { before: 'echo $$ > pid; tty > tty;' };
const told = (folder: string, what: string): string => readFileSync(join(folder, what), 'utf8').trim();

describe.skipIf(!hasTerminals)('watch on a terminal', () => {
  test('shows what is killed, who has not acknowledged, and what changes, in place; q ends it and gives the screen back', async () => {
    const { ks, terminal } = await watching();
    await ks.run('mode', 'live', '--reason', 'test');
    await shows(terminal, /^mode +live/);
    const executor = await createKillSwitch({
      store: fileStore({ directory: ks.directory }),
      agentId: 'x',
      domain: 'watched-live',
      executor: { name: 'mailer' },
      leaseMs: 60_000, // so that it is never silent, on a slow machine
    });
    owned(() => executor.close());
    let end = (): void => {};
    const work = executor.action({
      name: 'mail.send',
      execute: () => new Promise<void>((resolve) => (end = resolve)),
    });
    const sent = work.attempt(undefined);
    await ks.run('kill', 'agent:x', '--wait', '0', '--reason', 'wrong mails', '--until', '1h');
    await shows(terminal, /^agent:x +full_stop +\d+s +in \d+m +unverified:dana +"wrong mails"$/);
    await shows(terminal, /^mailer +draining +3 +1 +1 /);
    await shows(terminal, /^1 executor: 1 draining$/);
    end();
    await sent;
    await shows(terminal, /^1 executor: 1 applied$/);
    await ks.run('revive', 'agent:x', '--reason', 'mended');
    await shows(terminal, /nothing is killed since \d\d:\d\d:\d\d UTC \(\d+s\)$/);
    await terminal.until((screen) => !rendered(screen).some((line) => line.startsWith('KILLED')));
    terminal.type('q');
    expect(await terminal.exited).toBe(0);
    expect(terminal.screen).toContain('\u001b[?1049h\u001b[?25l');
    expect(terminal.screen.split(GIVEN_BACK)).toHaveLength(2);
    expect(
      rendered(terminal.screen.split(GIVEN_BACK)[1] ?? '')
        .join('')
        .trim(),
    ).toBe(''); // where the shell goes on
  });

  test('Ctrl-C ends it with 130, and gives the screen back', async () => {
    const { terminal } = await watching();
    terminal.type('\x03');
    expect(await terminal.exited).toBe(130);
    expect(terminal.screen).toContain(GIVEN_BACK);
  });

  test('SIGTERM and SIGINT from outside do the same, and so does SIGHUP', async () => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
      const { ks, terminal } = await watching(NAMED);
      process.kill(Number(told(ks.folder, 'pid')), signal);
      expect(await terminal.exited).toBe(130);
      expect(terminal.screen).toContain(GIVEN_BACK);
    }
  });

  test('a log that was replaced is said, and it goes on with what is there', async () => {
    const { ks, terminal } = await watching();
    await ks.run('kill', 'agent:x', '--wait', '0');
    await shows(terminal, /^agent:x /);
    rmSync(ks.directory, { recursive: true });
    await ks.run('init');
    await shows(terminal, /is no longer in the log/);
    await ks.run('kill', 'agent:y', '--wait', '0');
    await shows(terminal, /^agent:y /);
    terminal.type('q');
    expect(await terminal.exited).toBe(0);
  });

  test.each([
    ['Ctrl-Z', (terminal: Terminal): void => terminal.type('\x1a')],
    ['SIGTSTP from outside', (_: Terminal, pid: number): void => void process.kill(pid, 'SIGTSTP')],
  ])('%s gives the screen back, and it goes on where it was', async (_how, suspend) => {
    const { ks, terminal } = await watching(NAMED);
    suspend(terminal, Number(told(ks.folder, 'pid')));
    await terminal.until((screen) => screen.includes(GIVEN_BACK));
    process.kill(Number(told(ks.folder, 'pid')), 'SIGCONT');
    await terminal.until((screen) => screen.split('\u001b[?1049h').length === 3);
    await ks.run('kill', 'agent:x', '--wait', '0');
    await shows(terminal, /^agent:x /);
    terminal.type('q');
    expect(await terminal.exited).toBe(0);
  });

  test('it fits the terminal when that is resized, whatever ids there are', async () => {
    const { ks, terminal } = await watching({ ...NAMED, columns: 120, rows: 30 });
    for (let at = 0; at < 12; at += 1) await ks.run('kill', `agent:${'漢字'.repeat(30)}-${at}`, '--wait', '0');
    await shows(terminal, /^Mode .* 12 active kills since/);
    for (const [columns, rows] of [
      [40, 10],
      [300, 50],
      [61, 17],
    ] as const) {
      const before = terminal.screen.length;
      spawnSync('stty', ['-F', told(ks.folder, 'tty'), 'cols', `${columns}`, 'rows', `${rows}`]);
      await terminal.until((screen) => rendered(screen.slice(before)).length >= 9);
      await terminal.until((screen) => {
        const lines = rendered(screen.slice(screen.lastIndexOf('\u001b[2J')));
        return lines.length <= rows && widest(lines) <= columns && lines.some((line) => line.startsWith('KILLED'));
      });
    }
    terminal.type('q');
    expect(await terminal.exited).toBe(0);
  });

  test('is an operating process, and shows no colours where there are to be none', async () => {
    const { ks, terminal } = await watching({ env: { NO_COLOR: '1' } });
    await ks.run('kill', 'agent:x', '--wait', '0', '--until', '1s');
    await shows(terminal, /^agent:x +full_stop/);
    await shows(terminal, /^expire +agent:x .* system /);
    expect(terminal.screen).not.toMatch(/\u001b\[3\dm/);
    terminal.type('q');
    await terminal.exited;
  });

  test('an idle switch is drawn at most a few times a second, and nothing of a frame twice', async () => {
    const { terminal } = await watching();
    const frames = (): number => terminal.screen.split('\u001b[?2026h').length - 1;
    await terminal.until(() => frames() >= 2);
    const [begun, first] = [performance.now(), frames()];
    await terminal.until(() => frames() >= first + 3);
    expect((frames() - first) / ((performance.now() - begun) / 1000)).toBeLessThan(5.5);
    // An age has ticked; the store's line never changes.
    expect(terminal.screen.split('organization default')).toHaveLength(2);
    terminal.type('q');
    await terminal.exited;
  });

  test('--plain gives lines, and so do --json and a pipe', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    for (const [args, more] of [
      [['watch', '--plain'], {}],
      [['watch', '--json'], {}],
      [['watch'], { redirected: '| cat' }],
      [['watch'], { env: { TERM: 'dumb' } }],
    ] as const) {
      const terminal = ks.terminal(args, more);
      await terminal.until((screen) => /Watching from epoch 1|\{"type":"watching","epoch":1/.test(screen));
      expect(terminal.screen).not.toContain('\u001b[?1049h');
      await terminal.stop();
    }
  });

  test('where there is nothing to watch, that is said on the screen as it is', async () => {
    const terminal = fileSwitch().terminal(['watch']);
    expect(await terminal.exited).toBe(1);
    expect(terminal.screen).toContain('kill-switch init');
    expect(terminal.screen).not.toContain('\u001b[?1049h');
  });

  test.skipIf(!hasRedis)(
    'says since when the store does not answer, and goes on when it does',
    { timeout: 60_000 },
    async () => {
      const redis = await startRedis();
      await run(['init', '--store', redis.url]);
      const terminal = onTerminal(['watch', '--store', redis.url], { columns: 160, rows: 24 });
      await shows(terminal, /^Mode draft_only/);
      await redis.kill();
      await shows(terminal, /^The store does not answer since \d\d:\d\d:\d\d UTC \(\d+s\): what is shown is older\. ./);
      await redis.restart();
      await terminal.until((screen) => !rendered(screen).some((line) => line.startsWith('The store does not answer')));
      await run(['kill', 'agent:x', '--wait', '0', '--store', redis.url]);
      await shows(terminal, /^agent:x +full_stop/);
      terminal.type('q');
      expect(await terminal.exited).toBe(0);
    },
  );
});
