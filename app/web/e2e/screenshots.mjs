// Takes the pictures of the README from the real thing: MONGOD_BIN=... CHATPDF_BIN=... npm run screenshots
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from '@playwright/test';
import { chromiumOptions } from './chromium.mjs';
import { planted } from './handbook.mjs';
import { handbook } from './sample.mjs';
import { credentials, start } from './serve.mjs';

const folder = fileURLToPath(new URL('../../../docs/images/', import.meta.url));
const views = [
  { file: 'page.png', viewport: { width: 1360, height: 820 }, phone: false },
  { file: 'page-phone.png', viewport: { width: 390, height: 720 }, phone: true },
];

await mkdir(folder, { recursive: true });
const stack = await start();
const browser = await chromium.launch(chromiumOptions);
try {
  await bring();
  for (const view of views) await take(view);
} finally {
  await browser.close();
  await stack.stop();
}

/** Uploads the handbook once; every picture asks it. */
async function bring() {
  const page = await browser.newPage({ baseURL: stack.generated });
  await signIn(page);
  const buffer = await handbook('picture');
  const name = 'Looking after ChatPDF.pdf';
  await page.getByLabel('PDF files').setInputFiles([{ name, mimeType: 'application/pdf', buffer }]);
  await page.getByRole('checkbox', { name: `Ask only ${name}` }).waitFor();
  await page.close();
}

/** @param {import('@playwright/test').Page} page */
async function signIn(page) {
  await page.goto('/');
  await page.getByLabel('User name').fill(credentials.username);
  await page.getByLabel('Password').fill(credentials.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

/** @param {typeof views[number]} view */
async function take({ file, viewport, phone }) {
  const context = await browser.newContext({
    viewport,
    deviceScaleFactor: 2,
    hasTouch: phone,
    isMobile: phone,
    colorScheme: 'light',
    reducedMotion: 'reduce',
    baseURL: stack.generated,
  });
  const page = await context.newPage();
  await signIn(page); // on a phone who has documents starts among the questions
  await page.getByLabel('Your question').fill(planted.question);
  await page.getByRole('button', { name: 'Ask', exact: true }).click();
  await page.getByRole('region', { name: 'Sources' }).waitFor();
  await page
    .getByRole('article')
    .getByRole('button', { name: /^Source 1:/ })
    .first()
    .click();
  await page.locator('[data-page]:has(.mark) canvas.drawing').waitFor();
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: folder + file });
  console.log(`docs/images/${file}`);
  await context.close();
}
