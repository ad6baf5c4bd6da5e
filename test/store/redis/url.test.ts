import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { redisEndpoint } from '../../../store/redis/endpoint.ts';
import { temporaryFolder } from '../../servers/lifetime.ts';
import { hasOpenssl, makeCertificate } from './certificates.ts';

const refusal = (url: string): string => {
  try {
    redisEndpoint({ url });
  } catch (error) {
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' });
    return (error as Error).message;
  }
  throw new Error(`${url} was taken.`);
};

describe('the URL of a Redis', () => {
  test.each([
    ['redis://h?prefix=app:', 'redis://h?prefix=app:', { keyPrefix: 'app:', db: 0 }],
    [
      'redis://:pw@h/5?prefix=a%40b&replicas=2',
      'redis://h/5?prefix=a%40b&replicas=2',
      { keyPrefix: 'a@b', db: 5, replicas: 2 },
    ],
    ['redis+unix:///run/redis.sock', 'redis+unix:///run/redis.sock', { nodes: [{ path: '/run/redis.sock' }], db: 0 }],
    ['unix:///run/a%20b.sock?db=5', 'redis+unix:///run/a%20b.sock?db=5', { nodes: [{ path: '/run/a b.sock' }], db: 5 }],
    [
      'redis+unix://dana:p%40ss@/run/redis.sock?prefix=app:',
      'redis+unix:///run/redis.sock?prefix=app:',
      { options: { username: 'dana', password: 'p@ss' }, keyPrefix: 'app:' },
    ],
    [
      'redis://a?cluster=b:7001,[::1]:7002,c',
      'redis://a?cluster=b:7001,[::1]:7002,c',
      {
        nodes: [
          { host: 'a', port: 6379 },
          { host: 'b', port: 7001 },
          { host: '::1', port: 7002 },
          { host: 'c', port: 6379 },
        ],
      },
    ],
    [
      'rediss://shop/3?sentinels=s1,s2:26380&sentinelUsername=dana',
      'rediss://shop/3?sentinels=s1,s2:26380&sentinelUsername=dana',
      {
        db: 3,
        options: {
          name: 'shop',
          sentinels: [
            { host: 's1', port: 26379 },
            { host: 's2', port: 26380 },
          ],
          sentinelUsername: 'dana',
        },
      },
    ],
    [
      'rediss://h?servername=redis.example',
      'rediss://h?servername=redis.example',
      { options: { tls: { servername: 'redis.example' } } },
    ],
  ])('%s is shown as %s, which leads to the same endpoint', (url, location, endpoint) => {
    expect(redisEndpoint({ url })).toMatchObject({ location, ...endpoint });
    expect(redisEndpoint({ url: location }).location).toBe(location);
  });

  test.each([
    ['redis://h?prefx=app:', /unknown parameter "prefx"\. Did you mean prefix\?/],
    ['redis://h?Replica=1', /Did you mean replicas\?/],
    ['redis://h?password=x', /unknown parameter "password"\. Its parameters are: ca, cert/],
    ['redis://h?db=5', /db of a Redis URL is for redis\+unix:/],
    ['redis://h?ca=x.pem', /ca of a Redis URL is for rediss:/],
    ['redis+unix:///run/r.sock?sentinels=h', /sentinels of a Redis URL is for redis: or rediss:/],
    ['redis://h?prefix=', /prefix of the Redis URL is empty/],
    ['redis://h?prefix=a&prefix=b', /prefix of the Redis URL is there twice/],
    ['redis://h?replicas=-1', /replicas of the Redis URL must be a whole number/],
    ['redis://h?cluster=a:b', /cluster of the Redis URL is a list of nodes/],
    ['redis://h?cluster=a:70000', /cluster of the Redis URL is a list of nodes/],
    ['redis://h?sentinelUsername=dana', /names no Sentinels: add sentinels=/],
    ['rediss://h?cert=/nowhere', /cert and key of the Redis URL belong together/],
    ['rediss://h?ca=/nowhere/ca.pem', /"\/nowhere\/ca\.pem" \(ca of the Redis URL\) cannot be read: ENOENT/],
    ['rediss://h?ca=/', /"\/" \(ca of the Redis URL\) cannot be read: EISDIR/],
    ['redis+unix:///', /names no socket/],
    ['redis+unix:///run/r.sock?db=x', /db of the Redis URL must be a database number/],
    ['redis+unix:///run/r.sock#1', /or a #/],
    ['redis+unix://host/run/r.sock', /three slashes/],
  ])('%s is refused', (url, says) => {
    expect(refusal(url)).toMatch(says);
  });

  test.each([
    'redis://dana:a?hunter2@h',
    'redis+unix://dana:a/hunter2@/run/r.sock',
    'redis://h?x=1&hunter2@y',
    'unix://dana:hunter2/r.sock',
  ])('%s is refused without being shown', (url) => expect(refusal(url)).not.toMatch(/hunter2/));

  test('options.path is refused: it would lead elsewhere than the location says', () => {
    expect(() => redisEndpoint({ url: 'redis://h', options: { path: '/run/r.sock' } })).toThrow(/redis\+unix:/);
  });

  describe.skipIf(!hasOpenssl)('with files', () => {
    let [pem, key, other, junk, password]: string[] = [];
    beforeAll(() => {
      const folder = temporaryFolder('redis-url').path;
      mkdirSync(folder, { recursive: true });
      [pem, key, other, junk, password] = ['cert.pem', 'key.pem', 'other.pem', 'junk', 'password'].map((name) =>
        join(folder, name),
      ) as [string, string, string, string, string];
      makeCertificate(key, pem);
      makeCertificate(other, join(folder, 'unused.pem'));
      writeFileSync(junk, 'no certificate');
      writeFileSync(password, 'hunter2\n');
    });

    test('certificates and keys are read, and an unusable file is refused with its name', () => {
      const { tls } = redisEndpoint({ url: `rediss://h?ca=${pem}&cert=${pem}&key=${key}` }).options;
      expect(tls).toMatchObject({
        ca: expect.stringMatching(/CERTIFICATE/),
        key: expect.stringMatching(/PRIVATE KEY/),
      });
      expect(refusal(`rediss://h?ca=${junk}`)).toMatch(/junk" \(ca of the Redis URL\) is not in PEM form/);
      expect(refusal(`rediss://h?cert=${pem}&key=${other}`)).toMatch(/cannot be used for TLS.*other\.pem.*mismatch/);
    });

    test('the password of Sentinels is the line of a file, and a secret', () => {
      const endpoint = redisEndpoint({ url: `redis://shop?sentinels=h&sentinelPasswordFile=${password}` });
      expect(endpoint).toMatchObject({ options: { sentinelPassword: 'hunter2' }, secrets: ['hunter2'] });
      expect(endpoint.location).not.toContain('hunter2');
      writeFileSync(junk as string, '');
      onTestFinished(() => writeFileSync(junk as string, 'no certificate'));
      expect(refusal(`redis://shop?sentinels=h&sentinelPasswordFile=${junk}`)).toMatch(/must hold one line/);
    });
  });
});
