import { VERBS } from './verbs.ts';

const words = [...new Set(VERBS.map(({ name }) => name.split(' ')[0]))].join('|');
/** A command line in a sentence, up to the next one or to the end of the line. */
const COMMAND = new RegExp(String.raw`(?<![\w/.@-])kill-switch (?=(?:${words})\b)((?:(?!kill-switch )[^\n])*)`, 'g');

/**
 * Adds the options of `Where.reach` to each command line in a sentence of ours: pasted without them it would act on
 * another switch.
 */
export function withReach(sentence: string, reach: readonly string[]): string {
  if (reach.length === 0) return sentence;
  return sentence.replace(COMMAND, (all, rest: string) =>
    /--store|--help/.test(rest) ? all : `kill-switch ${reach.join(' ')} ${rest}`,
  );
}
