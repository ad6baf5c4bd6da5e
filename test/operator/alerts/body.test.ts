import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { bodyOf, headersOf } from '../../../operator/alerts/body.ts';
import type { Alert } from '../../../operator/alerts/alert.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const ALERT: Alert = {
  id: 'evt_7_abc',
  type: 'kill',
  at: '2026-01-01T00:00:00.000Z',
  data: {
    text: 'agent:<!channel> is stopped (full_stop) by unverified:dana.',
    ...{ organization_id: 'default', epoch: 7, target: 'agent:<!channel>', mode: 'full_stop' },
    ...{ by: 'unverified:dana', reason: 'sent [twice](https://evil.test) & more', details: {} },
    next: `kill-switch revive 'agent:<!channel>' --reason "…"`,
  },
};

const signed = (alert: Alert, seconds = Math.floor(Date.now() / 1000)) => {
  const body = bodyOf(alert, 'webhook');
  return { body, headers: headersOf(alert, { body, secret: SECRET, seconds }) };
};

describe('a webhook, by the library of Standard Webhooks', () => {
  test('is what was sent, by whoever has the secret', () => {
    const { body, headers } = signed(ALERT);
    expect(new Webhook(SECRET).verify(body, headers)).toEqual({
      type: 'kill',
      timestamp: '2026-01-01T00:00:00.000Z',
      data: ALERT.data,
    });
    expect(headers).toMatchObject({ 'webhook-id': 'evt_7_abc', 'webhook-signature': expect.stringMatching(/^v1,/) });
  });

  test('is refused with another body, another secret, another id, or an old time', () => {
    const { body, headers } = signed(ALERT);
    const other = new Webhook(`whsec_${Buffer.alloc(32, 8).toString('base64')}`);
    expect(() => other.verify(body, headers)).toThrow();
    expect(() => new Webhook(SECRET).verify(`${body} `, headers)).toThrow();
    expect(() => new Webhook(SECRET).verify(body, { ...headers, 'webhook-id': 'evt_8' })).toThrow();
    const old = signed(ALERT, Math.floor(Date.now() / 1000) - 3600);
    expect(() => new Webhook(SECRET).verify(old.body, old.headers)).toThrow();
  });
});

test('a channel of Slack gets a text in which nothing of the log is a command or a link', () => {
  const { text } = JSON.parse(bodyOf(ALERT, 'slack')) as { text: string };
  expect(text).toBe(
    [
      'agent:&lt;!channel&gt; is stopped (full_stop) by unverified:dana.',
      'Reason: sent [twice](https://evil.test) &amp; more',
      'kill · default · epoch 7',
      `\`kill-switch revive 'agent:&lt;!channel&gt;' --reason "…"\``,
    ].join('\n'),
  );
});

test('a channel of Teams gets a card in which nothing of the log is a link', () => {
  expect(JSON.parse(bodyOf(ALERT, 'teams'))).toMatchObject({
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        content: {
          type: 'AdaptiveCard',
          body: [
            {
              type: 'TextBlock',
              text: 'agent:\\<!channel\\> is stopped \\(full\\_stop\\) by unverified:dana.',
              wrap: true,
            },
            { text: 'Reason: sent \\[twice\\]\\(https://evil.test\\) & more' },
            { text: 'kill · default · epoch 7' },
            { text: `kill-switch revive 'agent:\\<!channel\\>' --reason "…"` },
          ],
        },
      },
    ],
  });
});
