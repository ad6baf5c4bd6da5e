import { describe, expect, test } from 'vitest';
import { Route } from '../../../store/redis/route.ts';

const [a, b, c] = ['a', 'b', 'c'].map((host) => ({ host, port: 1 })) as [Node, Node, Node];
type Node = { readonly host: string; readonly port: number };

describe('the way to the node with the keys', () => {
  test('goes through the given nodes, one after the other', () => {
    const route = new Route({ nodes: [a, b], natMap: undefined });
    const seen = [route.current];
    for (let steps = 0; steps < 3; steps += 1) {
      route.next();
      seen.push(route.current);
    }
    expect(seen).toEqual([a, b, a, b]);
  });

  test('from a named node that fails it goes on behind the one that named it, not back to that', () => {
    const route = new Route({ nodes: [a, b, c], natMap: undefined });
    route.follow({ host: 'x', port: 9 });
    expect([route.current, route.isNamed]).toEqual([{ host: 'x', port: 9 }, true]);
    route.next();
    expect([route.current, route.isNamed]).toEqual([b, false]);
  });

  test('a named node that was given is that one', () => {
    const route = new Route({ nodes: [a, b, c], natMap: undefined });
    route.follow({ ...b });
    expect(route.isNamed).toBe(false);
    route.next();
    expect(route.current).toBe(c);
  });

  test.each(['', '?'])('the host %j is that of the node that was asked', (host) => {
    const route = new Route({ nodes: [{ host: '::1', port: 1 }, { path: '/run/redis.sock' }], natMap: undefined });
    route.follow({ host, port: 2 });
    route.follow({ host, port: 3 }); // the asked one is now a named one
    expect(route.current).toEqual({ host: '::1', port: 3 });
    route.next();
    route.follow({ host, port: 2 });
    expect(route.current).toEqual({ host: '127.0.0.1', port: 2 });
  });

  test.each([
    ['an object', { '2001:db8::7:6379': { host: 'outside', port: 7 } }],
    ['a function', (key: string) => (key === '2001:db8::7:6379' ? { host: 'outside', port: 7 } : null)],
  ])('natMap as %s translates what is named, and nothing else', (_, natMap) => {
    const route = new Route({ nodes: [a], natMap });
    route.follow({ host: '2001:db8::7', port: 6379 });
    expect(route.current).toEqual({ host: 'outside', port: 7 });
    route.follow({ host: 'constructor', port: 1 });
    expect(route.current).toEqual({ host: 'constructor', port: 1 });
  });
});
