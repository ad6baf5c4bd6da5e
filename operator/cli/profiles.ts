import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { systemCode } from '../../flags/errors.ts';
import { idProblem, invalid, isKillSwitchError, messageOf, quoteId, shownId } from '../../flags/index.ts';
import { redactForms } from '../../flags/secret-texts.ts';
import { isJsonObject } from '../../flags/json-object.ts';
import { checkKeys, type Keys } from '../../flags/options.ts';
import { closest } from '../../flags/closest.ts';
import { parseStoreUrl } from './store-url.ts';

/** Where one environment's switch is, and who acts there. */
export interface Profile {
  readonly store: string;
  readonly organization?: string | undefined;
  readonly operator?: string | undefined;
}

const KEYS: Keys<Profile> = {
  store: ['url', 'location'],
  organization: ['org', 'organizationId', 'organization_id', 'organisation'],
  operator: ['user', 'operatorId', 'operator_id'],
};

const LARGEST = 1024 * 1024;
const SHOWN = 20;

/**
 * `profiles.json` in the folder for settings. A relative `XDG_CONFIG_HOME` is ignored, as its specification says.
 * @throws KillSwitchError INVALID_ARGUMENT for a user without a home
 */
export function profilesFile(env: Readonly<Record<string, string | undefined>>): string {
  const { XDG_CONFIG_HOME: config = '' } = env;
  const folder = isAbsolute(config) ? config : join(homeIn(env), '.config');
  return join(folder, 'kill-switch', 'profiles.json');
}

function homeIn({ HOME: home = '' }: Readonly<Record<string, string | undefined>>): string {
  if (isAbsolute(home)) return home;
  try {
    return homedir();
  } catch {
    // As in many containers: the user has no entry.
    throw invalid('This user has no home directory to keep settings in: set HOME or XDG_CONFIG_HOME.');
  }
}

/**
 * Reads one profile. `warnings`: what is wrong with the permissions of the file.
 * @throws KillSwitchError INVALID_ARGUMENT; no text of the file is in its message but names
 */
export function readProfile(
  file: string,
  name: string,
): { readonly profile: Profile; readonly warnings: readonly string[] } {
  const { text, stats } = readFile(file, name);
  const profiles = parse(file, text);
  const names = Object.keys(profiles);
  if (!Object.hasOwn(profiles, name)) throw unknown(file, name, names);
  const profile = checked(`the profile ${quoteId(name)} in ${file}`, profiles[name]);
  const secret = Object.values(profiles).some((each) => isJsonObject(each) && holdsSecret(each['store']));
  return { profile, warnings: warningsOf(file, stats, secret) };
}

/** The names of the profiles. @throws KillSwitchError INVALID_ARGUMENT where the file is not there or cannot be read */
export const profileNames = (file: string): readonly string[] => Object.keys(parse(file, readFile(file, '').text));

function readFile(file: string, name: string): { readonly text: string; readonly stats: Stats } {
  let fd: number | undefined;
  try {
    fd = openSync(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)); // it may be a pipe
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw new Error('it is no regular file');
    if (stats.size > LARGEST) throw new Error(`it has more than ${LARGEST} bytes`);
    return { text: readFileSync(fd, 'utf8'), stats };
  } catch (error) {
    const why = systemCode(error) === 'ENOENT' ? 'is not there' : `cannot be read: ${messageOf(error)}`;
    throw invalid(`The profile ${quoteId(name)} is sought in ${file}, which ${why}. ${FORM}`);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

const FORM =
  'It has this form: { "prod": { "store": "redis://…", "organization": "default", "operator": "dana" } }, where only the store is required.';

function parse(file: string, text: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    // The message of JSON.parse quotes the text, in which passwords may be.
    const at = /at position (\d+)/.exec(String(error))?.[1];
    const line = at === undefined ? '' : ` (line ${text.slice(0, Number(at)).split('\n').length})`;
    throw invalid(`${file} is not JSON${line}. ${FORM}`);
  }
  if (!isJsonObject(value)) throw invalid(`${file} is no JSON object. ${FORM}`);
  return value;
}

function unknown(file: string, name: string, names: readonly string[]): Error {
  const meant = closest(name, names);
  const shown = names.slice(0, SHOWN);
  const there =
    names.length === 0
      ? ' It has none.'
      : ` There are: ${shown.map(shownId).join(', ')}${shown.length < names.length ? ', …' : ''}.`;
  return invalid(
    `There is no profile ${quoteId(name)} in ${file}.${meant === undefined ? there : ` Did you mean ${shownId(meant)}?`}`,
  );
}

/** @throws KillSwitchError INVALID_ARGUMENT */
function checked(what: string, value: unknown): Profile {
  if (!isJsonObject(value)) throw invalid(`A profile is a JSON object, and ${what} is none. ${FORM}`);
  checkKeys(what, value, KEYS);
  const { organization, operator } = value;
  const store = textOf(what, 'store', value['store']);
  if (store === undefined) throw invalid(`There is no "store" in ${what}. ${FORM}`);
  checkStore(what, store);
  return {
    store,
    organization: idOf(what, 'organization', organization),
    operator: idOf(what, 'operator', operator),
  };
}

function checkStore(what: string, store: string): void {
  if (/^file:/i.test(store) && !isAbsolute(store.slice('file:'.length)))
    throw invalid(
      `The store of ${what} is a relative path, which would be another folder wherever the command is run: write it from the root on (file:/srv/…).`,
    );
  try {
    parseStoreUrl(store);
  } catch (error) {
    const why = isKillSwitchError(error)
      ? redactForms(error.message.replaceAll(quoteId(store), 'This'))
      : messageOf(error);
    throw invalid(`The store of ${what} cannot be used: ${why}`);
  }
}

function textOf(what: string, key: keyof Profile, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw invalid(`"${key}" of ${what} is not a text.`);
  if (value === '') throw invalid(`"${key}" of ${what} is empty: give it a value, or leave it out.`);
  return value;
}

function idOf(what: string, key: keyof Profile, value: unknown): string | undefined {
  const text = textOf(what, key, value);
  const problem = text === undefined ? null : idProblem(text);
  if (problem !== null) throw invalid(`"${key}" of ${what} ${problem}.`);
  return text;
}

/** Also of a store that cannot be read: whatever stands before an @ may be a password. */
const holdsSecret = (store: unknown): boolean => typeof store === 'string' && /@|password=/i.test(store);

function warningsOf(file: string, { mode }: Stats, secret: boolean): readonly string[] {
  if (process.platform === 'win32') return [];
  if ((mode & 0o022) !== 0)
    return [`Warning: others may write ${file}, and so choose what a kill reaches: chmod 600 ${file}`];
  if (secret && (mode & 0o044) !== 0)
    return [`Warning: there are credentials in ${file}, which others may read: chmod 600 ${file}`];
  return [];
}
