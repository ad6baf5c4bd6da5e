import { hash } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { type LogEvent, readEvent } from '../../../flags/index.ts';

/** The last event of a log. */
export const lastEvent = (log: string): LogEvent => {
  const text = readFileSync(log);
  return readEvent(text.toString('utf8', text.lastIndexOf(0x0a, -2) + 1, text.length - 1));
};

/**
 * Appends that many kills and revives of 1,000 agents after an event, as operators would over years; returns the last
 * one. The lines are made by hand, because there are 300,000.
 */
export function appendHistory(log: string, after: Pick<LogEvent, 'seq' | 'hash'>, count: number): LogEvent {
  const file = openSync(log, 'a');
  let { hash: prev, seq } = after;
  let lines: string[] = [];
  for (let number = 0; number < count; number += 1) {
    seq += 1;
    const at = new Date(1_767_225_600_000 + seq).toISOString();
    const pair = Math.floor(number / 2);
    const [type, ends] = number % 2 === 0 ? ['kill', '"expires_at":null,'] : ['revive', ''];
    const mode = type === 'kill' ? '"mode":"full_stop",' : '';
    const before = `{"actor":"unverified:history","at":"${at}","data":{${ends}"id":"k${pair}",${mode}"target":"agent:${pair % 1000}"},`;
    const behind = `"prev":"${prev}","reason":"as every day","seq":${seq},"type":"${type}"}`;
    prev = hash('sha256', `${prev}${before}${behind}`, 'hex');
    lines.push(`${before}"hash":"${prev}",${behind}\n`);
    if (lines.length === 5000 || number === count - 1) {
      writeSync(file, lines.join(''));
      lines = [];
    }
  }
  closeSync(file);
  return lastEvent(log);
}
