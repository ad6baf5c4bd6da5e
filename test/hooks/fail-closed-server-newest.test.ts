import { describeFailClosedHook } from './fail-closed-suite.ts';

describeFailClosedHook('the OpenFeature server SDK, newest', 'server', () => import('@openfeature/server-sdk'));
