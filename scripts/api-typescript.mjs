// typedoc reads programs through the compiler's JavaScript API, which TypeScript 7 does not have: it is given the last
// version that does. Nothing else is.

/** A hook of Node's for what a module imports.
 * @type {import('node:module').ResolveHook} */
export const resolve = (specifier, context, next) =>
  next(specifier === 'typescript' ? 'typescript-javascript' : specifier, context);
