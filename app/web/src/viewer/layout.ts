// Where pages and sentences stand, in CSS pixels. Nothing here touches the DOM or pdf.js.
import type { Rect } from '../api/api';

/** A page's size in CSS pixels at scale 1, rotation applied. */
export interface PageSize {
  width: number;
  height: number;
}

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** CSS pixels between two pages, and above the first. */
export const gap = 14;

/** Browsers stop laying out boxes a little above 16 million pixels. */
const tallest = 15_000_000;

export const zoomSteps = [0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 4];

/** A rectangle given as fractions, on a page of this size. */
export function boxOf(rect: Rect, page: PageSize): Box {
  return {
    left: rect.x0 * page.width,
    top: rect.y0 * page.height,
    width: (rect.x1 - rect.x0) * page.width,
    height: (rect.y1 - rect.y0) * page.height,
  };
}

/** The smallest rectangle around all, or undefined if there is none. */
export function around(rects: Rect[]): Rect | undefined {
  if (rects.length === 0) return undefined;
  return {
    x0: Math.min(...rects.map(({ x0 }) => x0)),
    y0: Math.min(...rects.map(({ y0 }) => y0)),
    x1: Math.max(...rects.map(({ x1 }) => x1)),
    y1: Math.max(...rects.map(({ y1 }) => y1)),
  };
}

/** Every page's top, and behind the last one the height of it all. */
export function pageTops(sizes: PageSize[], scale: number): number[] {
  const tops = [gap];
  let top = gap;
  for (const { height } of sizes) {
    top += height * scale + gap;
    tops.push(top);
  }
  return tops;
}

/** The index of the page that holds y, the nearest one if none does. */
export function pageAt(tops: number[], y: number): number {
  let low = 0;
  let high = Math.max(tops.length - 2, 0);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((tops[middle] ?? 0) <= y) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Indices of the pages to have in the document: those in sight and within one screen of it. */
export function nearPages(tops: number[], scrollTop: number, viewHeight: number): number[] {
  if (tops.length < 2) return [];
  const first = pageAt(tops, scrollTop - viewHeight);
  const last = pageAt(tops, scrollTop + 2 * viewHeight);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** The scale at which a page fills the width, with a margin on both sides. */
export function fitScale(page: PageSize, viewWidth: number): number {
  const margin = viewWidth < 480 ? 8 : gap;
  return Math.max(viewWidth - 2 * margin, 120) / page.width;
}

/** The next zoom step up (1) or down (-1); stays within what browsers can lay out. */
export function nextZoom(zoom: number, direction: 1 | -1, sizes: PageSize[], fit: number): number {
  const steps = direction === 1 ? zoomSteps : zoomSteps.toReversed();
  const next = steps.find((step) => (step - zoom) * direction > 0.001) ?? zoom;
  const height = pageTops(sizes, fit * next).at(-1) ?? 0;
  return direction === 1 && height > tallest ? zoom : next;
}

/** How far above and below a sentence its column is looked for, as a fraction of the page's height. */
const nearby = 0.15;

/**
 * A sentence as wide as the column that it stands in: what is near and overlaps it sideways belongs
 * to the column. A reader wants to see whole lines, of this column and no other.
 */
export function columnAround(sentence: Rect, lines: Rect[]): Rect {
  const beside = lines.filter(
    (line) =>
      line.x0 < sentence.x1 &&
      line.x1 > sentence.x0 &&
      line.y0 < sentence.y1 + nearby &&
      line.y1 > sentence.y0 - nearby,
  );
  const column = around([sentence, ...beside]) ?? sentence;
  return { ...sentence, x0: Math.max(column.x0, 0), x1: Math.min(column.x1, 1) };
}

/**
 * How far to zoom in on a column: until it fills the width or its letters have their real size, and
 * never so far that the rest of the page is lost. fit: the scale at which the page fills the width.
 */
export function readableZoom(column: Rect, fit: number): number {
  return Math.max(Math.min(0.95 / (column.x1 - column.x0), 1.1 / fit, 2), 1);
}

/**
 * Where to scroll so that a box on a page stands a third down the view, or the page's top at the
 * view's top if there is no box.
 */
export function scrollFor(
  top: number,
  box: Box | undefined,
  view: PageSize,
  pageLeft: number,
): { top: number; left: number } {
  if (!box) return { top: Math.max(top - gap, 0), left: 0 };
  const spare = Math.max(view.height - box.height, 0);
  const middle = pageLeft + box.left + box.width / 2;
  return {
    top: Math.max(top + box.top - spare / 3, 0),
    left: Math.max(middle - view.width / 2, 0),
  };
}
