import { expect, test } from 'vitest';
import { root } from '../../scripts/prepare.mjs';
import { hasFlagd, startFlagd } from '../servers/index.ts';
import { runPage } from './run-page.ts';

const flags = {
  flags: {
    'kill-switch.mode': {
      state: 'ENABLED',
      variants: { live: 'live', draft_only: 'draft_only', full_stop: 'full_stop' },
      defaultVariant: 'draft_only',
    },
  },
};

test.skipIf(!hasFlagd)(
  'the program of docs/flagd.md prints the mode that a real flagd serves, and ends by itself',
  async () => {
    const { syncPort } = await startFlagd({ flags });
    const ran = await runPage(root, 'docs/flagd.md', (code) =>
      code.replace("host: 'localhost',", `host: '127.0.0.1', port: ${syncPort},`),
    );
    expect(ran.compiled).toBe('');
    expect(ran).toMatchObject({ programs: 1, stdout: 'draft_only\n', stderr: '', code: 0 });
  },
);
