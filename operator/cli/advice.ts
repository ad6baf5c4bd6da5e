import { shellWord } from '../../flags/index.ts';
import { parseStoreUrl } from './store-url.ts';
import { VERBS } from './verbs.ts';

/** The options that were typed to reach the switch, without the environment. */
export interface Typed {
  readonly store?: string | undefined;
  readonly organization?: string | undefined;
}

const words = [...new Set(VERBS.map(({ name }) => name.split(' ')[0]))].join('|');
/** A command line in a sentence, up to the next one or to the end of the line. */
const COMMAND = new RegExp(String.raw`(?<![\w/.@-])kill-switch (?=(?:${words})\b)((?:(?!kill-switch )[^\n])*)`, 'g');

/**
 * Adds the typed `--store` and `--organization` to each command line in a sentence of ours: pasted without them it
 * would act on another switch. A URL with a password is not repeated.
 */
export function withReach(sentence: string, { store, organization }: Typed): string {
  const reach = [
    ...(store === undefined ? [] : [`--store ${isFitToShow(store) ? shellWord(store) : '…'}`]),
    ...(organization === undefined ? [] : [`--organization ${shellWord(organization)}`]),
  ];
  if (reach.length === 0) return sentence;
  return sentence.replace(COMMAND, (all, rest: string) =>
    /--store|--help/.test(rest) ? all : `kill-switch ${reach.join(' ')} ${rest}`,
  );
}

function isFitToShow(store: string): boolean {
  try {
    return !parseStoreUrl(store).hasCredentials;
  } catch {
    return false;
  }
}
