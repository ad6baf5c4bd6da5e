import { metrics, type MeterProvider } from '@opentelemetry/api';
import { readFileSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { ownBeats } from '../../store/own-beat.ts';
import { VERSION } from '../../store/version.ts';
import { openMemorySwitch } from '../guard/open-switch.ts';
import { runHere } from '../operator/cli/command.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

test('the version is that of package.json', () => {
  expect(version).toMatch(/^\d+\.\d+\.\d+/);
  expect(VERSION).toBe(version);
});

test('each beat has it', () => {
  const beatOf = ownBeats({ id: 'e', name: 'mailer', leaseMs: 5000, startedAt: 0 });
  expect(beatOf({ held: null, forkReport: null }, { mono: 0, wall: 0 }).version).toBe(version);
});

test('the command prints it', async () => {
  expect(await runHere(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` });
});

test('the metrics of the guard are in the scope of that version', async () => {
  const scopes: unknown[] = [];
  const provider: MeterProvider = {
    getMeter(...[name, of]) {
      scopes.push([name, of]);
      throw new Error('no more is asked of it');
    },
  };
  metrics.setGlobalMeterProvider(provider);
  onTestFinished(() => metrics.disable());
  await openMemorySwitch();
  expect(scopes).toEqual([['openfeature-kill-switch', version]]);
});
