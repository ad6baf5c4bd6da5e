import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatAge, parseSince } from '../../../operator/cli/duration.ts';
import { type Column, type Form, tableLines } from '../../../operator/cli/table.ts';
import { executorColumns, killColumns } from '../../../operator/cli/tables.ts';
import { written } from '../../../operator/cli/text.ts';
import { cut, share, width } from '../../../operator/cli/width.ts';
import type { ExecutorAcknowledgement } from '../../../operator/index.ts';

const FAMILY = '👩‍👩‍👧';
const FLAG = '🇩🇪';
const E_ACUTE = 'e\u0301';

describe('a text in a terminal', () => {
  test.each([
    ['agent', 5],
    ['日本語', 6],
    ['한국', 4],
    [`caf${E_ACUTE}`, 4],
    ['ก็', 1],
    [FAMILY, 2],
    [FLAG, 2],
    ['…', 1],
    ['', 0],
  ])('%s takes %i columns', (text, columns) => expect(width(text)).toBe(columns));

  test.each([
    ['returns-bot', 11, 'returns-bot'],
    ['returns-bot', 8, 'returns…'],
    ['日本語日本語', 7, '日本語…'],
    ['日本語日本語', 6, '日本…'],
    [`${E_ACUTE}${E_ACUTE}${E_ACUTE}`, 2, `${E_ACUTE}…`],
    [`${FLAG}${FLAG}`, 3, `${FLAG}…`],
    [`${FAMILY}${FAMILY}`, 3, `${FAMILY}…`],
    ['abc', 1, '…'],
  ])('%s in %i columns is %s', (text, columns, shown) => expect(cut(text, columns)).toBe(shown));

  test('keeps both ends of an id', () => {
    expect(cut('agent:production-cluster-eu-0042', 16, 'middle')).toBe('agent:prod…-0042');
    expect(cut('日本語日本語日本語', 9, 'middle')).toBe('日本語…語');
  });

  test('is never wider than it may be, and whole characters of it are kept in their order', () => {
    const characters = fc.constantFrom('a', 'é', '日', E_ACUTE, FLAG, FAMILY, '한', ' ', '-');
    const texts = fc.array(characters, { maxLength: 60 }).map((all) => all.join(''));
    const places = fc.constantFrom<'end' | 'middle'>('end', 'middle');
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 40 }), places, (text, columns, where) => {
        const shown = cut(text, columns, where);
        expect(width(shown)).toBeLessThanOrEqual(columns);
        if (width(text) <= columns) expect(shown).toBe(text);
        else {
          const [begin = '', end = ''] = shown.split('…');
          expect(text.startsWith(begin) && text.endsWith(end)).toBe(true);
        }
      }),
    );
  });
});

describe('columns that share a line', () => {
  test('get what they need where there is room; else the widest give way first', () => {
    expect(share(40, [5, 10, 20], [5, 8, 8])).toEqual([5, 10, 20]);
    expect(share(30, [5, 10, 20], [5, 8, 8])).toEqual([5, 10, 15]);
    expect(share(24, [5, 10, 20], [5, 8, 8])).toEqual([5, 10, 9]);
    expect(share(4, [5, 10, 20], [5, 8, 8])).toEqual([5, 8, 8]);
  });

  test('never get more than there is, unless they need that at least', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 600 }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 300 }), (natural, columns) => {
        const least = natural.map((each) => Math.min(8, each));
        const widths = share(columns, natural, least);
        const sum = widths.reduce((total, each) => total + each, 0);
        const needed = least.reduce((total, each) => total + each, 0);
        expect(sum).toBeLessThanOrEqual(Math.max(columns, needed));
        widths.forEach((each, at) => {
          expect(each).toBeLessThanOrEqual(natural[at] ?? 0);
          expect(each).toBeGreaterThanOrEqual(least[at] ?? 0);
        });
      }),
    );
  });
});

interface Row {
  readonly id: string;
  readonly mode: string;
  readonly reason: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { heading: 'MODE', cell: ({ mode }) => ({ ready: mode, style: 'alarm' }), fixed: true },
  { heading: 'TARGET', cell: ({ id }) => id },
  { heading: 'REASON', cell: ({ reason }) => ({ ready: reason, brief: `~${reason}` }) },
  { heading: 'MORE', cell: () => 'x', wide: true },
];
const shown = (rows: readonly Row[], form: Form, colours = false): string[] =>
  written(tableLines(COLUMNS, rows, form), colours).split('\n');
