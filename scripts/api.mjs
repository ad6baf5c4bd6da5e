// `npm run docs:api`: the API reference, from the docstrings of what package.json exports, as pages in dist-docs/api/.
import { register } from 'node:module';
import { join } from 'node:path';
import { ensureInstalled, readJson, root, showFailuresPlainly, StepFailed } from './prepare.mjs';

register('./api-typescript.mjs', import.meta.url);

/** The kinds of names that a module exports.
 * @type {NonNullable<import('typedoc').TypeDocOptions['requiredToBeDocumented']>} */
const DOCUMENTED = ['Function', 'Class', 'Interface', 'TypeAlias', 'Variable', 'Namespace'];

/** What a type consists of has a docstring only where its name and type say too little. */
const MEMBER = /^\S+?\.\S+\.\S+ \(\w+\), .* does not have any documentation$/;

/** Reads the docstrings of a folder that plays the repository, and writes the pages where `out` is given.
 * @param {string} folder
 * @param {{ entryPoints: readonly string[], tsconfig: string, out?: string }} options paths from the folder
 * @returns {Promise<{ names: number, problems: string[] }>} how many names are exported, and what is wrong with them */
export async function generateApi(folder, { entryPoints, tsconfig, out }) {
  const { Application, LogLevel, Logger, ReflectionKind } = await import('typedoc');
  const app = await Application.bootstrap({
    entryPoints: entryPoints.map((path) => join(folder, path)),
    tsconfig: join(folder, tsconfig),
    basePath: folder,
    name: 'openfeature-kill-switch',
    readme: 'none',
    githubPages: false,
    disableGit: true,
    sourceLinkTemplate: 'https://github.com/openfeature-kill-switch/openfeature-kill-switch/blob/main/{path}#L{line}',
    requiredToBeDocumented: DOCUMENTED,
    // A type that only others are made of is shown where it is used.
    validation: {
      notDocumented: true,
      invalidLink: true,
      notExported: false,
      unusedMergeModuleWith: true,
      rewrittenLink: true,
    },
  });
  /** @type {string[]} */
  const problems = [];
  app.logger = new (class extends Logger {
    /** @override
     * @param {string} message
     * @param {import('typedoc').LogLevel} level */
    log(message, level) {
      if (level >= LogLevel.Warn && !MEMBER.test(message)) problems.push(message);
    }
  })();
  const project = await app.convert();
  if (!project) return { names: 0, problems };
  app.validate(project);
  const names = project.getReflectionsByKind(ReflectionKind.SomeExport).length;
  if (out && problems.length === 0) await app.generateDocs(project, out);
  return { names, problems };
}

/** The sources behind the exports of package.json. */
export function exportedSources() {
  /** @type {Record<string, { default: string } | string>} */
  const exported = readJson('package.json').exports;
  return Object.values(exported).flatMap((target) =>
    typeof target === 'string' ? [] : target.default.replace('./dist/', '').replace(/\.js$/, '.ts'),
  );
}

if (process.argv[1] === import.meta.filename) {
  showFailuresPlainly();
  ensureInstalled();
  const out = join(root, 'dist-docs/api');
  const { names, problems } = await generateApi(root, {
    entryPoints: exportedSources(),
    tsconfig: 'tsconfig.build.json',
    out,
  });
  if (problems.length > 0) throw new StepFailed(problems.join('\n'));
  if (names === 0) throw new StepFailed('docs:api: nothing is exported, so no reference was made.');
  console.log(`docs:api: ${names} names in dist-docs/api/index.html`);
}
