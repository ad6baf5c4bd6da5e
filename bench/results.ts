/** One number, as `npm run bench -- --json` prints it. */
export interface Result {
  /** What is divided by what. */
  readonly name: string;
  /** Of `value` and `floor`. */
  readonly unit: string;
  readonly value: number;
  /** What the same thing costs without this package, or without the load, measured in the same run. */
  readonly floor: number;
  /** Of the two, or the median of each round's own, where rounds of both were measured in turn. */
  readonly ratio: number;
  /** The most that `judged` may be. */
  readonly goal: number;
  readonly judged: 'ratio' | 'value';
  readonly met: boolean;
  /** What exactly was measured. */
  readonly how: string;
}

export interface Report {
  readonly machine: Readonly<Record<string, string | number>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly results: readonly Result[];
}

type Measured = Pick<Result, 'name' | 'unit' | 'value' | 'floor' | 'goal' | 'how'> & {
  readonly judged?: Result['judged'];
  readonly ratio?: number;
};

/** Puts a number beside its goal. */
export function result({ judged = 'ratio', goal, ...measured }: Measured): Result {
  const [value, floor] = [rounded(measured.value), rounded(measured.floor)];
  const ratio = rounded(measured.ratio ?? measured.value / measured.floor);
  return { ...measured, value, floor, ratio, goal, judged, met: (judged === 'ratio' ? ratio : value) <= goal };
}

/** Three significant digits: the next run would give others behind them. */
const rounded = (value: number): number => Number(value.toPrecision(3));

const text = (value: number): string => (value >= 1000 ? Math.round(value).toLocaleString('en') : String(value));

const goalOf = ({ goal, judged, unit }: Result): string =>
  judged === 'ratio' ? `≤ ${goal}` : `≤ ${text(goal)} ${unit}`;

/** A row a number: name, value, floor, ratio, goal, and whether it was met. */
const rowsOf = (results: readonly Result[]): string[][] => [
  ['number', 'measured', 'floor', 'ratio', 'goal', 'met'],
  ...results.map((one) => [
    one.name,
    `${text(one.value)} ${one.unit}`,
    `${text(one.floor)} ${one.unit}`,
    text(one.ratio),
    goalOf(one),
    one.met ? 'yes' : 'no',
  ]),
];

const machineLine = ({ machine, versions }: Report): string =>
  `${machine['cpu']}, ${machine['cores']} cores, ${machine['memory_gb']} GB, ${machine['os']}; ${Object.entries(
    versions,
  )
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')}`;

/** For a terminal. */
export function formatTable(report: Report): string {
  const rows = rowsOf(report.results);
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 || column === 5 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [machineLine(report), '', ...rows.map(line)].join('\n');
}

/** For a page. `day`: when it was measured. */
export function formatMarkdown(report: Report, day: string): string {
  const [header = [], ...rows] = rowsOf(report.results);
  const line = (row: readonly string[]): string => `| ${row.join(' | ')} |`;
  return [
    `Measured on ${day} on ${machineLine(report)}. Medians; a ratio is the median of each round's own where both were measured in turn.`,
    '',
    line(header),
    line(header.map((_, column) => (column === 0 || column === 5 ? '---' : '---:'))),
    ...rows.map(line),
  ].join('\n');
}
