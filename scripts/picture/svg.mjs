// A recording as a moving picture: one SVG that needs no script, no font and no host. All lines stand in one column,
// which is pushed up as in a terminal; a curtain hides those that have not come yet, and goes down line by line.

const CHARACTER = 8.4;
const ROW = 20;
const EDGE = 16;
const REST_MS = 5000;

/** @param {import('./recording.mjs').Recording} recording
 * @param {{ columns: number, rows: number, title: string }} options
 * @returns {string} */
export function picture(recording, { columns, rows, title }) {
  const width = Math.ceil(columns * CHARACTER) + 2 * EDGE;
  const height = rows * ROW + 2 * EDGE;
  const lines = recording.lines.flatMap((line, row) => wrapped(line, columns).map((part) => ({ ...part, row })));
  const passing = thinned(recording.passing, 500).map((one) => ({ ...one, text: one.text.slice(0, columns) }));
  const total = (lines.at(-1)?.at ?? 0) + REST_MS;
  /** How many of the lines that are shown stand above a line of the recording.
   * @param {number} row */
  const above = (row) => lines.filter((line) => line.row < row).length;

  const scroll = (/** @type {number} */ shown) => -Math.max(0, shown + 1 - rows) * ROW;
  /** @type {[at: number, y: number][]} */
  const curtain = [[0, 0]];
  /** @type {[at: number, y: number][]} */
  const column = [[0, 0]];
  lines.forEach(({ at }, index) => {
    curtain.push([at, (index + 1) * ROW]);
    column.push([at, scroll(index + 1)]);
  });
  /** @type {[at: number, y: number][]} */
  const strip = [[0, ROW]];
  passing.forEach(({ at, row }, index) => {
    strip.push([at, -index * ROW]);
    const next = lines[above(row)]; // the line that takes its place
    if (next && next.at < (passing[index + 1]?.at ?? total)) strip.push([next.at, ROW]);
  });
  const end = lines.length;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" xml:space="preserve" role="img" aria-label="${escaped(title)}">
<title>${escaped(title)}</title>
<style>
svg{--paper:#fff;--ink:#24292f;--title:#0550ae;--command:#116329;--passing:#6e7781;--edge:#d0d7de}
@media(prefers-color-scheme:dark){svg{--paper:#0d1117;--ink:#c9d1d9;--title:#79c0ff;--command:#7ee787;--passing:#8b949e;--edge:#30363d}}
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:var(--ink);white-space:pre}
.title{font-weight:bold;fill:var(--title)}.command{fill:var(--command)}.passing{fill:var(--passing)}
.paper{fill:var(--paper)}.frame{fill:var(--paper);stroke:var(--edge)}
#column{transform:translateY(${scroll(end)}px)}#curtain{transform:translateY(${end * ROW}px)}#strip{transform:translateY(${ROW}px)}
@media(prefers-reduced-motion:no-preference){
#column{animation:column ${seconds(total)} step-end infinite}#curtain{animation:curtain ${seconds(total)} step-end infinite}#strip{animation:strip ${seconds(total)} step-end infinite}}
@keyframes column{${keyframes(column, total)}}
@keyframes curtain{${keyframes(curtain, total)}}
@keyframes strip{${keyframes(strip, total)}}
</style>
<rect class="frame" x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="8"/>
<svg x="${EDGE}" y="${EDGE}" width="${width - 2 * EDGE}" height="${rows * ROW}"><g id="column">
${lines.map(({ text, style, more }, index) => textAt(text, index, style, more)).join('')}
<g id="curtain"><rect class="paper" width="${width}" height="${rows * ROW}"/><svg width="${width}" height="${ROW}"><g id="strip">
${passing.map(({ text }, index) => textAt(text, index, 'passing')).join('')}
</g></svg></g></g></svg></svg>
`;
}

/** The lines of a picture, as they were recorded, but without indents and empty lines.
 * @param {string} svg
 * @returns {string[]} */
export function linesOf(svg) {
  /** @type {string[]} */
  const lines = [];
  for (const [, attributes = '', text = ''] of svg.matchAll(/<text([^>]*)>([^<]*)<\/text>/g)) {
    if (attributes.includes('class="passing"')) continue;
    const indent = /data-indent="(\d+)"/.exec(attributes)?.[1];
    if (indent === undefined) lines.push(plain(text));
    else lines.push(`${lines.pop() ?? ''}${' '.repeat(Number(indent))}${plain(text)}`);
  }
  return lines;
}

/** As a terminal breaks it: after so many characters.
 * @param {import('./recording.mjs').Line} line
 * @param {number} columns */
function wrapped({ at, text, style }, columns) {
  const parts = text.match(new RegExp(`.{1,${columns}}`, 'gu')) ?? [''];
  return parts.map((part, index) => ({ at, text: part, style, more: index > 0 }));
}

/** At most one in this time, and the last before each line.
 * @param {readonly import('./recording.mjs').Passing[]} passing
 * @param {number} ms */
function thinned(passing, ms) {
  let last = Number.NEGATIVE_INFINITY;
  return passing.filter(({ at, row }, index) => {
    const isKept = at - last >= ms || passing[index + 1]?.row !== row;
    if (isKept) last = at;
    return isKept;
  });
}

/** @param {string} text
 * @param {number} index of its row
 * @param {'plain' | 'title' | 'command' | 'passing'} style
 * @param {boolean} more it goes on where the row above ended
 * @returns {string} */
function textAt(text, index, style, more = false) {
  if (text.trim() === '') return '';
  const indent = text.length - text.trimStart().length;
  const words = text.trim();
  const x = indent === 0 ? '' : ` x="${number(indent * CHARACTER)}"`;
  const kind = style === 'plain' ? '' : ` class="${style}"`;
  // Whatever font there is, a column is as wide as here.
  const long = ` textLength="${number(words.length * CHARACTER)}"`;
  return `<text${x} y="${index * ROW + 15}"${long}${kind}${more ? ` data-indent="${indent}"` : ''}>${escaped(words)}</text>`;
}

/** Where it stands from each moment on: only changes are named.
 * @param {readonly [at: number, y: number][]} steps
 * @param {number} total */
function keyframes(steps, total) {
  /** @type {Map<string, number>} */
  const frames = new Map();
  for (const [at, y] of steps) frames.set(number((100 * at) / total, 2), y);
  let before = Number.NaN;
  const changes = [...frames].filter(([, y]) => {
    const isChange = y !== before;
    before = y;
    return isChange;
  });
  return changes.map(([percent, y]) => `${percent}%{transform:translateY(${y}px)}`).join('');
}

/** @param {number} value
 * @param {number} digits */
const number = (value, digits = 1) => String(Number(value.toFixed(digits)));

/** @param {number} ms */
const seconds = (ms) => `${number(ms / 1000)}s`;

/** @param {string} text */
const escaped = (text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** @param {string} text */
const plain = (text) =>
  text.replaceAll('&quot;', '"').replaceAll('&gt;', '>').replaceAll('&lt;', '<').replaceAll('&amp;', '&');
