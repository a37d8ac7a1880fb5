import { boxed, expectSentence } from './boxes';
import { ask, expect, test, upload } from './page';
import { planted } from './handbook.mjs';
import { longPdf, sideways, sidewaysPdf } from './sample.mjs';

for (const { name, width, height } of [
  { name: 'a desktop', width: 1280, height: 800 },
  { name: 'a phone', width: 360, height: 740 },
]) {
  test(`on ${name} a citation opens its page with exactly the sentence boxed`, async ({ book, reader }) => {
    await reader.setViewportSize({ width, height });
    await reader.reload();
    const turn = await ask(reader, planted.question);
    await turn.getByRole('button', { name: `Source 1: page ${planted.page} of ${book.name}` }).click();

    const box = await boxed(reader);
    expect(box.page).toBe(planted.page);
    expectSentence(box, planted.sentence);
    expect(box.count).toBeGreaterThan(1);
    expect(box.inView).toBe(true);
    await expect(reader.getByLabel('Page number')).toHaveValue(String(planted.page));
  });
}

for (const [kind, sentence] of Object.entries(sideways)) {
  test(`a ${kind} page has its sentence boxed as it is shown`, async ({ page, reader }) => {
    const { name } = await upload(page.request, 'Sideways.pdf', await sidewaysPdf('1'));
    await reader.reload();
    await reader.getByRole('checkbox', { name: `Ask only ${name}` }).check();
    const turn = await ask(reader, sentence.replace('.', '?'));
    await turn
      .getByRole('button', { name: /^Source 1:/ })
      .first()
      .click();
    const box = await boxed(reader);
    expect(box.text).toBe(sentence.replaceAll(/\s/g, ''));
    expect(box.ink).toBeGreaterThan(0.02);
    expect(box.inView).toBe(true);
  });
}

test('the box stays on its sentence through zooming and resizing', async ({ book, reader }) => {
  expect(book.name).not.toBe('');
  const turn = await ask(reader, planted.question);
  await turn
    .getByRole('button', { name: /^Source 1:/ })
    .first()
    .click();
  await boxed(reader);
  await reader.getByRole('button', { name: 'Larger' }).click();
  await reader.getByRole('button', { name: 'Larger' }).click();
  await expect(async () => {
    expectSentence(await boxed(reader), planted.sentence);
  }).toPass({ timeout: 20_000 });
  await reader.setViewportSize({ width: 1500, height: 700 });
  await reader.getByRole('button', { name: /Fit the width/ }).click();
  await expect(async () => {
    expectSentence(await boxed(reader), planted.sentence);
  }).toPass({ timeout: 20_000 });
});

test('the reader goes through the pages by button, number and key, and draws only the near ones', async ({
  book,
  reader,
}) => {
  await reader.getByRole('button', { name: book.name, exact: true }).click();
  const number = reader.getByLabel('Page number');
  await expect(number).toHaveValue('1');
  await expect(reader.locator('[data-page="1"] canvas.drawing')).toBeVisible();
  await reader.getByRole('button', { name: 'Next page' }).click();
  await expect(number).toHaveValue('2');
  await number.fill('6');
  await number.press('Enter');
  await expect(number).toHaveValue('6');
  await expect(reader.locator('[data-page="1"]')).toHaveCount(0);
  await reader.getByRole('region', { name: `Pages of ${book.name}` }).press('ArrowLeft');
  await expect(number).toHaveValue('5');
});

test('words of a page can be selected', async ({ book, reader }) => {
  await reader.getByRole('button', { name: book.name, exact: true }).click();
  const title = reader.locator('[data-page="1"] .words span', { hasText: 'Looking after ChatPDF' });
  await title.dblclick();
  const selected = await reader.evaluate(() => getSelection()?.toString().trim());
  expect('Looking after ChatPDF').toContain(selected);
  expect(selected).not.toBe('');
});

test('of a large document only what is shown is fetched', async ({ page, reader }) => {
  const { name } = await upload(page.request, 'Long.pdf', await longPdf('1'));
  await reader.reload();
  const ranges: string[] = [];
  reader.on('request', (request) => {
    const range = request.headers().range;
    if (request.url().endsWith('/file') && range !== undefined) ranges.push(range);
  });
  await reader.getByRole('button', { name, exact: true }).click();
  await expect(reader.locator('[data-page="1"] canvas.drawing')).toBeVisible();
  expect(ranges.length).toBeGreaterThan(0);
  const bytes = ranges
    .map((range) => range.match(/\d+/g)?.map(Number) ?? [])
    .map(([from = 0, to = 0]) => to - from + 1);
  expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThan(1_000_000);
});

test('following a citation is the first thing that loads the PDF reader', async ({ book, reader }) => {
  const scripts: string[] = [];
  reader.on('request', (request) => {
    if (request.resourceType() === 'script' || request.url().includes('worker')) scripts.push(request.url());
  });
  await reader.reload();
  await expect(reader.getByRole('button', { name: book.name, exact: true })).toBeVisible();
  expect(scripts).toHaveLength(1);
  await reader.getByRole('button', { name: book.name, exact: true }).click();
  await expect(reader.locator('[data-page="1"] canvas.drawing')).toBeVisible();
  expect(scripts.some((url) => url.includes('pdf.worker'))).toBe(true);
});

test('the flash of the box is left out for those who asked for less motion', async ({ book, reader }) => {
  expect(book.name).not.toBe('');
  const turn = await ask(reader, planted.question);
  await turn
    .getByRole('button', { name: /^Source 1:/ })
    .first()
    .click();
  const mark = reader.locator('[data-page] .mark').first();
  await expect(mark).toHaveCSS('animation-name', 'none');
  await reader.emulateMedia({ reducedMotion: 'no-preference' });
  await expect(mark).not.toHaveCSS('animation-name', 'none');
});
