import { Big } from 'big.js';
import { decimalOf } from '../../flags/decimal.ts';
import { invalid, messageOf, quoteId } from '../../flags/index.ts';

/**
 * The value of a JSON text that was typed or written for this switch. What reading would change without a word is
 * refused: a number that becomes another one, -0, and all but the last of several members of one name. What is recorded
 * is then what was written.
 * @throws KillSwitchError INVALID_ARGUMENT, whose message goes on after "… is not taken:"
 */
export function parseExactJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(syntaxProblem(error, text));
  }
  const problem = changedBy(text);
  if (problem !== null) throw invalid(problem);
  return value;
}

/** What is no JSON, in words of our own: the runtime's quote the text, in which secrets may be. */
function syntaxProblem(error: unknown, text: string): string {
  const message = error instanceof Error ? error.message : messageOf(error);
  const [, at] = /at position (\d+)/.exec(message) ?? [];
  const [, token] = /Unexpected token '?(.)'?[,\s]/su.exec(message) ?? [];
  const what = token === undefined ? '' : `, with an unexpected ${quoteId(token)}`;
  if (at !== undefined) {
    const lines = text.slice(0, Number(at)).split('\n');
    return `it is no JSON${what}, at line ${lines.length}, column ${(lines.at(-1) ?? '').length + 1}`;
  }
  return message.includes('end of') ? 'it is no JSON: it ends too early' : `it is no JSON${what}`;
}

/** A text, a number, or a mark that begins, ends or divides; of a text that is JSON. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|[{}[\],]/g;

/** What reading this JSON changes without a word; null for nothing. */
function changedBy(text: string): string | null {
  /** The names of each object that is open; null for a list. */
  const open: Array<Set<string> | null> = [];
  let isName = false;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{' || token === '[') open.push(token === '{' ? new Set() : null);
    else if (token === '}' || token === ']') open.pop();
    else if (token.startsWith('"')) {
      const names = open.at(-1);
      if (isName && names) {
        const name: string = JSON.parse(token);
        if (names.has(name)) return `it has the member ${quoteId(name)} twice, of which only the last would count`;
        names.add(name);
      }
    } else if (token !== ',') {
      const problem = numberProblem(token);
      if (problem !== null) return problem;
    }
    isName = token === '{' || (token === ',' && open.at(-1) !== null);
  }
  return null;
}

function numberProblem(token: string): string | null {
  const value = Number(token);
  if (Object.is(value, -0)) return `it has the number ${quoted(token)}, which would become 0: give 0`;
  if (Number.isFinite(value) && decimalOf(value).eq(exactly(token))) return null;
  return `it has the number ${quoted(token)}, which would become ${value}: give that, or give it as a text`;
}

const quoted = (token: string): string => quoteId(token).slice(1, -1);

/** Beyond the library's exponents nothing is what a number keeps. */
function exactly(token: string): Big | string {
  try {
    return new Big(token);
  } catch {
    return '-1';
  }
}
