// `node scripts/release.mjs v1.2.3`: says whether this tree may be published under that tag. The release workflow asks.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, root } from './prepare.mjs';

/** What keeps a tree from being published under a tag.
 * @param {string} tag
 * @param {string} version of package.json
 * @param {string} changelog
 * @returns {string[]} */
export function releaseProblems(tag, version, changelog) {
  const problems = [];
  if (tag !== `v${version}`) problems.push(`The tag is ${tag || '(none)'}, but package.json has version ${version}.`);
  const heading = changelog.split('\n').find((line) => line.startsWith(`## [${version}]`));
  if (!heading) problems.push(`CHANGELOG.md has no section "## [${version}] - YYYY-MM-DD".`);
  else if (!/ - \d{4}-\d{2}-\d{2}$/.test(heading))
    problems.push(`CHANGELOG.md does not say when ${version} was released: "${heading}".`);
  return problems;
}

if (process.argv[1] === import.meta.filename) {
  const changelog = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');
  const problems = releaseProblems(process.argv[2] ?? '', readJson('package.json').version, changelog);
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