const onScreen = (columns: number): Form => ({ columns, wide: false });

describe('a table', () => {
  const row: Row = { id: 'agent:bot', mode: 'full_stop', reason: 'wrong refunds' };
  const LONG = `agent:${'long-'.repeat(60)}042`;

  test('is whole in a pipe, and with further columns in the wide form', () => {
    expect(shown([row], { columns: null, wide: false })).toEqual([
      'MODE       TARGET     REASON',
      'full_stop  agent:bot  wrong refunds',
    ]);
    for (const columns of [null, 20])
      expect(shown([row], { columns, wide: true })).toEqual([
        'MODE       TARGET     REASON         MORE',
        'full_stop  agent:bot  wrong refunds  x',
      ]);
  });

  test('fits into the terminal, where its brief texts stand', () => {
    expect(shown([row], onScreen(80))[1]).toBe('full_stop  agent:bot  ~wrong refunds');
    expect(shown([row, { ...row, id: LONG }], onScreen(60))).toEqual([
      'MODE       TARGET                             REASON',
      'full_stop  agent:bot                          ~wrong refunds',
      'full_stop  agent:long-long-long-l…g-long-042  ~wrong refunds',
    ]);
  });

  test('cuts first what gives way', () => {
    const columns: readonly Column<Row>[] = [
      { heading: 'REASON', cell: ({ reason }) => ({ ready: reason }), gives: true },
      { heading: 'TARGET', cell: ({ id }) => id },
    ];
    const given = { ...row, id: 'agent:returns-bot-of-europe', reason: 'wrong refunds, all of them' };
    const lineIn = (room: number) => written(tableLines(columns, [given], onScreen(room)), false).split('\n')[1];
    expect(lineIn(60)).toBe('wrong refunds, all of them  agent:returns-bot-of-europe');
    expect(lineIn(48)).toBe('wrong refunds, all…  agent:returns-bot-of-europe');
    expect(lineIn(36)).toBe('wrong refunds, …  agent:return…urope');
    expect(lineIn(24)).toBe('wrong refu…  agent:r…ope');
  });

  test.each([1, 5, 12, 20, 40, 79, 200])('is never wider than a terminal of %i columns', (columns) => {
    const ids = [LONG, 'agent:日本語日本語日本語日本語', `agent:${FLAG.repeat(20)}`, 'a', `agent:${'한'.repeat(150)}`];
    const rows = ids.map((id) => ({ ...row, id, reason: `"${id}"` }));
    for (const line of shown(rows, onScreen(columns))) expect(width(line)).toBeLessThanOrEqual(columns);
  });

  test('a long id does not push the columns of the other rows aside', () => {
    const lines = shown([row, { ...row, id: LONG }], { columns: null, wide: false });
    expect(lines[1]).toBe(`full_stop  ${'agent:bot'.padEnd(40)}  wrong refunds`);
    expect(lines[2]).toBe(`full_stop  ${LONG}  wrong refunds`);
  });

  test('may have any number of rows', () => {
    const rows = Array.from({ length: 200_000 }, () => row);
    expect(tableLines(COLUMNS, rows, { columns: null, wide: false })).toHaveLength(200_001);
  });

  test('has colours only where they are wanted, and no control character of what it shows', () => {
    const evil = { ...row, id: 'agent:\u001b[31mred\u009b', mode: 'full_stop\u001b[2J' };
    expect(shown([evil], onScreen(100)).join('')).not.toMatch(/[\u001b\u009b]/);
    const [heading, line = ''] = shown([evil], onScreen(100), true);
    expect(heading).not.toContain('\u001b');
    expect(line.match(/[\u001b\u009b][^m]*m?/g)).toEqual(['\u001b[31m', '\u001b[39m']);
    expect(line).toContain('\u001b[31mfull_stop\\u001b[2J\u001b[39m');
  });
});

