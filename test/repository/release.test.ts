import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readJson, root } from '../../scripts/prepare.mjs';
import { releaseProblems } from '../../scripts/release.mjs';

const DATED = '# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-01-31\n';

test('a tree is published under the tag of its version', () => {
  expect(releaseProblems('v1.2.3', '1.2.3', DATED)).toEqual([]);
  const { version } = readJson('package.json');
  expect(releaseProblems(`v${version}`, version, readFileSync(join(root, 'CHANGELOG.md'), 'utf8'))).toEqual([]);
});

test.each([
  ['another version', 'v1.2.4', DATED, /^The tag is v1\.2\.4, but package\.json has version 1\.2\.3\.$/],
  ['no v', '1.2.3', DATED, /^The tag is 1\.2\.3/],
  ['no tag', '', DATED, /^The tag is \(none\)/],
  ['no date in the changelog', 'v1.2.3', DATED.replace(' - 2026-01-31', ''), /does not say when 1\.2\.3/],
  ['no section in the changelog', 'v1.2.3', '## [1.2.30] - 2026-01-31\n', /has no section "## \[1\.2\.3\]/],
])('with %s it is not', (_name, tag, changelog, problem) => {
  expect(releaseProblems(tag, '1.2.3', changelog)).toEqual([expect.stringMatching(problem)]);
});
