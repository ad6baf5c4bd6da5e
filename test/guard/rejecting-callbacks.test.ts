import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../servers/index.ts';

test('callbacks that are to be synchronous and return promises that reject end no process, and leave no raw value', () => {
  const program = fileURLToPath(new URL('rejecting-callbacks.mjs', import.meta.url));
  const directory = join(temporaryFolder('callbacks').path, 'switch');
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, directory], { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const refused = '[not recorded: the redact function returned a promise, and it must be synchronous]';
  const { called, ...rest } = JSON.parse(stdout) as { readonly called: string[] };
  expect(new Set(called)).toEqual(
    new Set(['identify', 'onProgress', 'onReading', 'onTrouble', 'redact', 'thenable redact']),
  );
  expect(rest).toEqual({
    records: [refused, refused],
    context: { agent_id: false },
  });
});
