import { describe, expect, test } from 'vitest';
import { fileSwitch } from './command.ts';

/** Each looks like `pay-bot` or `é` in a terminal. */
const ODD: ReadonlyArray<readonly [what: string, id: string, shown: string]> = [
  ['a zero-width space', 'pay\u200b-bot', '"agent:pay\\u200b-bot"'],
  ['a soft hyphen', 'pay\u00ad-bot', '"agent:pay\\u00ad-bot"'],
  ['a no-break space', 'pay\u00a0bot', '"agent:pay\\u00a0bot"'],
  ['a mark of direction', '\u202epay-bot', '"agent:\\u202epay-bot"'],
  ['a tag character', 'pay-bot\u{e0041}', '"agent:pay-bot\\udb40\\udc41"'],
  ['a joiner', 'pay\u2060-bot', '"agent:pay\\u2060-bot"'],
  ['a Hangul filler', 'pay\u3164bot', '"agent:pay\\u3164bot"'],
  ['a variation selector', 'pay-bot\ufe0f', '"agent:pay-bot\\ufe0f"'],
  ['a space at its end', 'pay-bot ', '"agent:pay-bot "'],
  ['a space at its beginning', ' pay-bot', '"agent: pay-bot"'],
  ['a decomposed letter', 'pay-bote\u0301', '"agent:pay-bote\\u0301"'],
  ['a mark at its beginning', '\u0301pay-bot', '"agent:\\u0301pay-bot"'],
  ['another sign for a letter', '\u212b', '"agent:\\u212b"'],
];

describe('an id that could be taken for another', () => {
  test.each(ODD)(
    'with %s is taken verbatim, shown as what it is, and warned of where it is typed',
    async (_, id, shown) => {
      const ks = fileSwitch();
      await ks.here('init');
      await ks.here('kill', 'agent:pay-bot', '--wait', '0');
      const killed = await ks.here('kill', `agent:${id}`, '--wait', '0', '--json');
      expect(killed.json.kill).toMatchObject({ target: `agent:${id}`, target_id: id });
      expect(killed.json.warnings).toEqual([expect.stringContaining('exactly as it was typed')]);
      expect(killed.stderr).toContain(shown);

      for (const list of [['kills'], ['status'], ['log']]) {
        const { stdout, stderr } = await ks.here(...list);
        expect(stdout, list.join()).toContain(shown);
        expect(stderr, list.join()).not.toContain('Warning');
      }
      expect((await ks.here('kills', '--json')).json.count).toBe(2);
      const revived = await ks.here('revive', `agent:${id}`, '--reason', 'it was another');
      expect(revived).toMatchObject({ code: 0, stderr: expect.stringContaining('Warning') });
      expect((await ks.here('kills', '--json')).json.data).toMatchObject([{ target_id: 'pay-bot' }]);
    },
  );

  test('causes a warning as the name of a feature and an organization too, and is refused as that of an operator', async () => {
    const ks = fileSwitch();
    await ks.here('init');
    expect((await ks.here('feature', 'a\u200b', 'dark')).stderr).toContain('"a\\u200b"');
    expect((await ks.here('limit', 'a ', '7')).stderr).toContain('"a "');
    expect((await ks.here('autonomy', 'a\u200b', 'human_in_the_loop')).stderr).toContain('"a\\u200b"');
    expect((await ks.here('init', '--organization', 'acme\u200b', '--json')).json.warnings).toHaveLength(1);
    expect((await ks.here('mode', 'full_stop', '--operator', 'dana\u200b')).stderr).toContain('"dana\\u200b"');
    const status = await ks.here('status');
    expect(status.stdout).toContain('"a\\u200b" dark');
    expect(status.stdout).toContain('"a " 7');
    expect((await ks.here('log')).stdout).not.toContain('mode');
  });

  test('causes no warning where it is merely in another script', async () => {
    const ks = fileSwitch();
    await ks.here('init');
    for (const id of ['é', '한국', '日本語', '🛑', 'नमस्ते', 'a b', 'a:b', "it's"]) {
      const { json, stderr } = await ks.here('kill', `agent:${id}`, '--wait', '0', '--json');
      expect(json.warnings, id).toBeUndefined();
      expect(stderr, id).toBe('');
      expect((await ks.here('kills')).stdout).toContain(`agent:${id}  `);
    }
  });

  test('comes in a form to paste that a shell takes for the same', async () => {
    const ks = fileSwitch();
    const { stderr } = await ks.here('kill', "pay\u200b\u{e0041}'bot");
    expect(stderr).toContain("kill-switch kill $'agent:pay\\u200b\\U000e0041\\'bot'");
  });
});
