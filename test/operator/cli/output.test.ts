import { spawn } from 'node:child_process';
import { openSync, readFileSync, closeSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { root } from '../../../scripts/prepare.mjs';
import { each, fileSwitch } from './command.ts';

const MAIN = join(root, 'dist/operator/cli/main.js');

/** Runs the command through a shell, which says where its stdout goes. */
function through(shell: string, directory: string): Promise<{ code: number | null; stderr: string }> {
  const { PATH = '', HOME = '' } = process.env;
  const ks = `${process.execPath} ${MAIN} --store file:${directory} --operator dana`;
  const child = spawn('bash', ['-c', `set -o pipefail; ks() { ${ks} "$@"; }; ${shell}`], {
    env: { PATH, HOME },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, stderr })));
}

describe('an answer that cannot be written', () => {
  test('is reported on stderr, and a command whose answer is lost never ends with 0', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    await ks.run('kill', 'agent:x', '--wait', '0');
    const jobs = ['status', 'status --json', 'flagd export', 'log', 'log --json', 'kills', '--help', 'kill --help'];
    await each(jobs, async (args) => {
      const { code, stderr } = await through(`ks ${args} > /dev/full`, ks.directory);
      expect(stderr, args).toMatch(/The answer could not be written whole: ENOSPC/);
      expect(code, args).toBe(1);
    });
  });

  test('a file that may not grow as long keeps what fits, and stderr says so', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    const file = join(ks.folder, 'definition.json');
    // In blocks of 1024 bytes; the signal that comes with it is ignored, as Node does anyway.
    const { code, stderr } = await through(`ulimit -f 2; ks flagd export > ${file}`, ks.directory);
    expect(statSync(file).size).toBe(2048);
    expect(() => JSON.parse(readFileSync(file, 'utf8'))).toThrow();
    expect(stderr).toMatch(/The answer could not be written whole: EFBIG/);
    expect(code).toBe(1);
  });

  test('a change stays recorded, and stderr says that first', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    for (const [args, says] of [
      ['kill agent:x --wait 0', 'agent:x is full_stop, at epoch 2. But the answer could not'],
      ['revive agent:x --reason fixed --json', 'The revive is recorded, at epoch 3. But the answer could not'],
      ['mode read_only --reason pilot', 'The base mode is read_only, at epoch 4. But the answer could not'],
    ] as const) {
      const { code, stderr } = await through(`ks ${args} > /dev/full`, ks.directory);
      expect(stderr).toContain(says);
      expect(code).toBe(1);
    }
    expect((await ks.json('log')).json.count).toBe(4);
  });

  test('an error that cannot be written as JSON is on stderr', async () => {
    const ks = fileSwitch();
    const { code, stderr } = await through('ks status --json > /dev/full', ks.directory);
    expect(stderr).toContain('There is no control plane');
    expect(code).toBe(1);
  });

  test('a reader that has gone is no failure', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    const { code, stderr } = await through('ks flagd export 2> /dev/null | head -c 1 > /dev/null', ks.directory);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('what goes into a file is whole, appended too', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    const file = join(ks.folder, 'out.json');
    closeSync(openSync(file, 'w'));
    await through(`ks status --json >> ${file}; ks status --json >> ${file}`, ks.directory);
    const text = readFileSync(file, 'utf8');
    expect(text.slice(0, text.length / 2)).toBe(text.slice(text.length / 2));
    expect(JSON.parse(text.slice(0, text.length / 2))).toMatchObject({ mode: 'draft_only' });
  });
});
