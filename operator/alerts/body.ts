import { createHmac } from 'node:crypto';
import type { AlertFormat } from '../../flags/index.ts';
import type { Alert } from './alert.ts';

/** A text of several lines, for a channel: what happened, why, and what to type. */
function lines({ type, data }: Alert): string[] {
  const { text, reason, organization_id: organization, epoch, next } = data;
  const where = `${type} · ${organization}${epoch === null ? '' : ` · epoch ${epoch}`}`;
  return [text, ...(reason === null ? [] : [`Reason: ${reason}`]), where, ...(next === '' ? [] : [next])];
}

/** Slack reads these three, and nothing else, as control characters. */
const slackText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('`', 'ˋ');

/** Teams reads Markdown: a word of a log must not become a link. */
const teamsText = (text: string): string => text.replace(/[\\`*_[\]()<>#~|]/g, (each) => `\\${each}`);

/** How an alert is written in each format. */
const BODIES: { readonly [F in AlertFormat]: (alert: Alert) => unknown } = {
  webhook: ({ type, at, data }) => ({ type, timestamp: at, data }),
  slack: (alert) => {
    const { next } = alert.data;
    const shown = lines(alert).map(slackText);
    return {
      text: [...shown.slice(0, next === '' ? undefined : -1), ...(next === '' ? [] : [`\`${shown.at(-1)}\``])].join(
        '\n',
      ),
    };
  },
  teams: (alert) => ({
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: lines(alert).map((text, index) => ({
            ...{ type: 'TextBlock', text: teamsText(text), wrap: true },
            ...(index === 0 ? { weight: 'Bolder' } : { isSubtle: true, spacing: 'Small' }),
          })),
        },
      },
    ],
  }),
};

/** An alert as it is sent. */
export const bodyOf = (alert: Alert, format: AlertFormat): string => JSON.stringify(BODIES[format](alert));

/**
 * The headers of Standard Webhooks, by which a receiver knows doubles, and who has sent it.
 * @param secret null: nothing is signed
 * @param seconds when it is sent, in seconds since 1970
 */
export function headersOf(
  { id }: Pick<Alert, 'id'>,
  { body, secret, seconds }: { readonly body: string; readonly secret: string | null; readonly seconds: number },
): Record<string, string> {
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(seconds) };
  if (secret === null) return headers;
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64');
  return { ...headers, 'webhook-signature': `v1,${signature}` };
}
