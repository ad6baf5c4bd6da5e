import { styleText } from 'node:util';
import { printable } from '../../flags/index.ts';

/** What stands out: `alarm` for what has stopped or cannot be seen, `heed` for what is limited or on its way. */
export type Style = 'alarm' | 'heed';

export interface Span {
  readonly text: string;
  readonly style: Style;
}

/** One line for people. Colours stand beside the text, so that whatever is in the text can be escaped. */
export type Line = string | readonly (string | Span)[];

const COLOURS = { alarm: 'red', heed: 'yellow' } as const satisfies Record<Style, string>;

/**
 * The text of lines, without a character that could control a terminal, in case a verb has forgotten to escape it; with
 * colours if there are to be any.
 */
export const written = (text: string | readonly Line[], colours: boolean): string =>
  (typeof text === 'string' ? text.split('\n') : text).map((line) => writtenLine(line, colours)).join('\n');

const writtenLine = (line: Line, colours: boolean): string =>
  typeof line === 'string'
    ? printable(line)
    : line
        .map((part) => {
          if (typeof part === 'string') return printable(part);
          const text = printable(part.text);
          return colours ? styleText(COLOURS[part.style], text, { validateStream: false }) : text;
        })
        .join('');
