import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { onTestFinished } from 'vitest';

/** A step that lasts until `end` is called. */
export function slowStep() {
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const seen = { begun: 0, ended: 0 };
  const step = async (): Promise<number> => {
    seen.begun += 1;
    await ended;
    seen.ended += 1;
    return seen.ended;
  };
  return { step, seen, end: () => end() };
}

/** A server that begins an answer and never ends it. */
export async function stalling(): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n'));
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}
