import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { readJson, root } from '../../scripts/prepare.mjs';

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly uses?: string;
  readonly needs?: string;
  readonly 'timeout-minutes'?: number;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly strategy?: { readonly matrix: { readonly node: readonly string[] } };
  readonly steps?: readonly Step[];
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: Readonly<Record<string, string>>;
  readonly concurrency: { readonly group: string };
  readonly jobs: Readonly<Record<string, Job>>;
}

/** Strictly: a key that is there twice, or a bad indent, is an error. */
function parsed(path: string): unknown {
  const document = parseDocument(readFileSync(join(root, path), 'utf8'), { strict: true, uniqueKeys: true });
  expect([...document.errors, ...document.warnings], path).toEqual([]);
  return document.toJS();
}

const files = (folder: string) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`);
const workflow = (name: string) => parsed(`.github/workflows/${name}.yml`) as Workflow;
const ci = workflow('ci');
const release = workflow('release');
const steps = ({ jobs }: Workflow): Step[] => Object.values(jobs).flatMap((job) => job.steps ?? []);
const { engines, scripts } = readJson('package.json');

describe.each([
  ['ci', ci],
  ['release', release],
])('the workflow %s', (name, { permissions, concurrency, jobs, ...all }) => {
  test('may only read, ends in time, and does not run twice for one thing', () => {
    expect(permissions).toEqual({ contents: 'read' });
    expect(concurrency).toBeTruthy();
    for (const job of Object.values(jobs)) if (!job.uses) expect(job['timeout-minutes']).toBeGreaterThan(0);
  });

  test('runs what is there', () => {
    const commands = steps({ permissions, concurrency, jobs, ...all }).flatMap(({ run }) => run?.split(' && ') ?? []);
    expect(commands.length).toBeGreaterThan(0);
    for (const command of commands) {
      const [program = '', first = '', second = ''] = command.split(' ');
      if (program === 'npm' && first === 'run') expect(Object.keys(scripts)).toContain(second);
      if (program === 'node') expect(existsSync(join(root, first)), command).toBe(true);
      if (program.includes('/')) accessSync(join(root, program), constants.X_OK);
      expect(['npm', 'node', 'sudo', '.ci/run'], command).toContain(program);
    }
  });

  test('keeps no secret, and takes every action by a version', () => {
    const text = readFileSync(join(root, `.github/workflows/${name}.yml`), 'utf8');
    expect(text).not.toMatch(/secrets\.|NODE_AUTH_TOKEN|NPM_TOKEN/);
    const used = steps({ permissions, concurrency, jobs, ...all }).flatMap(({ uses }) => uses ?? []);
    expect(used.length).toBeGreaterThan(0);
    for (const action of used) expect(action).toMatch(/^actions\/[a-z-]+@(v\d+|[0-9a-f]{40})$/);
  });
});

test('CI runs all that .ci/run does, on the oldest Node that the package takes and on those after it', () => {
  const { strategy, steps: own = [] } = ci.jobs['test'] as Job;
  const nodes = strategy?.matrix.node ?? [];
  expect(`>=${nodes[0]}`).toBe(engines.node);
  expect(nodes.slice(1)).toEqual(['22', '24']);
  expect(own.at(-1)).toEqual({ run: '.ci/run' });
  expect(own.find(({ uses }) => uses?.startsWith('actions/setup-node@'))?.with?.['node-version']).toContain(
    'matrix.node',
  );
  expect(Object.keys(ci.on).sort()).toEqual(['pull_request', 'push', 'workflow_call']);
  // Two forks may have a branch of the same name: the run of one must not end that of the other.
  expect(ci.concurrency.group).toContain('github.event.pull_request.number || github.run_id');
  expect(ci.concurrency.group).not.toContain('head_ref');
});

test('a release is tested first, has the version of its tag, and is published with provenance', () => {
  expect(release.on).toEqual({ push: { tags: ['v*'] } });
  expect(release.jobs['test']?.uses).toBe('./.github/workflows/ci.yml');
  const publish = release.jobs['publish'] as Job;
  expect(publish.needs).toBe('test');
  expect(publish.permissions).toEqual({ contents: 'read', 'id-token': 'write' });
  const commands = (publish.steps ?? []).flatMap(({ run }) => run ?? []);
  expect(commands[0]).toBe('node scripts/release.mjs "$GITHUB_REF_NAME"');
  expect(commands.at(-1)).toBe('npm publish --provenance --access public');
});

test('the API reference that is deployed is the one that is made, of a version that was published', () => {
  const { steps: own = [], permissions, needs } = release.jobs['reference'] as Job;
  expect(needs).toBe('publish');
  expect(own).toContainEqual({ run: 'npm run docs:api' });
  expect(own.find(({ uses }) => uses?.startsWith('actions/upload-pages-artifact@'))?.with).toEqual({
    path: 'dist-docs/api',
  });
  expect(readFileSync(join(root, scripts['docs:api'].split(' ')[1]), 'utf8')).toContain("'dist-docs/api'");
  expect(permissions).toEqual({ contents: 'read', pages: 'write', 'id-token': 'write' });
});

test('every workflow is looked at here', () => {
  expect(readdirSync(join(root, '.github/workflows')).sort()).toEqual(['ci.yml', 'release.yml']);
});

test('the forms for issues and dependabot can be read', () => {
  for (const path of files('.github/ISSUE_TEMPLATE')) expect(parsed(path), path).toBeTypeOf('object');
  const { contact_links: links } = parsed('.github/ISSUE_TEMPLATE/config.yml') as { contact_links: { url: string }[] };
  expect(links.map(({ url }) => url)).toContainEqual(expect.stringMatching(/security\/advisories\/new$/));
  const { updates } = parsed('.github/dependabot.yml') as { updates: Record<string, unknown>[] };
  expect(updates.map((update) => update['package-ecosystem'])).toEqual(['npm', 'github-actions']);
  for (const update of updates) expect(update).toMatchObject({ schedule: { interval: 'weekly' }, groups: {} });
});
