import { exportedSources, generateApi } from '../api.mjs';
import { root } from '../prepare.mjs';

/**
 * The API reference can be made from the docstrings: every name that the package exports has one, and what they link to
 * is there.
 * @type {import('./gate.mjs').Gate}
 */
export const api = {
  name: 'api',
  unit: 'exported names',
  async check(folder) {
    const isReal = folder === root;
    const { names, problems } = await generateApi(folder, {
      entryPoints: isReal ? exportedSources() : ['index.ts'],
      tsconfig: isReal ? 'tsconfig.build.json' : 'tsconfig.json',
    });
    return { checked: names, problems };
  },
  planted: {
    'tsconfig.json': '{ "extends": "../../tsconfig.json", "include": ["index.ts"], "exclude": [] }',
    'index.ts': [
      'export interface Silent { readonly member: string }',
      'export const mute = (): void => {};',
      '/** Like {@link gone}. */',
      'export type Linked = string;',
    ].join('\n'),
  },
  caught: [
    /Silent \(Interface\).* does not have any documentation/,
    /mute \(CallSignature\).* does not have any documentation/,
    /Failed to resolve link to "gone"/,
  ],
};
