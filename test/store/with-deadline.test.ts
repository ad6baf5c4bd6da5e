import { stat } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { within } from '../../store/with-deadline.ts';

/** Holds up the event loop. */
function hold(ms: number): void {
  for (const until = performance.now() + ms; performance.now() < until; );
}
const late = (): Error => new Error('late');

describe('work with a deadline', () => {
  test('counts if its result came while the event loop was busy', async () => {
    const found = within(stat(import.meta.dirname), 10, late);
    hold(50); // the timer is due before the answer of the disk is read
    expect((await found).isDirectory()).toBe(true);
  });

  test('counts also where it needs another turn or two of a busy event loop', async () => {
    const twice = async (): Promise<boolean> => {
      await stat(import.meta.dirname);
      const second = stat(import.meta.dirname);
      hold(50);
      return (await second).isDirectory();
    };
    const found = within(twice(), 10, late);
    hold(50);
    expect(await found).toBe(true);
  });

  test('is given up when its result does not come', async () => {
    await expect(within(new Promise(() => {}), 10, late)).rejects.toThrow('late');
  });
});
