import { expect, test } from 'vitest';
import { attributesProblem } from '../../flags/index.ts';

test.each([
  {},
  { account_id: 'acme', user: 'u-9', amount: 5, tags: ['a'], plan: { tier: 'gold' } },
  { targetingKey: 'k' },
])('an application adds what it likes to a context: %j', (attributes) => {
  expect(attributesProblem(attributes)).toBeNull();
});

test.each<[Record<string, unknown>, RegExp]>([
  [{ agent_id: 'a' }, /^has "agent_id", which says who asks/],
  [{ lineage_runs: [] }, /^has "lineage_runs", which says who asks/],
  [{ organization_id: 'o' }, /^has "organization_id"/],
  [{ effect: 'read' }, /^has "effect"/],
  [{ $flagd: { timestamp: 0 } }, /^has "\$flagd", and names that begin with \$/],
  [{ constructor: 'x' }, /^has "constructor", which some evaluators find/],
  [JSON.parse('{"__proto__": 1}') as Record<string, unknown>, /^has "__proto__"/],
  [{ '': 1 }, /^has ""/],
  [{ targetingKey: 7 }, /^has the targetingKey 7/],
  [{ targetingKey: '' }, /^has the targetingKey ""/],
  [{ text: 'x'.repeat(16_384) }, /^has 16395 characters of JSON, more than 16384/],
])('but not who asks, nor what evaluators set, nor more than every evaluation can carry: %j', (attributes, problem) => {
  expect(attributesProblem(attributes)).toMatch(problem);
});
