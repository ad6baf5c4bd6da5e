import { expect, test } from 'vitest';
import {
  type Head,
  headSchema,
  isEvidence,
  isPlausibleLoss,
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
const evidence = (held: Head | null, against = 'g2', excluded?: string[]): boolean =>
  isEvidence({ against, held, by: ['liar', 'uid 7'] }, store, { generations, excluded }, isInChain);

test('a head of a known generation that the store lacks is evidence, at its end and within it', () => {
  expect(evidence(head(11, 'g2', 'c'))).toBe(true);
  expect(evidence(head(10, 'g2', 'c'))).toBe(true);
  expect(evidence(head(5, 'g1', 'c'))).toBe(true);
});

test.each([
  ['another generation is spoken of', head(11, 'g2', 'c'), 'g1'],
  ['no head is named', null, 'g2'],
  ['the generation of the head is unknown', head(11, 'g9', 'c'), 'g2'],
  ['the head is in the chain', head(3, 'g1', 'b'), 'g2'],
  ['nobody can have seen so many events', head(11 + PLAUSIBLE_LOSS, 'g2', 'c'), 'g2'],
])('it is no evidence when %s', (_what, held, against) => {
  expect(evidence(held, against)).toBe(false);
});

test.each([['liar'], ['uid 7']])('it is no evidence when an operator has excluded %s', (name) => {
  expect(evidence(head(11, 'g2', 'c'), 'g2', ['somebody else', name])).toBe(false);
  expect(evidence(head(11, 'g2', 'c'), 'g2', ['somebody else'])).toBe(true);
});

test('a store that has nothing left believes any epoch that leaves room for kills', () => {
  expect(isPlausibleLoss(head(PLAUSIBLE_EPOCH), null)).toBe(true);
  expect(isPlausibleLoss(head(PLAUSIBLE_EPOCH + 1), null)).toBe(false);
  expect(PLAUSIBLE_EPOCH).toBeLessThan(MAX_EPOCH / 1000);
});

test('an epoch beyond the ceiling is none', () => {
  expect(headSchema.safeParse(head(MAX_EPOCH)).success).toBe(true);
  expect(headSchema.safeParse(head(MAX_EPOCH + 1)).success).toBe(false);
});
