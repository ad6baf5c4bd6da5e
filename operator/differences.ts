import { canonicalize } from 'json-canonicalize';
import { isJsonObject } from '../flags/json-object.ts';

/** One place in which two JSON values differ; a member that is missing on one side is undefined there. */
export interface Difference {
  /** As in `items[0].cents`; '' for the whole. */
  readonly path: string;
  readonly was: unknown;
  readonly is: unknown;
}

/** In which places two JSON values differ, at most `most`, in the order in which the later one has them. */
export function differences(was: unknown, is: unknown, most = 100): readonly Difference[] {
  const found: Difference[] = [];
  collect(was, is, '', (difference) => {
    if (found.length < most) found.push(difference);
  });
  return found;
}

function collect(was: unknown, is: unknown, path: string, add: (difference: Difference) => void): void {
  if (isJsonObject(was) && isJsonObject(is)) {
    for (const name of new Set([...Object.keys(is), ...Object.keys(was)])) {
      const at = /^[\w-]+$/.test(name) ? `${path === '' ? '' : `${path}.`}${name}` : `${path}[${JSON.stringify(name)}]`;
      collect(own(was, name), own(is, name), at, add);
    }
  } else if (Array.isArray(was) && Array.isArray(is)) {
    for (let index = 0; index < Math.max(was.length, is.length); index += 1)
      collect(was[index], is[index], `${path}[${index}]`, add);
  } else if (was === undefined || is === undefined || canonicalize(was) !== canonicalize(is)) {
    if (was !== is) add({ path, was, is });
  }
}

const own = (value: Readonly<Record<string, unknown>>, name: string): unknown =>
  Object.hasOwn(value, name) ? value[name] : undefined;