describe('the columns of the lists', () => {
  const executor = (id: string): ExecutorAcknowledgement => ({
    id,
    name: 'mailer',
    host: 'h',
    pid: 1,
    epoch: 1,
    in_flight: 0,
    draining: 0,
    work: [],
    unnamed: 0,
    lease_ms: 5000,
    over: false,
    state: 'silent',
    age_ms: 185_000,
    writer: 'uid 7',
  });
  const ids = (given: readonly string[], form: Form): string[] => {
    const executors = given.map(executor);
    const lines = written(tableLines(executorColumns(executors), executors, form), false).split('\n');
    return lines.slice(1).map((line) => line.split(/ {2,}/).at(form.wide ? -2 : -1) ?? '');
  };
  const ONE = '1a2b3c4d-0000-4000-8000-000000000001';
  const LIKE_ONE = '1a2b3c4d-0009-4000-8000-000000000001';
  const OTHER = '9a2b3c4d-0000-4000-8000-000000000001';

  test('show as much of generated ids as tells them apart, and others whole', () => {
    expect(ids([ONE, OTHER], onScreen(200))).toEqual(['1a2b3c4d', '9a2b3c4d']);
    expect(ids([ONE, LIKE_ONE], onScreen(200))).toEqual(['1a2b3c4d-0000', '1a2b3c4d-0009']);
    expect(ids([ONE, 'executor-of-somebody-else'], onScreen(200))).toEqual(['1a2b3c4d', 'executor-of-somebody-else']);
    expect(ids([ONE, ONE], { columns: null, wide: false })).toEqual([ONE, ONE]);
    expect(ids([ONE], { columns: 80, wide: true })).toEqual([ONE]);
  });

  test('show ages on a terminal, and times where nothing is cut', () => {
    const at = Date.parse('2026-01-01T12:00:00Z');
    const kill = (expires_at: string | null, overdue?: true) => ({
      id: 'k',
      organization_id: 'default',
      target: 'agent:bot',
      target_type: 'agent',
      target_id: 'bot',
      mode: 'full_stop' as const,
      reason: null,
      is_active: true,
      killed_by: 'unverified:dana',
      killed_at: '2026-01-01T11:57:00Z',
      expires_at,
      revived_by: null,
      revived_at: null,
      revive_reason: null,
      overdue,
    });
    const rows = [kill(null), kill('2026-01-01T14:30:00Z'), kill('2026-01-01T11:59:00Z', true)];
    const columns = killColumns({ advice: (sentence) => sentence }, at);
    const lines = (form: Form) =>
      written(tableLines(columns, rows, form), false)
        .split('\n')
        .slice(1);
    expect(lines(onScreen(100))).toEqual([
      'full_stop  agent:bot  3m     -        unverified:dana  -',
      'full_stop  agent:bot  3m     in 2h    unverified:dana  -',
      'full_stop  agent:bot  3m     overdue  unverified:dana  -',
    ]);
    expect(lines({ columns: null, wide: false })[1]).toContain('  2026-01-01T11:57:00Z  2026-01-01T14:30:00Z ');
    expect(lines({ columns: 40, wide: true })[2]).toContain('2026-01-01T11:59:00Z, past its end: holds until');
  });
});

test.each([
  [-5000, '0s'],
  [0, '0s'],
  [119_999, '119s'],
  [120_000, '2m'],
  [7_199_000, '119m'],
  [7_200_000, '2h'],
  [47 * 3_600_000, '47h'],
  [48 * 3_600_000, '2d'],
  [400 * 86_400_000, '400d'],
])('an age of %i ms is %s', (ms, shownAs) => expect(formatAge(ms)).toBe(shownAs));

test('--since takes how long ago it was, or a time with its zone', () => {
  const now = Date.parse('2026-01-01T12:00:00Z');
  expect(parseSince('2h', now).toISOString()).toBe('2026-01-01T10:00:00.000Z');
  expect(parseSince('0', now).getTime()).toBe(now);
  expect(parseSince('2026-01-01T13:00:00+02:00', now).toISOString()).toBe('2026-01-01T11:00:00.000Z');
  for (const text of ['yesterday', '-2h', '2', '2026-01-01', '2026-01-01T13:00:00', '', '2h ago'])
    expect(() => parseSince(text, now), text).toThrow(/is not a (time|duration)/);
});
