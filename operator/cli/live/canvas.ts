import type { LiveTerminal } from '../io.ts';
import { type Line, written } from '../text.ts';

// A terminal that knows this shows what stands between the two at once; any other passes over it.
const [BEGIN, END] = ['\u001b[?2026h', '\u001b[?2026l'];

/** Draws frames on a terminal: only the lines that differ from the last frame, in one write. */
export class Canvas {
  readonly #terminal: Pick<LiveTerminal, 'write'>;
  readonly #colours: boolean;
  #shown: readonly string[] | null = null;

  constructor(terminal: Pick<LiveTerminal, 'write'>, colours: boolean) {
    this.#terminal = terminal;
    this.#colours = colours;
  }

  /** What is on the screen is not what was drawn: the next frame is drawn whole. */
  forget(): void {
    this.#shown = null;
  }

  /** @param frame one line for each row of the terminal at most, none of them wider than it is */
  draw(frame: readonly Line[]): void {
    const lines = frame.map((line) => written([line], this.#colours));
    const before = this.#shown;
    const rows = Math.max(lines.length, before?.length ?? 0);
    const changed = Array.from({ length: rows }, (_, at) => at).filter((at) => lines[at] !== before?.[at]);
    this.#shown = lines;
    if (before !== null && changed.length === 0) return;
    const drawn = changed.map((at) => `\u001b[${at + 1};1H${lines[at] ?? ''}\u001b[K`);
    this.#terminal.write(`${BEGIN}${before === null ? '\u001b[2J' : ''}${drawn.join('')}${END}`);
  }
}
