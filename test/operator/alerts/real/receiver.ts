import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createSecure, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { vi } from 'vitest';
import { owned } from '../../../servers/lifetime.ts';

export interface Received {
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly body: {
    readonly type: string;
    readonly timestamp: string;
    readonly data: Readonly<Record<string, unknown>>;
  };
}

type Answer = (response: ServerResponse, received: Received) => void;

export const ok: Answer = (response) => void response.writeHead(204).end();
export const failing: Answer = (response) => void response.writeHead(500).end('{"secret":"of the receiver"}');
export const hanging: Answer = () => {};

/** A real server that alerts are sent to. */
export class Receiver {
  readonly url: string;
  /** Everything that was sent, also what it has not accepted. */
  readonly received: Received[] = [];
  /** What it has answered with 2xx. */
  readonly accepted: Received[] = [];
  answer: Answer = ok;

  constructor(url: string) {
    this.url = url;
  }

  take(received: Received, response: ServerResponse): void {
    this.received.push(received);
    response.once('finish', () => {
      if (response.statusCode < 300) this.accepted.push(received);
    });
    this.answer(response, received);
  }

  /** The ids of what was accepted. */
  get ids(): string[] {
    return this.accepted.map(({ id }) => id);
  }

  get types(): string[] {
    return this.accepted.map(({ body }) => body.type);
  }

  get texts(): unknown[] {
    return this.accepted.map(({ body }) => body.data['text']);
  }

  /** Resolves once it has accepted so many. */
  until(count: number, timeout = 10_000): Promise<void> {
    return vi.waitFor(
      () => {
        if (this.accepted.length < count)
          throw new Error(`${this.accepted.length} of ${count} alerts: ${JSON.stringify(this.texts)}`);
      },
      { timeout, interval: 10 },
    );
  }
}

/** @param secure the key and the certificate of an https server */
export async function startReceiver(secure?: ServerOptions): Promise<Receiver> {
  let receiver: Receiver | null = null;
  const listener: RequestListener = (request: IncomingMessage, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.once('end', () => {
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      receiver?.take({ id: headers['webhook-id'] ?? '', headers, text, body: JSON.parse(text) }, response);
    });
  };
  const server = secure ? createSecure(secure, listener) : createServer(listener);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  owned(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });
  const { port } = server.address() as AddressInfo;
  receiver = new Receiver(secure ? `https://localhost:${port}` : `http://127.0.0.1:${port}`);
  return receiver;
}

/** Throws unless it was signed with this secret. */
export const verify = (secret: string, { text, headers }: Received): unknown =>
  new Webhook(secret).verify(text, headers);
