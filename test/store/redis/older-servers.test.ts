import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { beat, failure, openControl, openExecutor, plan } from './harness.ts';

const bulk = (text: string): string => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;

/** Plays the answers of Redis 6.2.14, since no such server is installed. `info`: the raw answer to INFO. */
const answersOf = (info: string): Readonly<Record<string, string>> => ({
  GET: '$-1\r\n',
  TIME: `*2\r\n${bulk('1767225600')}${bulk('0')}`,
  HEXISTS: ':0\r\n',
  HMGET: '*1\r\n$-1\r\n',
  EVALSHA: '-NOSCRIPT No matching script. Please use EVAL.\r\n',
  EVAL: "-ERR Error compiling script (new function): user_script:1: unexpected symbol near '#' \r\n",
  INFO: info,
});

async function startOlder(info: string): Promise<string> {
  const answers = answersOf(info);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    let received = '';
    socket.on('data', (data) => {
      received += data.toString();
      for (;;) {
        const count = Number(/^\*(\d+)\r\n/.exec(received)?.[1]);
        const whole = new RegExp(`^\\*${count}\\r\\n((?:\\$\\d+\\r\\n[^]*?\\r\\n){${count}})(?=\\*|$)`).exec(received);
        if (!whole) return;
        received = received.slice(whole[0].length);
        const name = /^\$\d+\r\n(\w+)/.exec(whole[1] ?? '')?.[1]?.toUpperCase() ?? '';
        socket.write(answers[name] ?? `-ERR unknown command \`${name}\`, with args beginning with: \r\n`);
      }
    });
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a server that is too old', () => {
  test.each([
    ['Redis 6.2', bulk('# Server\r\nredis_version:6.2.14\r\nredis_mode:standalone\r\n'), /is Redis 6\.2\.14\b/],
    [
      'KeyDB',
      bulk('# Server\r\nredis_version:6.3.4\r\nexecutable:/usr/local/bin/keydb-server\r\n'),
      /is KeyDB 6\.3\.4\b/,
    ],
    [
      'Dragonfly',
      bulk('# Server\r\nredis_version:7.4.0\r\ndragonfly_version:df-v1.21.2\r\n'),
      /is Dragonfly df-v1\.21\.2\b/,
    ],
    [
      'a server with an unknown INFO',
      "-NOPERM this user has no permissions to run the 'info' command or its subcommand\r\n",
      /is older than Redis 7/,
    ],
    ['a server without INFO', '-ERR unknown command `INFO`\r\n', /is older than Redis 7/],
  ])('%s is named, with the version that is needed', async (_, info, says) => {
    const url = await startOlder(info);
    const at = { url, requestTimeoutMs: 500 };
    const [control, executor] = [openControl(at), openExecutor(at)];
    const change = await plan(control, 'init', { generation: 'g' });
    for (const error of await Promise.all(
      [executor.confirm(beat(executor.id, null), 'n'), control.append(change)].map(failure),
    )) {
      expect(error).toMatchObject({ code: 'STORE_READ_ONLY', message: expect.stringMatching(says) });
      expect(error.message).toMatch(/7\.0 or newer/);
      expect(error.message).toContain(url);
    }
  });
});
