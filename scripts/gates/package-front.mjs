// What somebody sees of the package before it is installed: its page on npm, and its weight.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes of the archive. It had 1112 kB when this was set: a file for each verb, alert and drill. Source maps, which
 * are of little use where the code is not minified, would add more than half of that. */
export const LIMIT = 1_400_000;

const REQUIRED = ['description', 'repository', 'homepage', 'bugs', 'author', 'license', 'keywords'];

/** npm shows the README, whose links it takes for paths in `repository`.
 * @param {string} folder
 * @param {Readonly<Record<string, unknown>>} manifest */
export function frontProblems(folder, manifest) {
  const problems = REQUIRED.filter((key) => !manifest[key]).map((key) => `package.json has no ${key}.`);
  const readme = join(folder, 'README.md');
  if (!existsSync(readme)) return [...problems, 'There is no README.md.'];
  for (const [, path = ''] of readFileSync(readme, 'utf8').matchAll(/\]\(([^)#\s]+)[^)]*\)/g))
    if (!path.includes(':') && !existsSync(join(folder, path)))
      problems.push(`README.md leads to ${path}, which is not in the repository.`);
  return problems;
}

/** @param {readonly string[]} files
 * @param {number} size in bytes */
export function weightProblems(files, size) {
  const kB = (/** @type {number} */ bytes) => Math.round(bytes / 1000);
  return [
    ...files.filter((path) => path.endsWith('.map')).map((path) => `${path} is in the package: source maps stay out.`),
    ...(size > LIMIT ? [`The package has ${kB(size)} kB, and may have ${kB(LIMIT)}.`] : []),
  ];
}

/** Text that no archive makes smaller than this.
 * @param {number} bytes */
export function noise(bytes) {
  return randomBytes(bytes).toString('base64');
}
