import { expect, it } from 'vitest';
import { peerRange, versionOf } from '../sdk-versions.ts';

it('tests the oldest SDKs that package.json says it supports, and the newest of the same major version', () => {
  expect(peerRange('@openfeature/server-sdk')).toBe(`^${versionOf('server-sdk-oldest')}`);
  expect(peerRange('@openfeature/core')).toBe(`^${versionOf('core-oldest')}`);
  expect(versionOf('@openfeature/server-sdk')).not.toBe(versionOf('server-sdk-oldest'));
  expect(versionOf('@openfeature/web-sdk')).not.toBe(versionOf('web-sdk-oldest'));
});
