import { configDefaults, defineConfig } from 'vitest/config';

/** The tests of what is real: Redis, flagd, the files' driver on a disk, processes, the built package. All others are
 * units: they need nothing that is built or installed beside node_modules, and starting a server fails in them. */
const SERVER = [
  'test/{bench,copies,docs,examples,faults,flagd,fleet,package,servers,stress}/**/*.test.ts',
  'test/guard/{alone,approvals-processes,asked-otherwise,closed-real-stores,confirm,holding-processes,leaks,limits-real-stores,real-stores,rejecting-callbacks,rollback-order,rollbacks-together,shadow-real-stores,told-to-end,transaction-databases,without-event}.test.ts',
  'test/guard/ongoing{,-ended,-origin,-iterators,-shared,-together,-web-streams}.test.ts',
  'test/operator/{cli,drill}/**/*.test.ts',
  'test/operator/alerts/real/*.test.ts',
  'test/operator/{close-beside-change,flagd-export,follow-log,log-export,operate,restoring,stops,verify-log}.test.ts',
  'test/provider/conformance.test.ts',
  'test/store/{file-anchor,shared-anchor}.test.ts',
  'test/store/file/!(followers|log-chain|paths).test.ts',
  'test/store/redis/!(endpoint|older-servers|route).test.ts',
];

const shared = { pool: 'forks', maxWorkers: 2, testTimeout: 30_000, hookTimeout: 60_000 } as const;

/** Units that leave nothing in their process (no global of OpenFeature, no work that goes on): files of these folders
 * share one, which spares each the start and the imports. */
const PURE = ['flags', 'operator', 'store', 'testing'].map((folder) => `test/${folder}/**/*.test.ts`);

/** All units, as scripts/mutate.mjs runs them. */
export const unit = {
  ...shared,
  maxWorkers: 3, // they wait more than they work
  name: 'unit',
  include: ['test/**/*.test.ts'],
  exclude: [...configDefaults.exclude, ...SERVER],
  setupFiles: ['test/each-file.ts', 'test/no-servers.ts'],
};

export default defineConfig({
  test: {
    reporters: ['default', './scripts/closing-line.mjs'],
    projects: [
      {
        test: { ...unit, exclude: [...unit.exclude, ...PURE], sequence: { groupOrder: 0 } },
      },
      {
        test: { ...unit, name: 'pure', include: PURE, isolate: false, sequence: { groupOrder: 0 } },
      },
      {
        test: {
          ...shared,
          maxWorkers: 3, // as units: half of their time they wait for processes and servers
          testTimeout: 60_000,
          hookTimeout: 120_000,
          name: 'server',
          include: SERVER,
          globalSetup: ['test/servers/setup.ts'],
          setupFiles: ['test/each-file.ts', 'test/servers/each-file.ts'],
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
