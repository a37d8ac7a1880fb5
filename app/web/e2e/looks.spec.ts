import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { boxed } from './boxes';
import { ask, expect, test } from './page';
import { planted } from './handbook.mjs';

async function expectAccessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`)).toEqual([]);
}

/** What sticks out of the window sideways, except inside what scrolls by itself. */
function overflowing(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const scrolls = (element: Element) => /auto|scroll|hidden|clip/.test(getComputedStyle(element).overflowX);
    const within = (element: Element | null): boolean =>
      element !== null && element !== document.body && (scrolls(element) || within(element.parentElement));
    const wide = [...document.body.querySelectorAll('*')]
      .filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5)
      .filter((element) => !within(element.parentElement))
      .map((element) => `${element.localName}.${element.className}`);
    const document_ = document.documentElement;
    return document_.scrollWidth > innerWidth
      ? [`the page is ${document_.scrollWidth} px wide`, ...wide]
      : wide;
  });
}

for (const scheme of ['light', 'dark'] as const) {
  for (const width of [1280, 360]) {
    test(`${scheme}, ${width} px wide: no serious barrier on any view`, async ({ book, page, reader }) => {
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize({ width, height: 760 });
      await reader.reload();
      await expectAccessible(page);
      if (width < 768) await page.getByRole('button', { name: 'Documents' }).click();
      await page.getByRole('checkbox', { name: `Ask only ${book.name}` }).check();
      await page.getByRole('button', { name: `Delete ${book.name}` }).click();
      await expect(page.getByRole('dialog')).toBeVisible();
      await expectAccessible(page);
      await page.keyboard.press('Escape');
      await expectAccessible(page);

      if (width < 768) await page.getByRole('button', { name: 'Questions' }).click();
      const turn = await ask(page, planted.question);
      await expect(turn.getByRole('region', { name: 'Sources' })).toBeVisible();
      await expectAccessible(page);
      await turn
        .getByRole('button', { name: /^Source 1:/ })
        .first()
        .click();
      await boxed(page);
      await expectAccessible(page);

      await page.context().clearCookies();
      await page.goto('/');
      await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
      await page.getByText('First sign-in after installing?').click();
      await expectAccessible(page);
    });
  }
}

for (const width of [320, 360, 430, 768, 1024]) {
  test(`nothing sticks out at ${width} px`, async ({ book, page, reader }) => {
    await page.setViewportSize({ width, height: 700 });
    await reader.reload();
    const views: Record<string, string[]> = {};
    const look = async (view: string) => (views[view] = await overflowing(page));
    await look('start');
    if (width < 768) await page.getByRole('button', { name: 'Documents' }).click();
    await page.getByRole('checkbox', { name: `Ask only ${book.name}` }).check();
    await look('documents');
    if (width < 768) await page.getByRole('button', { name: 'Questions' }).click();
    const turn = await ask(page, `${planted.question} ${'Donaudampfschifffahrtsgesellschaft'.repeat(4)}`);
    await expect(turn.getByRole('region', { name: 'Sources' })).toBeVisible();
    await look('answer');
    await turn
      .getByRole('button', { name: /^Source 1:/ })
      .first()
      .click();
    await boxed(page);
    await look('viewer');
    await page.context().clearCookies();
    await page.goto('/');
    await page.getByText('First sign-in after installing?').click();
    await look('sign in');
    expect(views).toEqual({ start: [], documents: [], answer: [], viewer: [], 'sign in': [] });
  });
}

test('a whole visit needs few requests, so that the limit on them never meets a reader', async ({
  page,
  book,
  reader,
}) => {
  expect(book.name).not.toBe('');
  let requests = 0;
  page.on('request', (request) => {
    if (request.url().includes('/api/')) requests++;
  });
  await reader.reload();
  const turn = await ask(page, planted.question);
  await turn
    .getByRole('button', { name: /^Source 1:/ })
    .first()
    .click();
  await boxed(page);
  expect(requests).toBeLessThan(20);
});
