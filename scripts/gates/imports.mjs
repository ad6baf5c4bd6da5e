import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, normalize } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';
import { filesBelow, readJson } from '../prepare.mjs';
import { runBiome } from './biome.mjs';

/** Which folders the code of a folder may import, beside its own. A folder that is not named here is refused.
 * @type {Record<string, readonly string[]>} */
const FOLDERS = {
  'index.ts': ['flags', 'store', 'provider', 'hooks', 'guard', 'surfaces'],
  flags: [],
  store: ['flags'],
  provider: ['flags', 'store'],
  hooks: ['flags'],
  guard: ['flags', 'store'],
  surfaces: ['flags', 'guard'],
  operator: ['flags', 'store'],
  react: ['flags'],
  testing: ['flags', 'store', 'provider'],
  // not product code
  examples: ['index.ts', 'flags', 'store', 'provider', 'hooks', 'guard', 'surfaces', 'operator', 'testing'],
  test: [
    'index.ts',
    'flags',
    'store',
    'provider',
    'hooks',
    'guard',
    'surfaces',
    'operator',
    'react',
    'testing',
    'examples',
    'scripts',
    'bench',
  ],
  bench: [
    'index.ts',
    'flags',
    'store',
    'provider',
    'hooks',
    'guard',
    'surfaces',
    'operator',
    'testing',
    'test',
    'scripts',
  ],
  scripts: ['test'],
  'vitest.config.ts': [],
  'vitest.mutate.config.ts': ['vitest.config.ts'],
};

/** What judges, and so must work in a browser. */
const IN_BROWSERS = ['flags', 'hooks', 'provider/web', 'react'];

/**
 * Modules that only some folders may import (`only`), or that some may not (`never`) but for a few files (`butIn`).
 * Paths are of files here.
 * @type {readonly { module: RegExp, only?: readonly string[], never?: readonly string[], butIn?: readonly string[] }[]}
 */
const MODULES = [
  { module: /^ioredis$/, only: ['store/redis', 'examples', 'test', 'bench'] },
  { module: /^(@grpc\/|@openfeature\/flagd-provider$)/, only: ['operator/server', 'test', 'bench'] },
  { module: /^(react|@openfeature\/react-sdk)$/, only: ['react', 'test', 'examples'] },
  { module: /^@openfeature\/web-sdk$/, only: ['provider/web', 'react', 'hooks', 'test', 'bench'] },
  {
    module: /^(ai|bullmq|express|fastify|hono|@ai-sdk\/.*|@langchain\/.*|@modelcontextprotocol\/.*)$/,
    only: ['surfaces', 'examples', 'test'],
  },
  { module: /^node:/, never: IN_BROWSERS, butIn: ['flags/hash-chain.ts'] },
  {
    module: /^@openfeature\/flagd-core$/,
    never: IN_BROWSERS,
    butIn: ['flags/budget-tiers.ts', 'flags/flagd-schema.ts', 'flags/own-evaluator.ts'],
  },
  // It leads to all of these: who works in a browser names the modules that are needed.
  { module: /^flags\/index\.ts$/, never: IN_BROWSERS },
  // Whoever holds a control store can restore: it must not be within an executor's reach.
  { module: /^store\/\w+\/control\.ts$/, only: ['store', 'operator', 'testing', 'examples', 'test', 'bench'] },
  {
    module: /^store\/\w+\/control\.ts$/,
    never: ['store/file/index.ts', 'store/redis/index.ts', 'store/memory/index.ts', 'store/http'],
  },
];

/**
 * Folders import what the layout allows, and nothing imports itself in a circle. What leads to a file is an import, an
 * `export from` or an `import()`; a type written as `import('…').A` would be seen by neither rule, so the linter
 * refuses it.
 * @type {import('./gate.mjs').Gate}
 */
export const imports = {
  name: 'imports',
  unit: 'imports',
  async check(folder) {
    const files = filesBelow(folder, ['.ts', '.mjs']);
    const { graph, problems } = readGraph(folder, files);
    problems.push(...graph.flatMap((edge) => [...brokenRules(edge)]), ...(await cycles(folder, files)));
    return { checked: graph.length, problems };
  },
  planted: {
    'flags/a.ts':
      "export * from './b.ts';\nimport { readFile } from 'node:fs';\nconst x = await import(readFile.name);",
    'flags/b.ts': "import type { A } from './a.ts';\nexport type { A };\nimport '../store/index.ts';",
    'flags/c.ts': "export const later = () => import('./d.ts');",
    'flags/d.ts': "export { later } from './c.ts';",
    'flags/e.ts': "import 'crypto';\nimport '@openfeature/flagd-core';",
    'hooks/index.ts': "import '../flags/index.ts';",
    'store/index.ts': "export { openControlPlane } from '../operator/index.ts';\nexport { Redis } from 'ioredis';",
    'operator/index.ts': "export { startRedis } from '../test/servers/redis.ts';\nimport 'express';",
    'attic/index.ts': "import '../flags/a.ts';",
  },
  caught: [
    /flags\/a\.ts:1 .*cycle/,
    /flags\/b\.ts:1 .*cycle/,
    /flags\/c\.ts:1 .*cycle/,
    /flags\/d\.ts:1 .*cycle/,
    /flags\/a\.ts imports node:fs/,
    /flags\/a\.ts imports something computed/,
    /flags\/e\.ts imports crypto/,
    /flags\/e\.ts imports @openfeature\/flagd-core/,
    /hooks\/index\.ts imports flags\/index\.ts/,
    /flags\/b\.ts imports store\/index\.ts/,
    /store\/index\.ts imports operator\/index\.ts/,
    /store\/index\.ts imports ioredis/,
    /operator\/index\.ts imports test\/servers/,
    /operator\/index\.ts imports express/,
    /attic\/index\.ts imports flags/,
  ],
};

