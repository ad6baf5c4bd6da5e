import { expect, test } from 'vitest';
import { isEvidence } from '../../flags/evidence.ts';
import {
  evidenceProblem,
  type Head,
  headSchema,
  lossProblem,
  MAX_EPOCH,
  PLAUSIBLE_EPOCH,
  PLAUSIBLE_LOSS,
} from '../../flags/index.ts';

const head = (epoch: number, generation = 'g2', letter = 'a'): Head => ({
  generation,
  epoch,
  hash: letter.repeat(64),
  recovered: false,
});
const store = head(10);
const generations = ['g1', 'g2'];
const chain = new Set([head(3, 'g1', 'b').hash]);
const isInChain = ({ hash }: Head): boolean => chain.has(hash);
const problem = (held: Head | null, against = 'g2', excluded?: string[]): string | null =>
  evidenceProblem({ against, held, by: ['liar', 'uid 7'] }, store, { generations, excluded }, isInChain);

test('a head of a known generation that the store lacks is evidence, at its end and within it', () => {
  expect(problem(head(11, 'g2', 'c'))).toBeNull();
  expect(problem(head(10, 'g2', 'c'))).toBeNull();
  expect(problem(head(5, 'g1', 'c'))).toBeNull();
});

test.each([
  ['another generation is spoken of', head(11, 'g2', 'c'), 'g1', /speaks of another generation/],
  ['no head is named', null, 'g2', /names no change/],
  ['the generation of the head is unknown', head(11, 'g9', 'c'), 'g2', /a generation that this store does not know/],
  ['the head is in the chain', head(3, 'g1', 'b'), 'g2', /epoch 3, which it names, is in the log/],
  [
    'nobody can have seen so many events',
    head(11 + PLAUSIBLE_LOSS, 'g2', 'c'),
    'g2',
    /claims epoch 1000011, and more than 1000000 beyond the store's 10/,
  ],
])('it is no evidence when %s, and is told so', (_what, held, against, why) => {
  expect(problem(held, against)).toMatch(why);
});

test.each([['liar'], ['uid 7']])('it is no evidence when an operator has excluded %s', (name) => {
  expect(problem(head(11, 'g2', 'c'), 'g2', ['somebody else', name])).toMatch(/said not to believe it/);
  expect(problem(head(11, 'g2', 'c'), 'g2', ['somebody else'])).toBeNull();
});

test('an empty store believes any epoch that leaves room for kills, in a generation of the right form', () => {
  const generation = '00000000-0000-4000-8000-000000000001';
  expect(lossProblem(head(PLAUSIBLE_EPOCH, generation), null, [])).toBeNull();
  expect(lossProblem(head(PLAUSIBLE_EPOCH + 1, generation), null, [])).toMatch(/more than 4294967296 is not believed/);
  expect(lossProblem(head(1, 'g1'), null, ['g1'])).toMatch(/a generation that this store does not know/);
  expect(PLAUSIBLE_EPOCH).toBeLessThan(MAX_EPOCH / 1000);
});

test.each(['x00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000001x', ''])(
  'a generation of another form, such as %j, is not believed where nothing is left to compare it with',
  (generation) => {
    expect(lossProblem(head(1, generation), null, [])).toMatch(/a generation that this store does not know/);
  },
);

test('a report is evidence where nothing speaks against it', () => {
  const report = { against: 'g2', held: head(11, 'g2', 'c'), by: ['mailer'] };
  expect(isEvidence(report, store, { generations }, isInChain)).toBe(true);
  expect(isEvidence({ ...report, held: null }, store, { generations }, isInChain)).toBe(false);
});

test('an epoch beyond MAX_EPOCH is no epoch', () => {
  expect(headSchema.safeParse(head(MAX_EPOCH)).success).toBe(true);
  expect(headSchema.safeParse(head(MAX_EPOCH + 1)).success).toBe(false);
});
