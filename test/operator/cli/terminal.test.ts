import { describe, expect, test } from 'vitest';
import { hasTerminals } from '../../servers/index.ts';
import { fileSwitch } from './command.ts';

describe.skipIf(!hasTerminals)('on a terminal', () => {
  test('Ctrl-C ends a command that goes on', async () => {
    const ks = fileSwitch();
    await ks.run('init');
    const terminal = ks.terminal(['watch', '--plain']);
    await terminal.until((screen) => screen.includes('Ctrl-C ends it.'));
    terminal.type('\x03');
    expect(await terminal.exited).toBe(0);
  });
});
