import { mkdirSync, symlinkSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../servers/index.ts';

const root = join(import.meta.dirname, '../..');

/** Modules that no page has are left out of the bundle and listed, so that one test can name them all. */
const withoutNode: Plugin = {
  name: 'without-node',
  setup: ({ onResolve }) =>
    onResolve({ filter: /.*/ }, ({ path }) => (isBuiltin(path) ? { path, external: true } : null)),
};

/** Bundles code that imports the built package, for a page. */
async function bundle(contents: string) {
  const { path } = temporaryFolder('browser');
  mkdirSync(join(path, 'node_modules'), { recursive: true });
  for (const name of ['@openfeature', '@opentelemetry']) {
    symlinkSync(join(root, 'node_modules', name), join(path, 'node_modules', name));
  }
  symlinkSync(root, join(path, 'node_modules/openfeature-kill-switch'));
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: path },
    bundle: true,
    minify: true,
    format: 'iife',
    platform: 'browser',
    write: false,
    metafile: true,
    logLevel: 'silent',
    plugins: [withoutNode],
  });
  const outputs = Object.values(metafile.outputs);
  const unfit = [
    ...outputs.flatMap(({ imports }) => imports.map(({ path: imported }) => imported)),
    ...Object.keys(metafile.inputs).filter((file) => /@openfeature\/(flagd-core|server-sdk)|json-logic/.test(file)),
  ];
  const code = outputFiles[0]?.text ?? '';
  return { code, unfit, inputs: Object.keys(metafile.inputs), zipped: gzipSync(code).length };
}

/** Only what is imported by its name, as an app does; `* as` keeps all of an entry point. */
const all = (entry: string): string => `import * as all from '${entry}'; globalThis.all = all;`;

const JUDGED = `
import { OpenFeature } from '@openfeature/web-sdk';
import { FailClosedHook } from 'openfeature-kill-switch/hooks';
const answers = (details) => ({
  metadata: { name: 'page' },
  runsOn: 'client',
  resolveStringEvaluation: details,
  resolveBooleanEvaluation: details,
  resolveNumberEvaluation: details,
  resolveObjectEvaluation: details,
});
globalThis.judged = async () => {
  OpenFeature.addHooks(new FailClosedHook());
  const asked = [];
  for (const details of [
    (key, value) => ({ value, reason: 'ERROR', errorCode: 'FLAG_NOT_FOUND' }),
    () => { throw new Error('postgres://ann:hunter2@db'); },
    () => ({ value: 'read_only', variant: 'read_only', flagMetadata: { cause: 'rule', rule: 'nights', epoch: 7 } }),
    () => ({ value: 'live', variant: 'live', flagMetadata: { cause: 'fault', code: 'STALE', message: 'late' } }),
  ]) {
    await OpenFeature.setProviderAndWait(answers(details));
    const { value, flagMetadata } = OpenFeature.getClient().getStringDetails('kill-switch.mode', 'live');
    asked.push([value, flagMetadata.code ?? flagMetadata.cause]);
  }
  return JSON.stringify(asked);
};
`;

describe('in a browser', () => {
  test.each(['openfeature-kill-switch/hooks', 'openfeature-kill-switch/flags'])(
    '%s needs nothing of Node, and no evaluator of flags',
    async (entry) => {
      const { inputs, unfit } = await bundle(all(entry));
      expect(inputs.filter((file) => file.includes('dist/flags/')).length).toBeGreaterThan(10);
      expect(unfit).toEqual([]);
    },
  );

  test('an entry point that needs modules of Node is found', async () => {
    const { unfit } = await bundle(all('openfeature-kill-switch/provider'));
    expect(unfit).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^node:/),
        expect.stringContaining('@openfeature/flagd-core'),
        expect.stringContaining('@openfeature/server-sdk'),
      ]),
    );
  });

  test('FailClosedHook judges what the web SDK gets, where there is no process, Buffer or require', async () => {
    const { code, zipped } = await bundle(JUDGED);
    const page = createContext({ setTimeout, clearTimeout, console });
    runInContext(code, page);
    expect(JSON.parse((await runInContext('judged()', page)) as string)).toEqual([
      ['full_stop', 'FLAG_NOT_FOUND'],
      ['full_stop', 'PROVIDER_ERROR'],
      ['read_only', 'rule'],
      ['full_stop', 'STALE'],
    ]);
    expect(runInContext('typeof process + typeof Buffer + typeof require', page)).toBe('undefined'.repeat(3));
    expect(zipped).toBeLessThan(40_000);
  });

  test('FailClosedHook alone is small: it brings neither all of zod nor the code of the log', async () => {
    const { zipped } = await bundle(
      "import { FailClosedHook } from 'openfeature-kill-switch/hooks'; globalThis.hook = new FailClosedHook();",
    );
    expect(zipped).toBeLessThan(20_000);
  });
});
