import { describe, expect, test } from 'vitest';
import { forBash, readLine, readWord } from '../../../../operator/cli/completion/words.ts';

const BREAKS = ' \t\n"\'><=;|&(:';

describe('a command line as bash reads it', () => {
  test.each([
    ['kill-switch kill ', ['kill-switch', 'kill'], '', 0, ''],
    ['kill-switch ki', ['kill-switch'], 'ki', 0, ''],
    ['k kill agent:re', ['k', 'kill'], 'agent:re', 6, ''],
    ['k kill agent:a:b', ['k', 'kill'], 'agent:a:b', 8, ''],
    ['k kill agent:mail\\ b', ['k', 'kill'], 'agent:mail b', 6, ''],
    ['k kill agent:a\\:b', ['k', 'kill'], 'agent:a:b', 6, ''],
    ['k kill "agent:mail b', ['k', 'kill'], 'agent:mail b', 0, '"'],
    ['k kill agent:"mail b', ['k', 'kill'], 'agent:mail b', 6, '"'],
    ["k kill 'agent:it", ['k', 'kill'], 'agent:it', 0, "'"],
    ['k kill "a \\"b\\" \\n" x', ['k', 'kill', 'a "b" \\n'], 'x', 0, ''],
    ["k kill 'a b'\\''c' x", ['k', 'kill', "a b'c"], 'x', 0, ''],
    ['k kill "" x', ['k', 'kill', ''], 'x', 0, ''],
    ['k --store=file:/x', ['k'], '--store=file:/x', 13, ''],
    ['k kill a\\', ['k', 'kill'], 'a\\', 0, ''],
  ])('%s', (line, words, text, from, quote) => {
    expect(readLine(line, BREAKS)).toEqual({ words, last: { text, from, quote } });
  });

  test.each([
    ['agent:returns-bot', 'agent:', 6, '', 'returns-bot'],
    ['agent:mail bot', 'agent:', 6, '', 'mail\\ bot'],
    ['agent:$(rm -rf ~)`x`', '', 0, '', 'agent:\\$\\(rm\\ -rf\\ \\~\\)\\`x\\`'],
    ['agent:it\'s "x"', '', 0, '', 'agent:it\\\'s\\ \\"x\\"'],
    ['agent:it\'s "x"', '', 0, '"', 'agent:it\'s \\"x\\"'],
    ['agent:$x', '', 0, '"', 'agent:\\$x'],
    ['agent:$x y', '', 0, "'", 'agent:$x y'],
    ["agent:it's", '', 0, "'", null],
    ['agent:漢字', '', 0, '', 'agent:漢字'],
  ] as const)('%s is written behind %s from %i in quotes %s', (value, _typed, from, quote, written) => {
    expect(forBash(value, { from, quote })).toBe(written);
    // What is written is read as the very same word.
    if (written === null) return;
    const { last } = readLine(`k ${quote}${written}`, BREAKS);
    expect(last.text).toBe(value.slice(from));
  });

  test('a word that is still typed is unquoted', () => {
    expect(readWord('agent:mail\\ b')).toBe('agent:mail b');
    expect(readWord('"agent:mail b')).toBe('agent:mail b');
    expect(readWord('agent:mail b')).toBe('agent:mail b');
  });
});
