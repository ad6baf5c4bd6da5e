import { describeFailClosedHook } from './fail-closed-suite.ts';

describeFailClosedHook('the OpenFeature web SDK, newest', 'web', () => import('@openfeature/web-sdk'));
