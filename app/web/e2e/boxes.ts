import { expect, type Page } from '@playwright/test';

/** What stands inside the boxes that the reader draws, read off the page itself. */
export interface Boxed {
  /** The page number that carries the boxes. */
  page: number;
  count: number;
  /** Characters of the text layer whose middle lies in a box, without spaces. */
  text: string;
  /** Share of dark pixels of the drawing inside the boxes, 0 to 1. */
  ink: number;
  /** At both ends of the sentence there is ink within a letter of the edge, and none at or right behind it. */
  snug: boolean;
  /** All of it is within the view. */
  inView: boolean;
}

const letters = (text: string) => text.replaceAll(/\s/g, '');

/**
 * The boxes hold the sentence and nothing else. The layer of selectable words is set in a font of this
 * machine, stretched run by run, so its outermost letters may lie on the other side of an edge; that
 * the edge is right all the same is read off the drawing.
 */
export function expectSentence(box: Boxed, sentence: string): void {
  const whole = letters(sentence);
  expect([whole, whole.slice(0, -1), whole.slice(1), whole.slice(1, -1)]).toContain(box.text);
  expect(box.snug).toBe(true);
  expect(box.ink).toBeGreaterThan(0.02);
}

/** Looks at the boxes once they and the drawing below them are there. */
export async function boxed(page: Page): Promise<Boxed> {
  await page.locator('[data-page] .mark').first().waitFor();
  await page.locator('[data-page]:has(.mark) canvas.drawing').waitFor();
  await page.locator('[data-page]:has(.mark) .words span').first().waitFor({ state: 'attached' });
  return page.evaluate(() => {
    const sheet = document.querySelector<HTMLElement>('[data-page]:has(.mark)');
    const canvas = sheet?.querySelector<HTMLCanvasElement>('canvas.drawing');
    const view = sheet?.closest('[role="region"]')?.getBoundingClientRect();
    if (!sheet || !canvas || !view) throw new Error('no page with boxes');
    const boxes = [...sheet.querySelectorAll('.mark')].map((mark) => mark.getBoundingClientRect());
    const inside = (x: number, y: number) =>
      boxes.some((box) => x > box.left && x < box.right && y > box.top && y < box.bottom);

    let text = '';
    const walker = document.createTreeWalker(sheet.querySelector('.words') ?? sheet, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const value = node.nodeValue ?? '';
      for (let at = 0; at < value.length; at++) {
        const range = document.createRange();
        range.setStart(node, at);
        range.setEnd(node, at + 1);
        const { left, top, width, height } = range.getBoundingClientRect();
        if (width > 0 && inside(left + width / 2, top + height / 2)) text += value.charAt(at);
      }
    }

    const place = canvas.getBoundingClientRect();
    const density = canvas.width / place.width;
    const context = canvas.getContext('2d');
    let dark = 0;
    let all = 0;
    for (const box of boxes) {
      const x = (box.left - place.left) * density;
      const y = (box.top - place.top) * density;
      const { data } = context?.getImageData(x, y, box.width * density, box.height * density) ?? { data: [] };
      for (let at = 0; at < data.length; at += 4) {
        all++;
        if ((data[at] ?? 255) < 128) dark++;
      }
    }
    // Pixels darker than a shade between two distances from the left edge of a box, in CSS pixels. A full
    // stop on a small page is grey, and a drawn edge may be a pixel off.
    const inked = (box: DOMRect, from: number, to: number, shade: number) => {
      const x = (box.left + from - place.left) * density;
      const y = (box.top - place.top) * density;
      const width = Math.max(1, (to - from) * density);
      const { data } = context?.getImageData(x, y, width, box.height * density) ?? { data: [] };
      for (let at = 0; at < data.length; at += 4) if ((data[at] ?? 255) < shade) return true;
      return false;
    };
    const first = boxes[0];
    const last = boxes.at(-1);
    // A line of text is about as high as its font's em, a space a quarter of one wide.
    const letter = (first?.height ?? 0) * 0.6;
    const behind = (first?.height ?? 0) * 0.15;
    return {
      snug:
        first !== undefined &&
        last !== undefined &&
        inked(first, 0, letter, 200) &&
        !inked(first, -1 - behind, -1, 128) &&
        inked(last, last.width - letter, last.width, 200) &&
        !inked(last, last.width + 1, last.width + 1 + behind, 128),
      page: Number(sheet.dataset.page),
      count: boxes.length,
      text: text.replaceAll(/\s/g, ''),
      ink: dark / all,
      inView: boxes.every(
        (box) =>
          box.top >= view.top &&
          box.bottom <= view.bottom &&
          box.left >= view.left &&
          box.right <= view.right,
      ),
    };
  });
}
