import { defineConfig } from 'vitest/config';
import { unit } from './vitest.config.ts';

/** The unit tests that scripts/mutate.mjs has chosen, in the pool that the mutation runner asks for. */
const { MUTATE_TESTS } = process.env;

export default defineConfig({
  test: { ...unit, pool: 'threads', include: MUTATE_TESTS ? MUTATE_TESTS.split(' ') : unit.include },
});
