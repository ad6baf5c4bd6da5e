import { KillSwitchError, messageOf, systemCode } from '../flags/errors.ts';
import { shellWord } from '../flags/printable.ts';

/** A package that only a part of this one needs, and so is installed beside it only where that part is used. */
export interface OptionalPackage {
  readonly name: string;
  /** The versions that it works with, as package.json has them. */
  readonly range: string;
  /** What needs it, as the beginning of a sentence. */
  readonly neededBy: string;
}

/** Node's code for an `import` and for a `require` that finds nothing; bundlers use the second. */
const NOT_FOUND: readonly unknown[] = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'];

/** The package that an import has not found; null for any other failure. */
export function missingPackage(error: unknown): string | null {
  if (!NOT_FOUND.includes(systemCode(error))) return null;
  return /^Cannot find (?:package|module) '([^'./][^']*)'/.exec(messageOf(error))?.[1] ?? null;
}

/**
 * Loads an optional package. It is loaded by `import()` when it is first used: nothing can catch that a static import
 * finds no package, and an `await` at the top of a module would keep CommonJS from requiring it.
 * @throws KillSwitchError MISSING_PACKAGE where it is not installed
 */
export async function loadOptional<Module>(
  { name, range, neededBy }: OptionalPackage,
  load: () => Promise<Module>,
): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    if (missingPackage(cause) !== name) throw cause; // for instance a package that it needs itself
    throw new KillSwitchError(
      'MISSING_PACKAGE',
      `${neededBy} needs the package ${name}, which is not installed: ${install({ name, range })}`,
      { cause },
    );
  }
}

/** Without the range npm may take a version that does not fit. */
const install = ({ name, range }: Pick<OptionalPackage, 'name' | 'range'>): string =>
  `npm install ${shellWord(`${name}@${range}`)}`;

/** The error for a version that lacks what is used of it. */
export const unfitPackage = ({ name, range, neededBy }: OptionalPackage): KillSwitchError =>
  new KillSwitchError(
    'MISSING_PACKAGE',
    `${neededBy} needs the package ${name} in a version of ${range}, and another one is installed: ${install({ name, range })}`,
  );
