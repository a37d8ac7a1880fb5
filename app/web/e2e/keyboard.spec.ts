import type { Page } from '@playwright/test';
import { expect, test } from './page';
import { planted } from './handbook.mjs';
import { credentials } from './serve.mjs';

/** Presses Tab until something of this name has the focus. */
async function tabTo(page: Page, name: string | RegExp): Promise<void> {
  const wanted = typeof name === 'string' ? new RegExp(`^${name}$`) : name;
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate(() => {
      const element = document.activeElement;
      const label = element instanceof HTMLTextAreaElement ? element.labels[0]?.textContent : undefined;
      return element?.getAttribute('aria-label') ?? label ?? element?.textContent.trim() ?? '';
    });
    if (wanted.test(focused)) return;
  }
  throw new Error(`the keyboard does not reach ${String(name)}`);
}

test('everything can be done with the keyboard, and the focus comes back where it was', async ({
  book,
  page,
}) => {
  await page.context().clearCookies();
  await page.goto('/');
  await expect(page.getByLabel('User name')).toBeFocused();
  await page.keyboard.type(credentials.username);
  await page.keyboard.press('Tab');
  await page.keyboard.type(credentials.password);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('button', { name: book.name, exact: true })).toBeVisible();

  await tabTo(page, 'Your question');
  await page.keyboard.type('A first line');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type(planted.question);
  await expect(page.getByLabel('Your question')).toHaveValue(`A first line\n${planted.question}`);
  await page.keyboard.press('Enter');
  const marker = page.getByRole('button', { name: /^Source 1:/ }).first();
  await expect(page.getByRole('region', { name: 'Sources' })).toBeVisible();

  await page.getByLabel('Your question').press('Shift+Tab');
  await marker.focus();
  await page.keyboard.press('Shift+Tab');
  await page.keyboard.press('Tab');
  await expect(marker).toBeFocused();
  await expect(page.getByRole('tooltip')).toContainText(planted.sentence);
  await page.keyboard.press('Enter');
  const pages = page.getByRole('region', { name: /^Pages of/ });
  await expect(pages).toBeFocused();
  await page.keyboard.press('+');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Escape');
  await expect(pages).toBeHidden();
  await expect(marker).toBeFocused();
});

test('on a phone the reader is a sheet that keeps the focus until the back button closes it', async ({
  book,
  reader,
}) => {
  await reader.setViewportSize({ width: 360, height: 740 });
  await reader.reload();
  await reader.getByRole('button', { name: 'Documents' }).click();
  const open = reader.getByRole('button', { name: book.name, exact: true });
  await open.click();
  const sheet = reader.getByRole('dialog', { name: 'Document' });
  await expect(sheet).toBeVisible();
  for (let presses = 0; presses < 12; presses++) {
    await reader.keyboard.press('Tab');
    // The browser's own bars come between the last and the first thing in the sheet: then it is the body.
    const outside = await reader.evaluate(() =>
      document.activeElement?.matches(':not(body, dialog, dialog *)'),
    );
    expect(outside).toBe(false);
  }
  await reader.goBack();
  await expect(sheet).toBeHidden();
  await expect(open).toBeFocused();
  await open.click();
  await sheet.getByRole('button', { name: 'Back to the answer' }).click();
  await expect(sheet).toBeHidden();
});
