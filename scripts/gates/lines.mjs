import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';

/** The formatter wraps code at this width, but no comments. */
const WIDTH = 120;

/** Lines that are too long. One text, template or regular expression may go past the end, with the few characters that
 * close it: cut into pieces it could not be searched for.
 * @param {string} folder
 * @param {readonly string[]} files
 * @returns {string[]} a problem each */
export const longLines = (folder, files) =>
  files.flatMap((file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    const lines = text.split('\n');
    if (!lines.some((line) => widthOf(line) > WIDTH)) return [];
    const literals = literalsOf(file, text);
    let start = 0;
    return lines.flatMap((line, index) => {
      const end = start + line.length;
      const edge = start + [...line].slice(0, WIDTH).join('').length;
      const isOneLiteral = literals.some(
        (literal) =>
          literal.start < edge &&
          literal.end > start &&
          /^(?!.*\/\/).{0,30}$/.test(text.slice(literal.end, Math.max(literal.end, end))),
      );
      start = end + 1;
      return widthOf(line) <= WIDTH || isOneLiteral
        ? []
        : [`${file}:${index + 1} has ${widthOf(line)} characters; a line, also of a comment, has at most ${WIDTH}.`];
    });
  });

/** @param {string} line */
const widthOf = (line) => [...line].length;

/** @param {string} file
 * @param {string} text */
function literalsOf(file, text) {
  /** @type {{ start: number, end: number }[]} */
  const literals = [];
  const add = (/** @type {{ start: number, end: number }} */ { start, end }) => literals.push({ start, end });
  new Visitor({ Literal: add, TemplateLiteral: add }).visit(parseSync(file, text).program);
  return literals;
}
