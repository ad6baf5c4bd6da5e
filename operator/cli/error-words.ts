import { isKillSwitchError, messageOf, quoteId } from '../../flags/index.ts';
import { redactForms } from '../../flags/secret-texts.ts';
import { RefusedError, refusalText } from '../refusals.ts';
import { CommandError } from './command-error.ts';
import type { Io } from './io.ts';

/** What came from outside: only that may be a secret in an error of ours. */
export type Entered = Pick<Io, 'argv' | 'env'>;

/**
 * The text of an error. A refusal is put into words for somebody who types commands. An error of ours speaks of
 * passwords and keys: only what came from outside may be one there. Without `entered` whatever looks like one is
 * redacted.
 */
export function wordsOf(error: unknown, entered?: Entered): string {
  if (error instanceof RefusedError) return refusalText(error.refusal, 'command');
  const isOurs = isKillSwitchError(error) || error instanceof CommandError;
  return isOurs && entered ? redactForms(withoutEntered(error.message, entered)) : messageOf(error);
}

/** Redacts what was typed or exported, in the forms in which a sentence quotes it. */
function withoutEntered(text: string, { argv, env }: Entered): string {
  const exported = Object.entries(env).flatMap(([name, value]) => (name.startsWith('KILL_SWITCH_') ? [value] : []));
  // The whole word and, of `--option=value`, the value.
  const words = [...argv, ...exported].flatMap((word = '') => [word, word.replace(/^--[\w-]+=/, '')]);
  return words.reduce((said, word) => {
    const clean = messageOf(word);
    if (clean === word || word === '') return said;
    return [word, quoteId(word).slice(1, -1)].reduce((each, form) => each.replaceAll(form, () => clean), said);
  }, text);
}