/** Each import that is part of a circle, as biome.json has it: types and `import()` count.
 * @param {string} folder
 * @param {readonly string[]} files */
async function cycles(folder, files) {
  const { stderr, report } = await runBiome('lint', folder, files);
  if (!report) return [stderr];
  const { summary, diagnostics } = report;
  /** @type {string[]} */
  const problems = diagnostics.map(
    (/** @type {any} */ { location, message }) => `${location.path}:${location.start.line} ${message}`,
  );
  if (summary.unchanged !== files.length) problems.push(`${summary.unchanged} of ${files.length} files were read.`);
  return problems;
}

/** @typedef {{ from: string, to: string | undefined, isFile: boolean }} Edge `to`: a path here, a module, or unknown */

/** Every import, export from and import() of these files.
 * @param {string} folder
 * @param {readonly string[]} files */
function readGraph(folder, files) {
  /** @type {Edge[]} */
  const graph = [];
  /** @type {string[]} */
  const problems = [];
  for (const from of files) {
    const add = (/** @type {any} */ { source }) => {
      if (source) graph.push(toEdge(from, source.type === 'Literal' ? source.value : undefined));
    };
    const { program, errors } = parseSync(from, readFileSync(join(folder, from), 'utf8'));
    problems.push(...errors.map(({ message }) => `${from} cannot be read: ${message}`));
    new Visitor({
      ImportDeclaration: add,
      ExportNamedDeclaration: add,
      ExportAllDeclaration: add,
      ImportExpression: add,
    }).visit(program);
  }
  return { graph, problems };
}

/** @param {string} from
 * @param {string | undefined} specifier
 * @returns {Edge} */
function toEdge(from, specifier) {
  const self = specifier && selfImport(specifier);
  if (self) return { from, to: self, isFile: true };
  const isFile = specifier?.startsWith('.') ?? false;
  return { from, to: isFile ? normalize(join(dirname(from), String(specifier))) : specifier, isFile };
}

/** The source file behind `openfeature-kill-switch/…` or `#…`.
 * @param {string} specifier */
function selfImport(specifier) {
  const { name, exports, imports: own = {} } = readJson('package.json');
  const isPublic = specifier === name || specifier.startsWith(`${name}/`);
  if (!isPublic && !specifier.startsWith('#')) return undefined;
  const target = isPublic ? exports[`.${specifier.slice(name.length)}`] : own[specifier];
  return (target?.default ?? target ?? specifier).replace('./dist/', '').replace(/\.js$/, '.ts');
}

/** @param {Edge} edge
 * @returns {Generator<string>} */
function* brokenRules({ from, to, isFile }) {
  const says = `${from} imports ${to ?? 'something computed, which no rule can check'}`;
  const own = topOf(from);
  if (to === undefined) {
    if (own !== 'test' && own !== 'bench' && own !== 'scripts') yield says;
    return;
  }
  const allowed = FOLDERS[own];
  if (!allowed) yield `${says}; ${own} is not in the table of scripts/gates/imports.mjs.`;
  else if (isFile && topOf(to) !== own && !allowed.includes(topOf(to)))
    yield `${says}; ${own} may import: ${allowed.join(', ') || 'nothing'}.`;
  const module = !isFile && isBuiltin(to) && !to.startsWith('node:') ? `node:${to}` : to;
  for (const rule of MODULES) {
    if (!rule.module.test(module) || rule.butIn?.includes(from)) continue;
    if (rule.only && !rule.only.some((part) => isWithin(from, part)))
      yield `${says}, which is for ${rule.only.join(', ')}.`;
    if (rule.never?.some((part) => isWithin(from, part))) yield `${says}, which is not for ${rule.never.join(', ')}.`;
  }
}

/** @param {string} path */
const topOf = (path) => path.split('/')[0] ?? path;

/** @param {string} path
 * @param {string} part a folder or a file */
const isWithin = (path, part) => path === part || path.startsWith(`${part}/`);
