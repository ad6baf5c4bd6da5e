import type { ControlPlane } from '../../control-plane.ts';
import { openControlPlane } from '../../open.ts';
import { EXIT, type ExitCode } from '../command.ts';
import type { Io } from '../io.ts';
import { profileNames, profilesFile } from '../profiles.ts';
import { Where } from '../where.ts';
import { namesOf, typeable } from './names.ts';
import { type Place, placeOf } from './place.ts';
import { forBash, type LastWord, readLine, readWord, type TypedLine } from './words.ts';

/** How long the store may take to answer, in milliseconds: whoever has pressed Tab waits. */
const DEADLINE_MS = 1000;
/** More than that nobody reads. */
const MOST = 1000;

/** In the place of an answer: the shell completes the name of a file. */
const FILES = '\tfiles';

/**
 * Answers the script of a shell: a line for each word that may stand where the cursor is. Reads only, says nothing of
 * what fails, and waits a second for the store at most: without an answer it leaves out the names.
 */
export async function complete(io: Io): Promise<ExitCode> {
  try {
    const [, shell, ...given] = io.argv;
    if (shell === 'bash') await answer(io, readLine(given[1] ?? '', given[0] ?? ''), inBash);
    else if (shell === 'zsh') await answer(io, lineOf(given), described);
    else if (shell === 'fish')
      await answer(io, lineOf([...given.slice(0, -1), readWord(given.at(-1) ?? '')]), described);
  } catch {
    // Whoever has pressed Tab is typing: an error would stand in the middle of that.
  }
  return EXIT.done;
}

/** Words that a shell has read already. */
const lineOf = (given: readonly string[]): TypedLine => ({
  words: ['kill-switch', ...given.slice(0, -1)],
  last: { text: given.at(-1) ?? '', from: 0, quote: '' },
});

type Written = (value: string, does: string, last: LastWord) => string | null;

const inBash: Written = (value, _does, last) => forBash(value, last);
const described: Written = (value, does) => (does === '' ? value : `${value}\t${does.replace(/\s+/g, ' ')}`);

async function answer(io: Io, { words: [, ...words], last }: TypedLine, written: Written): Promise<void> {
  const place = await placeOf(words, last.text);
  const begins = ([value]: readonly [string, string]): boolean => value.startsWith(last.text);
  const fixed = [...place.described, ...(place.choices.words ?? []).map((word) => [word, ''] as const)];
  const names = (await known(io, place)).map((name) => [name, ''] as const);
  // A word that is also a name is one.
  const each = new Map([...names, ...fixed].map(([word, does]) => [`${place.before}${word}`, does]));
  const all = [...each].filter(begins);
  // A stem is worth typing only where nothing that begins so is known.
  const useful = all.filter(
    ([word]) => !word.endsWith(':') || !all.some(([other]) => other !== word && other.startsWith(word)),
  );
  const lines = useful.slice(0, MOST).flatMap(([word, does]) => written(word, does, last) ?? []);
  const text = lines.length === 0 && place.choices.files ? [FILES] : lines;
  if (text.length > 0) await io.out(`${text.join('\n')}\n`);
}

/** The names that the store knows, as far as it tells them in time. */
async function known(io: Io, { choices: { names: kind }, typed }: Place): Promise<readonly string[]> {
  if (kind === undefined) return [];
  if (kind === 'profile') return typeable(profileNames(profilesFile(io.env)));
  const ending = new AbortController();
  const late = new Promise<null>((resolve) => {
    const timer = setTimeout(resolve, DEADLINE_MS, null);
    ending.signal.addEventListener('abort', () => clearTimeout(timer));
  });
  const found = read(io, typed, (control) => namesOf(kind, control)).catch(() => null);
  const names = await Promise.race([found, late]);
  ending.abort();
  return typeable(names ?? []);
}

/** Reads by the store that is meant; it is closed by the end of the process, which comes at once. */
async function read<T>(io: Io, typed: Place['typed'], look: (control: ControlPlane) => Promise<T>): Promise<T> {
  const { '--store': store, '--profile': profile, '--organization': organization } = typed;
  const { found } = new Where(() => ({ store, profile, organization }), io);
  const control = await openControlPlane({
    store: await found.store.control(),
    organizationId: found.organizationId,
    operator: { id: 'completion' },
    requestTimeoutMs: DEADLINE_MS,
  });
  return look(control);
}
