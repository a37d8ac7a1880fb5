import { ask, expect, test } from './page';
import { planted } from './handbook.mjs';
import { credentials } from './serve.mjs';

test('a wrong password is told, and what was typed can be corrected', async ({ page }) => {
  await page.goto('/');
  await expect(page.getByLabel('User name')).toBeFocused();
  await page.getByLabel('User name').fill(credentials.username);
  await page.getByLabel('Password').fill('not it');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toContainText('try again');
  await expect(page.getByLabel('User name')).toHaveValue(credentials.username);
  await expect(page.getByLabel('Password')).toBeFocused();
  await page.getByLabel('Password').fill(credentials.password);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Documents' })).toBeVisible();
});

test('a session survives a reload and ends with signing out', async ({ reader }) => {
  await reader.reload();
  await expect(reader.getByRole('heading', { name: 'Documents' })).toBeVisible();
  await reader.getByRole('button', { name: 'Sign out' }).click();
  await expect(reader.getByRole('button', { name: 'Sign in' })).toBeVisible();
  await reader.reload();
  await expect(reader.getByRole('button', { name: 'Sign in' })).toBeVisible();
});

test('an expired session asks to sign in again and loses neither question nor answers', async ({
  book,
  reader,
}) => {
  expect(book.name).not.toBe('');
  const earlier = await ask(reader, planted.question);
  await expect(earlier.getByRole('region', { name: 'Sources' })).toBeVisible();

  await reader.context().clearCookies();
  await reader.getByLabel('Your question').fill('What happens to backups older than thirty days?');
  await reader.keyboard.press('Enter');
  await expect(reader.getByRole('status')).toContainText('Your session ended');
  await reader.getByLabel('Password').fill(credentials.password);
  await reader.keyboard.press('Enter');

  await expect(reader.getByLabel('Your question')).toHaveValue(
    'What happens to backups older than thirty days?',
  );
  await expect(earlier.getByRole('region', { name: 'Sources' })).toBeVisible();
});

test('when the server cannot be reached, the page says so and goes on when it can', async ({ page }) => {
  await page.route('**/api/v1/session', (route) => route.abort('connectionrefused'));
  page.removeAllListeners('console');
  await page.goto('/');
  await expect(page.getByRole('alert')).toContainText('cannot be reached');
  await page.unroute('**/api/v1/session');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
});
