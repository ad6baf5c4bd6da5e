import { readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';

/** Whether a file is part of the store in this folder, under whatever name, or would be. */
export function isFileOf(root: string, file: string): boolean {
  const store = realPath(root);
  const real = realPath(file) ?? join(realPath(dirname(file)) ?? dirname(file), basename(file));
  if (store === null) return false;
  if (real === store || real.startsWith(store + sep)) return true;
  const found = statOf(file);
  return (
    found !== null && found.nlink > 1 && logsIn(root).some(({ ino, dev }) => ino === found.ino && dev === found.dev)
  );
}

function realPath(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

const statOf = (path: string): Stats | null => {
  try {
    return statSync(path);
  } catch {
    return null;
  }
};

/** The logs of all organizations. */
function logsIn(root: string): Stats[] {
  const folder = join(root, 'control');
  const logs = readdirSync(folder).map((organization) => statOf(join(folder, organization, 'log.jsonl')));
  return logs.filter((found) => found !== null);
}
