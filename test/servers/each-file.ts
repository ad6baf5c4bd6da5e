// Runs before each test file of the server suite.
import { inject } from 'vitest';
import { setServerPaths } from './server-paths.ts';

setServerPaths(inject('servers'));
