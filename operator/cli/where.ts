import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { filePaths } from '../../store/file/paths.ts';
import { invalid, shellWord } from '../../flags/index.ts';
import { findFolder, FOLDER, type FoundFolder, type User } from './find-folder.ts';
import type { Io } from './io.ts';
import { profilesFile, readProfile } from './profiles.ts';
import { parseStoreUrl, type Store } from './store-url.ts';

/** The options that say where a command acts, and as whom, as far as they were typed. */
export interface Typed {
  readonly store?: string | undefined;
  readonly organization?: string | undefined;
  readonly operator?: string | undefined;
  readonly profile?: string | undefined;
}

/** Where a command acts, and as whom. */
export interface Found {
  readonly store: Store;
  readonly organizationId: string;
  /** Null: the user of this system. */
  readonly operatorId: string | null;
  /** The folder that was looked for, since nothing names a store; null where something does. */
  readonly folder: FoundFolder | null;
  /** The profile that names it; null where none does. */
  readonly profile: string | null;
  /** What whoever acts there should know. */
  readonly notes: readonly string[];
}

/** The part of `--help` about where a command acts. */
export const WHERE_HELP = `
Where a command acts, the first that is given:
  1. --store, or --profile (not both)
  2. KILL_SWITCH_STORE, or KILL_SWITCH_PROFILE (not both)
  3. the nearest folder ${FOLDER} here or in a folder above
A profile is the whole place. --profile goes before KILL_SWITCH_STORE, KILL_SWITCH_ORGANIZATION and
KILL_SWITCH_OPERATOR; beside KILL_SWITCH_PROFILE the first two are refused. Options that are typed go before a profile.
~/.config/kill-switch/profiles.json (or in $XDG_CONFIG_HOME):
  { "prod": { "store": "redis://…", "organization": "default", "operator": "dana" } }
`;

type Env = Io['env'];

/** Says where a command acts. It is found when it is first asked for, since some verbs act nowhere. */
export class Where {
  readonly #typed: () => Typed;
  readonly #io: Pick<Io, 'env' | 'cwd'>;
  #found: Found | undefined;
  /** The store, for the errors of what was done in it; null while nothing has been. */
  acted: { readonly location: string; readonly organizationId: string } | null = null;

  /** @param typed called when it is needed: the command line may not have been read whole before */
  constructor(typed: () => Typed, io: Pick<Io, 'env' | 'cwd'>) {
    this.#typed = typed;
    this.#io = io;
  }

  /** @throws KillSwitchError INVALID_ARGUMENT, NOT_PERMITTED */
  get found(): Found {
    this.#found ??= find(this.#typed(), this.#io);
    return this.#found;
  }

  /**
   * The options with which another command acts in the same place as this one: what was typed, which the next command
   * line would lack. What the environment says, and the folder that was found, the next one finds by itself. A URL
   * with a password is not repeated.
   */
  get reach(): readonly string[] {
    const { store, organization, profile } = this.#typed();
    const { folder = null, organizationId = '' } = this.#found ?? {};
    // From here `init` would not create anything in a folder above by itself.
    const isLost = folder !== null && folder.up > 0 && !holdsSwitch(folder.directory, organizationId);
    return [
      ...(isLost ? ['--store', shellWord(`file:${folder.directory}`)] : []),
      ...(profile === undefined ? [] : ['--profile', shellWord(profile)]),
      ...(store === undefined ? [] : ['--store', fitToShow(store)]),
      ...(organization === undefined ? [] : ['--organization', shellWord(organization)]),
    ];
  }
}

/** Whether there is a control plane of the organization in the folder. */
export const holdsSwitch = (directory: string, organizationId: string): boolean =>
  existsSync(filePaths(directory, organizationId).log);

function fitToShow(store: string): string {
  try {
    const { location, hasCredentials } = parseStoreUrl(store);
    return hasCredentials ? '…' : shellWord(location);
  } catch {
    return '…';
  }
}

function find(typed: Typed, io: Pick<Io, 'env' | 'cwd'>): Found {
  if (typed.store !== undefined && typed.profile !== undefined)
    throw invalid('--store and --profile both say where this acts: give one of them.');
  const [option, env] = [given(typed, 'option'), given(fromEnv(io.env), 'variable')];
  const name = option('profile') ?? (typed.store === undefined ? env('profile') : undefined);
  if (name === undefined) {
    const organizationId = option('organization') ?? env('organization') ?? 'default';
    const operatorId = option('operator') ?? env('operator') ?? null;
    return { ...storeOf(option('store') ?? env('store'), io), organizationId, operatorId, profile: null };
  }
  if (typed.profile === undefined) refuseBoth(typed, io.env);
  const { profile, warnings } = readProfile(profilesFile(io.env), name);
  return {
    store: parseStoreUrl(profile.store),
    organizationId: option('organization') ?? profile.organization ?? 'default',
    operatorId: option('operator') ?? profile.operator ?? env('operator') ?? null,
    folder: null,
    profile: name,
    notes: warnings,
  };
}

/** Of two exported variables neither was chosen for this command: a kill must not go to the one that was not meant. */
function refuseBoth(typed: Typed, env: Env): void {
  const both =
    env[VARIABLES.store] !== undefined
      ? VARIABLES.store
      : env[VARIABLES.organization] !== undefined && typed.organization === undefined
        ? VARIABLES.organization
        : null;
  if (both !== null)
    throw invalid(
      `${VARIABLES.profile} and ${both} are both set, and both say where this acts: unset one of them, or type what is meant (--profile NAME, --store URL).`,
    );
}

function storeOf(url: string | undefined, io: Pick<Io, 'env' | 'cwd'>): Pick<Found, 'store' | 'folder' | 'notes'> {
  if (url !== undefined) return { store: parseStoreUrl(url), folder: null, notes: [] };
  const present = io.cwd();
  const folder = findFolder(present, thisUser(io.env)) ?? { directory: join(present, FOLDER), up: 0 };
  const store = parseStoreUrl(`file:${folder.directory}`);
  const notes =
    folder.up === 0 ? [] : [`The switch is in ${store.location}, found above this folder (--store names another).`];
  return { store, folder, notes };
}

function thisUser(env: Env): User | null {
  const uid = process.geteuid?.();
  if (uid === undefined) return null;
  const sudo = env['SUDO_UID'];
  return { uid, sudoUid: sudo !== undefined && /^\d{1,10}$/.test(sudo) ? Number(sudo) : null };
}

type Setting = 'store' | 'organization' | 'operator' | 'profile';

const VARIABLES = {
  store: 'KILL_SWITCH_STORE',
  organization: 'KILL_SWITCH_ORGANIZATION',
  operator: 'KILL_SWITCH_OPERATOR',
  profile: 'KILL_SWITCH_PROFILE',
} as const satisfies Readonly<Record<Setting, string>>;

const fromEnv = (env: Env): Typed => ({
  store: env[VARIABLES.store],
  organization: env[VARIABLES.organization],
  operator: env[VARIABLES.operator],
  profile: env[VARIABLES.profile],
});

/**
 * An empty value is a mistake in a script. Read as "not set", a kill would go to another store and report success.
 */
const given =
  (values: Typed, from: 'option' | 'variable') =>
  (setting: Setting): string | undefined => {
    const value = values[setting];
    if (value !== '') return value;
    throw invalid(
      `--${setting} (or ${VARIABLES[setting]}) is empty: give it a value, or leave it out${from === 'variable' ? ` (unset ${VARIABLES[setting]})` : ''}.`,
    );
  };
