import fc from 'fast-check';
import { AUTONOMY_STAGES, type Cause, FEATURE_STAGES, redactText } from '../../flags/index.ts';

const id = fc.string({ minLength: 1, unit: 'grapheme' });
/** What a person wrote, or what was thrown: without what looks like a secret, which does not survive. */
const words = fc.string({ unit: 'grapheme' }).filter((text) => redactText(text) === text);
const amount = fc.oneof(fc.nat(), fc.constantFrom(0.1, 1e21), fc.constantFrom('0', '200.00', '99999999999999999999.5'));

type ArbitraryOf<Kind extends Cause['kind']> = fc.Arbitrary<Extract<Cause, { readonly kind: Kind }>>;

const kind = <Kind extends Cause['kind']>(name: Kind): fc.Arbitrary<Kind> => fc.constant(name);

/** One row a kind: while one is missing this does not compile. */
export const causesOf: { readonly [Kind in Cause['kind']]: ArbitraryOf<Kind> } = {
  mode: fc.record({ kind: kind('mode') }),
  kill: fc.record({ kind: kind('kill'), killId: id, target: id, killedBy: id, reason: fc.option(words) }),
  rule: fc.record({ kind: kind('rule'), rule: id, until: fc.option(id) }),
  feature: fc.record({ kind: kind('feature'), feature: id, stage: fc.constantFrom(...FEATURE_STAGES) }),
  autonomy: fc.record({ kind: kind('autonomy'), action: id, stage: fc.constantFrom(...AUTONOMY_STAGES) }),
  limit: fc.record({ kind: kind('limit'), limit: id, value: fc.oneof(amount, words), max: amount }),
  budget: fc.record({ kind: kind('budget'), scope: id, type: id, spent: amount, limit: amount, target: fc.option(id) }),
  approval: fc.record({ kind: kind('approval'), approvalId: id, status: id, why: fc.option(words) }),
  tripwire: fc.record({ kind: kind('tripwire'), name: id, value: amount, limit: amount, target: fc.option(id) }),
  identity: fc.record({ kind: kind('identity'), message: words }),
  fault: fc.record({
    kind: kind('fault'),
    code: fc.constantFrom('STALE', 'NO_LOCAL_STATE', 'PROVIDER_ERROR'),
    message: words,
  }),
};
