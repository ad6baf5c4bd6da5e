// `npm run build`: compiles the package to dist/, all of it.
import { build, ensureInstalled, showFailuresPlainly } from './prepare.mjs';

showFailuresPlainly();
ensureInstalled();
build('--force');
