import { connect } from 'node:net';
import type { FlagdSettings } from './options.ts';

/** Resolves when something takes a connection where flagd should be; rejects when it is refused, or after the deadline. */
export function reachable({ host, port, socketPath, deadlineMs }: FlagdSettings): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath ? { path: socketPath } : { host, port });
    const timer = setTimeout(() => settle(new Error(`flagd took no connection within ${deadlineMs} ms`)), deadlineMs);
    const settle = (error?: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      if (error) reject(error);
      else resolve();
    };
    socket.once('connect', () => settle());
    socket.on('error', settle);
  });
}
