import { printable } from '../../flags/index.ts';
import type { DrillAnswer } from './records.ts';

const ESCAPED: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * What stands in the page as text: executors name themselves, and may write anything, also characters that reverse the
 * order of text.
 */
const text = (value: unknown): string => printable(String(value)).replace(/[&<>"']/g, (each) => ESCAPED[each] ?? '');

const row = (cells: readonly unknown[], tag = 'td'): string =>
  `<tr>${cells.map((cell) => `<${tag}>${text(cell)}</${tag}>`).join('')}</tr>`;

const list = (title: string, items: readonly string[]): string =>
  items.length === 0 ? '' : `<h2>${text(title)}</h2><ul>${items.map((each) => `<li>${text(each)}</li>`).join('')}</ul>`;

const [WIDTH, ROW, LABEL] = [900, 22, 170] as const;

/** How many executors the timeline has: those that were slowest. */
const DRAWN = 60;

interface Bar {
  readonly label: string;
  readonly from: number;
  readonly until: number;
  readonly is: 'phase' | 'slow' | 'good' | 'bad';
  readonly says: string;
}

function barsOf({ phases, executors, pressed_ms, window_ms }: DrillAnswer, end: number): readonly Bar[] {
  const pressed = pressed_ms ?? 0;
  return [
    ...phases.map(
      ({ name, at_ms, ms }): Bar => ({ label: name, from: at_ms, until: at_ms + ms, is: 'phase', says: `${ms} ms` }),
    ),
    ...executors.slice(0, DRAWN).map(({ name, acknowledged_ms, drained_ms, late_starts }): Bar => {
      const isBad = acknowledged_ms === null || late_starts > 0;
      const until = acknowledged_ms === null ? end : pressed + (drained_ms ?? acknowledged_ms);
      const says =
        acknowledged_ms === null ? 'not acknowledged' : `${acknowledged_ms} ms, drained ${drained_ms ?? '-'} ms`;
      const is = isBad ? 'bad' : (acknowledged_ms ?? 0) > window_ms / 2 ? 'slow' : 'good';
      return { label: name, from: pressed, until, is, says: `${says}, ${late_starts} late` };
    }),
  ];
}

/** Phases and executors over time; the line is the end of the window. */
function timeline(drill: DrillAnswer): string {
  const ends = drill.phases.map(({ at_ms, ms }) => at_ms + ms);
  const deadline = drill.pressed_ms === null ? 0 : drill.pressed_ms + drill.window_ms;
  const end = Math.max(1, ...ends);
  const bars = barsOf(drill, end);
  const x = (ms: number): number => LABEL + Math.min(1, ms / end) * (WIDTH - LABEL - 10);
  const height = bars.length * ROW + 30;
  const drawn = bars.map(({ label, from, until, is, says }, at) => {
    const y = at * ROW + 4;
    return `<text x="0" y="${y + 13}">${text(label.slice(0, 24))}</text><rect class="${is}" x="${x(from).toFixed(1)}" y="${y}" width="${Math.max(2, x(until) - x(from)).toFixed(1)}" height="${ROW - 6}" rx="2"><title>${text(label)}: ${text(says)}</title></rect>`;
  });
  const line =
    deadline > 0 && deadline <= end
      ? `<line x1="${x(deadline).toFixed(1)}" x2="${x(deadline).toFixed(1)}" y1="0" y2="${height - 20}"/>`
      : '';
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Timeline of the drill">${drawn.join('')}${line}<text x="${LABEL}" y="${height - 4}">0</text><text x="${WIDTH - 10}" y="${height - 4}" text-anchor="end">${end} ms</text></svg>`;
}

const STYLE = `:root{color-scheme:light dark;--fg:#1b1f24;--bg:#fff;--soft:#d0d7de;--good:#2da44e;--slow:#bf8700;--bad:#cf222e;--phase:#0969da}
@media (prefers-color-scheme:dark){:root{--fg:#e6edf3;--bg:#0d1117;--soft:#30363d;--good:#3fb950;--slow:#d29922;--bad:#f85149;--phase:#58a6ff}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:960px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem}.passed{color:var(--good)}.failed,.abandoned{color:var(--bad)}
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid var(--soft);padding:.2rem .6rem;text-align:left}
svg{width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:var(--fg)}line{stroke:var(--bad);stroke-dasharray:4 3}
.good{fill:var(--good)}.slow{fill:var(--slow)}.bad{fill:var(--bad)}.phase{fill:var(--phase)}`;

const orNo = (value: number | null): string => (value === null ? 'no' : `${value} ms`);

/** The report of a drill as one page: it loads nothing, runs nothing, and every text in it is escaped. */
export function drillPage(drill: DrillAnswer): string {
  const { id, kind, state, target, window_ms, executors, baseline, canary, before } = drill;
  const facts: readonly (readonly [string, unknown])[] = [
    ['Target', target],
    ['Window', `${window_ms} ms`],
    ['Asked by', `${drill.by}, ${drill.at}`],
    ['Took', orNo(drill.elapsed_ms)],
    ['Slowest executor', orNo(drill.slowest_ms)],
    [
      'Work before',
      `${baseline.starts} started, ${baseline.in_flight} in flight, ${baseline.interventions} other calls`,
    ],
    [
      'Own work',
      canary === null ? 'none' : `${canary.landed} done, ${canary.refused} refused, ${canary.reversed} undone`,
    ],
    ['Restored', orNo(drill.restored_ms)],
    ['Times may be wrong by', `${drill.error_ms} ms`],
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Drill ${text(id)}: ${text(state)}</title><style>${STYLE}</style></head><body>
<h1>Drill ${text(kind)}: <span class="${text(state)}">${text(state)}</span></h1><p>${text(id)}</p>
<table>${facts.map((each) => row(each)).join('')}</table>
${list('What failed', drill.findings)}${list('What stays stopped', drill.stands)}${list('Notes', drill.notes)}
<h2>Timeline</h2>${timeline(drill)}
<h2>Executors</h2><table>${row(['Executor', 'Acknowledged', 'Drained', 'Late starts', 'Refused'], 'th')}${executors
    .map((each) => row([each.name, orNo(each.acknowledged_ms), orNo(each.drained_ms), each.late_starts, each.refused]))
    .join('')}</table>${drill.more_executors > 0 ? `<p>And ${drill.more_executors} more.</p>` : ''}
<h2>Before</h2><table>${row(['At', 'State', 'Slowest', 'Late starts', 'Findings'], 'th')}${before
    .map((each) => row([each.at, each.state, orNo(each.slowest_ms), each.late_starts, each.finding_count]))
    .join('')}</table>
</body></html>
`;
}
