import type { z } from 'zod';

const quoted = (name: string): string => JSON.stringify(name.slice(0, 60));

/** The names of the members that a schema does not know, for a sentence; null where there are none. */
export function unknownMembers({ issues }: z.ZodError): string | null {
  const names = issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? issue.keys : []));
  return names.length === 0 ? null : names.slice(0, 5).map(quoted).join(', ');
}

/** What of a value a schema does not know, for a sentence: members, else the values that it does not take. */
export function unknownParts(error: z.ZodError): string {
  const members = unknownMembers(error);
  if (members !== null) return members;
  const places = new Set(error.issues.map(({ path }) => path.join('.')).filter((place) => place !== ''));
  return places.size === 0 ? 'a value' : `a value of ${[...places].slice(0, 5).map(quoted).join(', ')}`;
}

/** How a sentence ends that says what was met; it begins with what holds that. */
export const UNKNOWN = 'this version does not know. A newer version has written it: update this process.';
