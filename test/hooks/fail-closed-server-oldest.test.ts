import { describeFailClosedHook } from './fail-closed-suite.ts';
import { loadOldest } from '../sdk-versions.ts';

describeFailClosedHook('the OpenFeature server SDK, oldest supported', 'server', () => loadOldest('server-sdk-oldest'));
