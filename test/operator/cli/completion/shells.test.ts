import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { shellWord } from '../../../../flags/index.ts';
import { root } from '../../../../scripts/prepare.mjs';
import { ensureShells } from '../../../servers/ensure-shells.mjs';
import { hasTerminals, openTerminal, type Terminal } from '../../../servers/index.ts';
import { fileSwitch } from '../command.ts';

const MAIN = join(root, 'dist/operator/cli/main.js');
const SHELLS = ensureShells();
type Shell = keyof typeof SHELLS;

/** How each is started without anybody's settings, and how it takes the script. */
const START: Readonly<Record<Shell, { readonly args: string; readonly source: string; readonly prompt: string }>> = {
  bash: {
    args: '--norc --noprofile -i',
    source: 'source <(kill-switch completion bash)',
    prompt: "PS1='ready''> '",
  },
  zsh: { args: '-f -i', source: 'source <(kill-switch completion zsh)', prompt: "PS1='ready''> '" },
  fish: {
    args: '--no-config -i',
    source: 'kill-switch completion fish | source',
    prompt: "function fish_prompt; echo -n 'ready''> '; end",
  },
};

/** The shell in a terminal, in the folder of a switch; and the command in its PATH. */
async function open(shell: Shell) {
  const ks = fileSwitch();
  const bin = join(ks.folder, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'kill-switch'), `#!/bin/sh\nexec ${shellWord(process.execPath)} ${shellWord(MAIN)} "$@"\n`);
  chmodSync(join(bin, 'kill-switch'), 0o755);
  await ks.run('init');
  const { args, source, prompt } = START[shell];
  const terminal = openTerminal(`exec ${SHELLS[shell]} ${args}`, {
    columns: 160,
    rows: 40,
    cwd: ks.folder,
    env: {
      PATH: `${bin}:${process.env['PATH'] ?? ''}`,
      HOME: ks.folder,
      ZDOTDIR: ks.folder,
      LANG: 'C.UTF-8',
      HISTFILE: '',
    },
  });
  terminal.type(`${prompt}\n`);
  await terminal.until((screen) => screen.includes('ready> '));
  // fish begins a new completion with what it knows of a command by then
  terminal.type(`${source}; echo loa''ded\n`);
  await terminal.until((screen) => screen.includes('loaded'));
  return { ks, terminal };
}

/** Types it, presses Tab, waits until the shell has completed it to that, and presses Enter. */
async function complete(terminal: Terminal, typed: string, completed: string, rest = ''): Promise<void> {
  const before = terminal.screen.length;
  terminal.type(typed);
  await terminal.until((screen) => plain(screen.slice(before)).includes(typed.slice(-6)));
  terminal.type('\t');
  await terminal.until((screen) => plain(screen.slice(before)).includes(completed));
  terminal.type(`${rest}\n`);
}

/** Without what moves the cursor and colours the text. */
const plain = (screen: string): string =>
  screen.replace(/\u001b(\[[?>=0-9;]*[a-zA-Z]|\][^\u0007]*\u0007|[=>])|[\u0008\r]/g, '');

const killed = async (ks: Awaited<ReturnType<typeof open>>['ks']): Promise<string[]> =>
  (await ks.json('kills')).json.data.map(({ target }: { target: string }) => target);

/** What is typed of a target in each shell, and how the shell writes the rest of it. */
const IDS = ['agent:returns-bot', 'agent:mail bot', 'mission:a:b=c', 'run:it\'s "x" $HOME', 'agent:漢字'] as const;

describe.skipIf(!hasTerminals).each(Object.keys(SHELLS) as Shell[])('%s', (shell) => {
  test.skipIf(SHELLS[shell] === '')(
    'completes verbs, and ids of every kind to what revives them',
    { timeout: 120_000 },
    async () => {
      const { ks, terminal } = await open(shell);
      for (const target of IDS) {
        await ks.run('kill', target, '--wait', '0');
        const [type = ''] = target.split(':');
        // The only one that is killed: the shell completes it whole, and what it has written is run.
        terminal.type(`kill-switch rev\t`);
        await terminal.until((screen) =>
          plain(screen.slice(screen.lastIndexOf('ready> '))).includes('kill-switch revive '),
        );
        terminal.type(`${type}:\t`);
        await terminal.until((screen) => written(screen).includes(target.slice(type.length + 1, type.length + 3)));
        terminal.type(' --reason mended\n');
        await vi.waitUntil(async () => !(await killed(ks)).includes(target), { timeout: 20_000, interval: 200 });
      }
      terminal.type('exit\n');
      await terminal.exited;
    },
  );

  test.skipIf(SHELLS[shell] === '')('completes within quotes', { timeout: 60_000 }, async () => {
    const { ks, terminal } = await open(shell);
    await ks.run('kill', 'agent:mail bot', '--wait', '0');
    await complete(terminal, 'kill-switch revive "agent:mail b', 'mail bot', ' --reason mended');
    await vi.waitUntil(async () => (await killed(ks)).length === 0, { timeout: 20_000, interval: 200 });
    await leave(terminal);
  });

  test.skipIf(SHELLS[shell] === '')('completes options and their values', { timeout: 60_000 }, async () => {
    const { ks, terminal } = await open(shell);
    await complete(terminal, 'kill-switch restrict agent:x read', 'read_only', ' --wait 0');
    await vi.waitUntil(async () => (await killed(ks)).includes('agent:x'), { timeout: 20_000, interval: 200 });
    await complete(terminal, 'kill-switch check --effect=d', '--effect=draft');
    await complete(terminal, 'kill-switch kill agent:y --unt', '--until', ' 1h --wait 0');
    await vi.waitUntil(async () => (await killed(ks)).includes('agent:y'), { timeout: 20_000, interval: 200 });
    await leave(terminal);
  });

  test.skipIf(SHELLS[shell] === '')('the script has no mistakes for the shell to find', async () => {
    const ks = fileSwitch();
    const { stdout } = await ks.run('completion', shell);
    const script = join(ks.folder, 'script');
    writeFileSync(script, stdout);
    const { status, stderr } = spawnSync(SHELLS[shell], ['-n', script], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

/** Ends the shell, which is then done with its folder. */
async function leave(terminal: Terminal): Promise<void> {
  terminal.type('exit\n');
  await terminal.exited;
}

/** The last line that is typed at the prompt. */
const written = (screen: string): string => plain(screen.slice(screen.lastIndexOf('ready> ')));
