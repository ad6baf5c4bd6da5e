import { describeFailClosedHook } from './fail-closed-suite.ts';
import { loadOldest } from '../sdk-versions.ts';

describeFailClosedHook('the OpenFeature web SDK, oldest supported', 'web', () => loadOldest('web-sdk-oldest'));
