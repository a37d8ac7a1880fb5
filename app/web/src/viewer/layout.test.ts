import { describe, expect, test } from 'vitest';
import {
  around,
  boxOf,
  columnAround,
  fitScale,
  gap,
  nearPages,
  nextZoom,
  pageAt,
  pageTops,
  readableZoom,
  scrollFor,
  zoomSteps,
  type PageSize,
} from './layout';

const a4: PageSize = { width: 800, height: 1100 };
const rect = { x0: 0.25, y0: 0.5, x1: 0.75, y1: 0.52 };

describe('a sentence’s box', () => {
  test('is its fractions of the page', () => {
    expect(boxOf(rect, a4)).toEqual({
      left: 200,
      top: 550,
      width: 400,
      height: expect.closeTo(22) as number,
    });
  });

  test('needs to know nothing of rotation: a page on its side is just a wide page', () => {
    expect(boxOf(rect, { width: 1100, height: 800 })).toEqual({
      left: 275,
      top: 400,
      width: 550,
      height: expect.closeTo(16) as number,
    });
  });

  test.each([0.5, 1, 3.7])('keeps its place on the page at scale %f', (scale) => {
    const box = boxOf(rect, { width: a4.width * scale, height: a4.height * scale });
    expect(box.left / (a4.width * scale)).toBeCloseTo(rect.x0);
    expect((box.top + box.height) / (a4.height * scale)).toBeCloseTo(rect.y1);
  });

  test('of several lines is around all of them', () => {
    const lines = [
      { x0: 0.6, y0: 0.3, x1: 0.9, y1: 0.32 },
      { x0: 0.1, y0: 0.33, x1: 0.9, y1: 0.35 },
      { x0: 0.1, y0: 0.36, x1: 0.2, y1: 0.38 },
    ];
    expect(around(lines)).toEqual({ x0: 0.1, y0: 0.3, x1: 0.9, y1: 0.38 });
    expect(around([])).toBeUndefined();
  });
});

describe('pages', () => {
  const sizes = [a4, { width: 1100, height: 800 }, a4];
  const tops = pageTops(sizes, 0.5);

  test('stand below each other with a gap, whatever their sizes', () => {
    expect(tops).toEqual([gap, gap + 550 + gap, gap + 550 + gap + 400 + gap, 2 * 550 + 400 + 4 * gap]);
  });

  test.each([
    [-50, 0],
    [0, 0],
    [gap + 549, 0],
    [gap + 550 + gap, 1],
    [10_000, 2],
  ])('at %i is the page of index %i', (y, index) => {
    expect(pageAt(tops, y)).toBe(index);
  });

  test('far away are not in the document', () => {
    const many = pageTops(
      Array.from({ length: 10_000 }, () => a4),
      1,
    );
    const near = nearPages(many, 5000 * (1100 + gap), 900);
    expect(near.length).toBeLessThanOrEqual(5);
    expect(near).toContain(5000);
  });

  test('of a document that is not known yet are none', () => {
    expect(nearPages(pageTops([], 1), 0, 900)).toEqual([]);
  });
});

describe('zoom', () => {
  test('fits the width with a margin on both sides', () => {
    expect(fitScale(a4, 800 + 2 * gap)).toBe(1);
    expect(fitScale(a4, 336)).toBe(0.4);
  });

  test('goes by steps and stops at both ends', () => {
    expect(nextZoom(1, 1, [a4], 1)).toBe(1.25);
    expect(nextZoom(1.1, 1, [a4], 1)).toBe(1.25);
    expect(nextZoom(1.1, -1, [a4], 1)).toBe(1);
    expect(nextZoom(zoomSteps.at(-1) ?? 0, 1, [a4], 1)).toBe(zoomSteps.at(-1));
    expect(nextZoom(zoomSteps[0] ?? 0, -1, [a4], 1)).toBe(zoomSteps[0]);
  });

  test('stops before the document is taller than a browser can lay out', () => {
    const many = Array.from({ length: 10_000 }, () => a4);
    expect(nextZoom(1, 1, many, 1)).toBe(1.25);
    expect(nextZoom(1.25, 1, many, 1)).toBe(1.25);
  });

  test.each([
    ['a column as wide as the page is shown as it is', { ...rect, x0: 0, x1: 1 }, 0.4, 1],
    ['a narrow column fills the width', { ...rect, x0: 0.1, x1: 0.577 }, 0.4, 1.99],
    ['a short one is not blown up', { ...rect, x0: 0.1, x1: 0.2 }, 0.4, 2],
    ['letters are not larger than they are on paper', { ...rect, x0: 0.1, x1: 0.5 }, 1, 1.1],
    ['a page that is larger already stays', { ...rect, x0: 0.1, x1: 0.5 }, 1.4, 1],
  ])('%s', (_, sentence, fit, zoom) => {
    expect(readableZoom(sentence, fit)).toBeCloseTo(zoom, 2);
  });
});

describe('the column of a sentence', () => {
  const sentence = { x0: 0.2, y0: 0.5, x1: 0.4, y1: 0.52 };
  const line = (x0: number, x1: number, y0: number) => ({ x0, y0, x1, y1: y0 + 0.02 });

  test('is as wide as the lines around it, and as high as the sentence', () => {
    const lines = [line(0.1, 0.45, 0.48), line(0.1, 0.47, 0.54)];
    expect(columnAround(sentence, lines)).toEqual({ x0: 0.1, y0: 0.5, x1: 0.47, y1: 0.52 });
  });

  test('is not that of its neighbour, nor of a title far above', () => {
    const lines = [line(0.1, 0.45, 0.48), line(0.55, 0.9, 0.5), line(0.1, 0.9, 0.05)];
    expect(columnAround(sentence, lines)).toMatchObject({ x0: 0.1, x1: 0.45 });
  });

  test('ends with the page', () => {
    expect(columnAround(sentence, [line(-0.2, 1.3, 0.5)])).toMatchObject({ x0: 0, x1: 1 });
  });

  test('without lines is the sentence', () => {
    expect(columnAround(sentence, [])).toEqual(sentence);
  });
});

describe('bringing a sentence into sight', () => {
  const view = { width: 400, height: 600 };

  test('puts it a third down the view, in its middle', () => {
    const box = boxOf(rect, a4);
    const { top, left } = scrollFor(2000, box, view, 0);
    expect(2000 + box.top - top).toBeCloseTo((600 - box.height) / 3);
    expect(box.left + box.width / 2 - left).toBe(200);
  });

  test('never scrolls beyond the beginning', () => {
    expect(scrollFor(gap, { left: 0, top: 0, width: 10, height: 10 }, view, 0)).toEqual({ top: 0, left: 0 });
  });

  test('shows the beginning of one that is taller than the view', () => {
    const box = { left: 0, top: 100, width: 400, height: 900 };
    expect(scrollFor(0, box, view, 0).top).toBe(100);
  });

  test('without a sentence shows the page’s top', () => {
    expect(scrollFor(2000, undefined, view, 0)).toEqual({ top: 2000 - gap, left: 0 });
  });
});
