import type { TestProject } from 'vitest/node';
import { build } from '../../scripts/prepare.mjs';
import { findServers, type ServerPaths } from './server-paths.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    servers: ServerPaths;
  }
}

/** Once before all tests: the servers' paths, and a current dist/ for the tests that start the command itself. */
export default async function setup(project: TestProject): Promise<void> {
  try {
    build();
  } catch (error) {
    if (process.env.CI === 'true') throw error;
    console.warn('dist/ is not current: tests that start the command run the last good build.');
  }
  project.provide('servers', await findServers());
}
