import { describe, expect, test } from 'vitest';
import { MODES } from '../../flags/index.ts';
import { validateFlagdFiles } from '../../operator/flagd-validate-files.ts';

describe('validating the files that one flagd reads', () => {
  const variants = Object.fromEntries(MODES.map((mode) => [mode, mode]));
  const own = { 'kill-switch.mode': { state: 'ENABLED', variants, defaultVariant: 'full_stop' } };
  const checkout = { checkout: { state: 'ENABLED', variants: { on: true }, defaultVariant: 'on' } };
  const file = (name: string, flags: object, flagSetId?: string) => ({
    file: name,
    text: JSON.stringify({ flags, ...(flagSetId ? { metadata: { flagSetId } } : {}) }),
  });

  test('asks for the mode in one of them only', () => {
    expect(validateFlagdFiles([file('a', own), file('b', checkout)])).toMatchObject({ ok: true, shared: [] });
    expect(validateFlagdFiles([file('a', {}), file('b', checkout)])).toMatchObject({ ok: false });
  });

  test.each([
    ['no set', undefined, undefined, /no selector can tell them apart/],
    ['the same set', 'kill-switch', 'kill-switch', /no selector can tell them apart/],
    ['another set', 'kill-switch', 'app', /in-process client may get another one/],
  ])('finds a flag of the switch in two of them, with %s', (_how, first, second, sentence) => {
    const found = validateFlagdFiles([file('a', own, first), file('b', checkout), file('c', own, second)]);
    expect(found.ok).toBe(false);
    expect(found.shared).toMatchObject([{ key: 'kill-switch.mode', severity: 'error', files: ['a', 'c'], wins: 'c' }]);
    expect(found.shared[0]?.message).toMatch(sentence);
  });

  test('warns of an ordinary flag in two of them, also where one is a list', () => {
    const list = { file: 'c', text: JSON.stringify({ flags: [{ key: 'checkout', ...checkout.checkout }] }) };
    const found = validateFlagdFiles([file('a', own), file('b', checkout), list]);
    expect(found).toMatchObject({ ok: true, shared: [{ key: 'checkout', severity: 'warning', wins: 'c' }] });
  });
});
