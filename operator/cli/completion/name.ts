/** What the script of a shell calls when Tab is pressed; no verb, as nobody types it. */
export const COMPLETE = '__complete';
