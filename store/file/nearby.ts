import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * The nearest folder of the same name, in a folder above, that has a control plane: the command finds one by itself,
 * an executor takes only the folder that it was given. Null where there is none.
 */
function nearby(root: string): string | null {
  if (existsSync(join(root, 'control'))) return null;
  const name = basename(root);
  for (let above = dirname(dirname(root)); ; above = dirname(above)) {
    const other = join(above, name);
    if (other !== root && existsSync(join(other, 'control'))) return other;
    if (above === dirname(above)) return null;
  }
}

/** What to do where one is, as a sentence after another; empty where none is. */
export function nearbyAdvice(root: string): string {
  const other = nearby(root);
  return other === null
    ? ''
    : `there is one in ${other}, which kill-switch finds from here: give fileStore({ directory: '${other}' })`;
}
