import { expect, test } from 'vitest';
import { Canvas } from '../../../../operator/cli/live/canvas.ts';
import { rendered } from './rendered.ts';

function open(colours = false) {
  const writes: string[] = [];
  const canvas = new Canvas({ write: (text) => void writes.push(text) }, colours);
  return { canvas, writes, shown: () => rendered(writes.join('')) };
}

test('each frame is one write, of the lines that differ; a frame like the last one writes nothing', () => {
  const { canvas, writes, shown } = open();
  const frames = [['a', 'b', 'c'], ['a', 'B', 'c'], ['a', 'B', 'c'], ['a'], ['x', '', 'y', 'z'], []];
  for (const lines of frames) {
    canvas.draw(lines);
    expect(shown()).toEqual(lines);
  }
  expect(writes).toHaveLength(frames.length - 1);
  expect(writes[1]).not.toMatch(/[ac]/);
});

test('after something else was drawn, all of it is drawn again', () => {
  const { canvas, writes } = open();
  canvas.draw(['a', 'b']);
  canvas.forget();
  canvas.draw(['a', 'b']);
  expect(writes[1]).toBe(writes[0]);
});

test('no text in a line can move the cursor or clear the screen; colours only where there are to be any', () => {
  for (const colours of [false, true]) {
    const { canvas, writes } = open(colours);
    canvas.draw([['x', { text: 'full\u001b[2J', style: 'alarm' }], '\u001b]0;title\u0007\u009b1;1H']);
    expect(writes[0]?.split('\u001b[2J')).toHaveLength(2); // the one that clears the screen to begin with
    expect(writes[0]).not.toMatch(/\u0007|\u009b|\u001b\]/);
    expect(writes[0]?.includes('\u001b[31m')).toBe(colours);
  }
});
