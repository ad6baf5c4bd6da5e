// `npm run build`: compiles the package to dist/.
import { build, ensureInstalled, showFailuresPlainly } from './prepare.mjs';

showFailuresPlainly();
ensureInstalled();
build();
