import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../../scripts/prepare.mjs';
import { run } from '../operator/cli/command.ts';
import { temporaryFolder } from '../servers/index.ts';
import { archivable } from '../store/file/archivable.ts';

const page = readFileSync(join(root, 'docs/log.md'), 'utf8');
const [ofAnyLog = '', ofALongLog = ''] = page.split('\n## Moving its beginning to a file\n');

/** Each command of a part of the page, and what stands below it as printed. */
const commandsIn = (part: string) =>
  [...part.matchAll(/^```sh\n(.*?)\n```\n\n```text\n(.*?)^```$/gms)].map(([, command = '', printed = '']) => ({
    command,
    printed,
  }));
const COMMANDS = commandsIn(ofAnyLog);

/** The program of that language. */
const fenced = (language: string): string => {
  const found = [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(
    ([, text = '']) => text,
  );
  expect(found).toHaveLength(1);
  return found[0] ?? '';
};

/** Without what differs from run to run: times, hashes and keys. */
const steady = (text: string): string =>
  text
    .replaceAll(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
    .replaceAll(/\b[0-9a-f]{64}\b/g, 'HASH')
    .trim();

/** The folder in which everything of the page was done. */
async function asOnThePage() {
  const { path: cwd } = temporaryFolder('log-page');
  const env = { KILL_SWITCH_OPERATOR: 'dana', XDG_CONFIG_HOME: join(cwd, 'settings') };
  const ks = (...words: string[]) => run(words, { cwd, env });
  for (const words of [
    ['init'],
    ['mode', 'live', '--reason', 'launch'],
    ['kill', 'agent:returns-bot', '--reason', 'wrong refunds', '--wait', '0'],
    ['limit', 'refund.max', '200', '--reason', 'audited'],
    [
      'rule',
      'add',
      'night',
      'agent:returns-bot',
      'draft_only',
      '--window',
      'Mon-Fri 18:00-08:00 Europe/Berlin',
      '--wait',
      '0',
    ],
    ['revive', 'agent:returns-bot', '--reason', 'rule fixed'],
  ])
    expect(await ks(...words)).toMatchObject({ code: 0 });
  return { cwd, ks };
}

test('what docs/log.md shows is what its commands print, and strangers verify what they write', async () => {
  const { cwd, ks } = await asOnThePage();
  expect(COMMANDS).toHaveLength(8);
  for (const { command, printed } of COMMANDS) {
    const [program, ...words] = command.split(' ');
    expect(program).toBe('kill-switch');
    const { stdout, code } = await ks(...words);
    expect(code).toBe(0);
    expect(steady(stdout)).toBe(steady(printed));
  }

  writeFileSync(join(cwd, 'verify.py'), fenced('python'));
  writeFileSync(join(cwd, 'verify.sh'), fenced('bash'));
  const text = readFileSync(join(cwd, 'signed.jsonl'), 'utf8');
  const fingerprint = /sha256:[0-9a-f]{64}/.exec((await ks('log', 'verify', 'signed.jsonl')).stdout)?.[0] ?? '';
  const lines = text.trimEnd().split('\n');
  const BUNDLES: Readonly<Record<string, string>> = {
    whole: text,
    edited: text.replace('audited', 'AUDITED'),
    'without an event': [...lines.slice(0, 4), ...lines.slice(5)].join('\n') + '\n',
    'without the last event': [...lines.slice(0, 6), ...lines.slice(7)].join('\n') + '\n',
    'with two events swapped': [...lines.slice(0, 3), lines[4], lines[3], ...lines.slice(5)].join('\n') + '\n',
    'with another head': text.replace(/"events":6/, '"events":7'),
    'signed at another time': text.replace(/"signed_at":"2/, '"signed_at":"3'),
    'cut off': `${lines.slice(0, 6).join('\n')}\n`,
    'signed by nobody': text.replace(/"signature":"..../, '"signature":"AAAA'),
  };
  expect(lines).toHaveLength(9);
  for (const [name, bundle] of Object.entries(BUNDLES)) {
    writeFileSync(join(cwd, 'bundle.jsonl'), bundle);
    for (const [program, file] of [
      ['python3', 'verify.py'],
      ['bash', 'verify.sh'],
    ] as const) {
      const { status, stdout, stderr } = spawnSync(program, [file, 'bundle.jsonl'], { cwd, encoding: 'utf8' });
      expect({ program, name, status, stderr }).toMatchObject(name === 'whole' ? { status: 0 } : { status: 1 });
      if (name === 'whole') expect(stdout).toContain(fingerprint);
      else if (program === 'python3') expect(stderr, name).toMatch(/^BROKEN: /);
    }
    const { code } = await ks('log', 'verify', 'bundle.jsonl');
    expect({ name, code }).toEqual({ name, code: name === 'whole' ? 0 : 4 });
  }
}, 240_000);

test('what it shows of a long log is what the commands print', async () => {
  const { path: cwd, directory } = await archivable();
  const env = { KILL_SWITCH_OPERATOR: 'dana', KILL_SWITCH_STORE: `file:${directory}` };
  const commands = commandsIn(ofALongLog);
  expect(commands).toHaveLength(3);
  for (const { command, printed } of commands) {
    const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare = '']) => quoted ?? bare);
    const { stdout, code, stderr } = await run(words.slice(1), { cwd, env });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(steady(stdout)).toBe(steady(printed));
  }
}, 120_000);
