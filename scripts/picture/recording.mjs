// What a run printed in a terminal, as lines with the moment at which each came.
import { spawn } from 'node:child_process';

/** @typedef {'plain' | 'title' | 'command'} Style */
/** @typedef {{ at: number, text: string, style: Style }} Line `at`: milliseconds since the start */
/** What stood in the last line for a while, before something took its place.
 * @typedef {{ at: number, row: number, text: string }} Passing `row`: how many lines stood above */
/** @typedef {{ lines: Line[], passing: Passing[] }} Recording */

/** @type {Record<string, Style>} */
const STYLES = { 1: 'title', 36: 'command' };
const LINE_START = '\r\u001b[2K';

/** Runs a command in a pseudo-terminal, to its end.
 * @param {string} command for `sh`
 * @param {number} columns
 * @returns {Promise<{ code: number | null, pieces: { at: number, text: string }[] }>} what it wrote, piece by piece */
export function record(command, columns) {
  return new Promise((resolve, reject) => {
    const env = { ...process.env };
    delete env.NO_COLOR;
    const inTerminal = `stty cols ${columns} rows 40; exec ${command}`;
    const child = spawn('script', ['-qec', inTerminal, '/dev/null'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const started = performance.now();
    /** @type {{ at: number, text: string }[]} */
    const pieces = [];
    child.stdout.setEncoding('utf8').on('data', (text) => pieces.push({ at: performance.now() - started, text }));
    child.once('error', reject).once('close', (code) => resolve({ code, pieces }));
  });
}

/** @param {readonly { at: number, text: string }[]} pieces
 * @returns {Recording} */
export function readRecording(pieces) {
  /** @type {Line[]} */
  const lines = [];
  /** @type {Passing[]} */
  const passing = [];
  let line = '';
  for (const { at, text } of pieces) {
    for (const part of text.split(/(\n)/)) {
      if (part === '\n') {
        lines.push({ at, ...styled(line.slice(line.lastIndexOf(LINE_START) + 1)) });
        line = '';
      } else line += part;
    }
    const shown = styled(line.slice(line.lastIndexOf(LINE_START) + 1)).text;
    if (shown !== '' && shown !== passing.at(-1)?.text) passing.push({ at, row: lines.length, text: shown });
  }
  return { lines, passing };
}

/** @param {string} raw */
function styled(raw) {
  // biome-ignore format: one pattern
  const code = /\u001b\[(\d+)m/.exec(raw)?.[1] ?? '';
  const text = raw.replace(/\u001b\[\d*[mK]|\r/g, '').trimEnd();
  return { text, style: STYLES[code] ?? /** @type {Style} */ ('plain') };
}

/** A recording whose pauses are no longer than this.
 * @param {Recording} recording
 * @param {number} longest in milliseconds
 * @returns {Recording} */
export function hurried({ lines, passing }, longest) {
  const moments = [...new Set([...lines, ...passing].map(({ at }) => at))].sort((a, b) => a - b);
  let cut = 0;
  let before = 0;
  const moved = new Map(
    moments.map((at) => {
      cut += Math.max(0, at - before - longest);
      before = at;
      return [at, at - cut];
    }),
  );
  const move = (/** @type {{ at: number }} */ { at }) => ({ at: moved.get(at) ?? at });
  return {
    lines: lines.map((line) => ({ ...line, ...move(line) })),
    passing: passing.map((one) => ({ ...one, ...move(one) })),
  };
}
