// `npm run build`: compiles the package to dist/.
import { build, ensureInstalled } from './prepare.mjs';

ensureInstalled();
build();
