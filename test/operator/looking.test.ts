import { expect, onTestFinished, test, vi } from 'vitest';
import { Looking, Troubles } from '../../operator/looking.ts';

test('what keeps one part from its work is not hidden by another that works again', () => {
  const said: string[] = [];
  const troubles = new Troubles((problem) => said.push(problem));
  const [kills, alerts] = [troubles.part(), troubles.part()];
  kills('A kill stays.');
  alerts('An alert waits.');
  alerts('');
  kills('');
  expect(said).toEqual(['A kill stays.', 'A kill stays. An alert waits.', 'A kill stays.', '']);
});

test('it looks again and again, through what throws, and says each trouble once, and once that it is over', async () => {
  const said: string[] = [];
  const looks = ['', 'x', 'x', new Error('y'), 'x', ''];
  let at = 0;
  const looking = new Looking({
    look: async () => {
      const found = looks[at++] ?? '';
      if (found instanceof Error) throw found;
      return found;
    },
    pauseMs: () => 0,
    onTrouble: (problem) => said.push(problem),
  });
  onTestFinished(() => looking.close());
  await vi.waitFor(() => expect(at).toBeGreaterThan(looks.length));
  expect(said).toEqual(['x', 'y', 'x', '']);
  await looking.close();
  const looked = at;
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(at).toBe(looked);
});

test('closing waits for the look that is under way, and tells it', async () => {
  let ended = false;
  const looking = new Looking({
    look: async (signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      ended = true;
      return '';
    },
    pauseMs: () => 0,
    onTrouble: () => {},
  });
  await looking.close();
  expect(ended).toBe(true);
});
