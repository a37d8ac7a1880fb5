import { randomBytes } from 'node:crypto';
import { choose, deleteAll, expect, test, upload } from './page';
import { handbook, lockedPdf } from './sample.mjs';
import { maxFileSize } from './serve.mjs';

const header = Buffer.from('%PDF-1.7\n');

test('an empty account says how to begin', async ({ page, reader }) => {
  await deleteAll(page.request);
  await reader.reload();
  await expect(reader.getByText('Drop PDFs here, or choose them')).toBeVisible();
  await expect(reader.getByText('up to 4.2 MB each')).toBeVisible();
  await expect(reader.getByRole('heading', { name: 'Start with a PDF.' })).toBeVisible();
  await reader.getByLabel('Your question').fill('Too early?');
  await expect(reader.getByRole('button', { name: 'Ask', exact: true })).toBeDisabled();
});

test('several PDFs are sent, read, and then ready to be asked and opened', async ({ reader }) => {
  const names = ['One.pdf', 'Two.pdf'];
  await choose(
    reader,
    await Promise.all(names.map(async (name) => ({ name, buffer: await handbook(name) }))),
  );
  for (const name of names) {
    await expect(reader.getByRole('checkbox', { name: `Ask only ${name}` })).toBeVisible();
    await expect(reader.getByRole('button', { name, exact: true })).toBeVisible();
  }
  await expect(reader.getByText('6 pages').first()).toBeVisible();
});

test('a file that is dropped on the page is uploaded', async ({ reader }) => {
  const content = (await handbook('dropped')).toString('base64');
  const transfer = await reader.evaluateHandle((base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], 'Dropped.pdf', { type: 'application/pdf' }));
    return data;
  }, content);
  await reader.dispatchEvent('body', 'dragenter', { dataTransfer: transfer });
  await expect(reader.getByText('Drop your PDFs')).toBeVisible();
  await reader.dispatchEvent('body', 'drop', { dataTransfer: transfer });
  await expect(reader.getByText('Drop your PDFs')).toBeHidden();
  await expect(reader.getByRole('button', { name: 'Dropped.pdf', exact: true })).toBeVisible();
});

test('progress is shown while a file is sent, and cancelling it leaves nothing behind', async ({
  reader,
}) => {
  const network = await reader.context().newCDPSession(reader);
  await network.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 0,
    downloadThroughput: -1,
    uploadThroughput: 200_000,
  });
  await choose(reader, [{ name: 'Slow.pdf', buffer: Buffer.concat([header, randomBytes(1_800_000)]) }]);
  const bar = reader.getByRole('progressbar', { name: 'Sending Slow.pdf' });
  await expect(bar).toBeVisible();
  await expect.poll(() => bar.evaluate((element: HTMLProgressElement) => element.value > 0)).toBe(true);
  await expect(reader.getByText(/Sending · .* of 1.8 MB/)).toBeVisible();
  await reader.getByRole('button', { name: 'Cancel sending Slow.pdf' }).click();
  await expect(reader.getByText('Slow.pdf')).toBeHidden();
  await reader.reload();
  await expect(reader.getByRole('heading', { name: 'Documents' })).toBeVisible();
  await expect(reader.getByText('Slow.pdf')).toBeHidden();
});

test('what cannot be taken is refused before it is sent, with the reason and what to do', async ({
  reader,
}) => {
  let sent = 0;
  reader.on('request', (request) => {
    if (request.method() === 'POST') sent++;
  });
  await choose(reader, [
    { name: 'Letter.pdf', buffer: Buffer.from('Dear reader, this is no PDF.') },
    { name: 'Empty.pdf', buffer: Buffer.alloc(0) },
    { name: 'Huge.pdf', buffer: Buffer.concat([header, Buffer.alloc(maxFileSize)]) },
  ]);
  const alerts = reader.getByRole('alert');
  await expect(alerts).toContainText([
    /This is not a PDF.*Export or print it as PDF/,
    /The file is empty/,
    /4\.2 MB is the limit here\..*Split it/,
  ]);
  expect(sent).toBe(0);
  await reader.getByRole('button', { name: 'Dismiss Letter.pdf' }).click();
  await expect(alerts).toHaveCount(2);
});

test('what the server refuses is shown in its own words', async ({ page, reader }) => {
  // The page is told of a larger limit than the server has, as after a change of the limit.
  await page.route('**/api/v1/limits', (route) =>
    route.fulfill({ json: { maxFileSizeBytes: 100_000_000, maxPages: 100, generatedAnswers: true } }),
  );
  await reader.reload();
  await expect(reader.getByRole('heading', { name: 'Documents' })).toBeVisible();
  await choose(reader, [{ name: 'Huge.pdf', buffer: Buffer.concat([header, Buffer.alloc(maxFileSize)]) }]);
  await expect(reader.getByRole('alert')).toContainText(/large.*Split the file, or ask your administrator/is);
});

test('a file that cannot be read stays in the list with the reason', async ({ reader }) => {
  await choose(reader, [
    { name: 'Locked.pdf', buffer: await lockedPdf('documents') },
    { name: 'Torn.pdf', buffer: (await handbook('torn')).subarray(0, 700) },
  ]);
  for (const [name, reason] of [
    ['Locked.pdf', /password|encrypted/i],
    ['Torn.pdf', /damaged/i],
  ] as const) {
    const row = reader.getByRole('listitem').filter({ hasText: name });
    await expect(row).toContainText(reason);
    await expect(row.getByRole('checkbox')).toHaveCount(0);
  }
});

test('a file that is there already is not stored twice', async ({ book, reader }) => {
  await choose(reader, [{ name: 'Copy.pdf', buffer: await handbook('shared') }]);
  await expect(reader.getByText('You have this file already; nothing was added.')).toBeVisible();
  await expect(reader.getByRole('button', { name: book.name, exact: true })).toHaveCount(1);
});

test('deleting asks first, keeps on Escape, and deletes on Delete', async ({ page, reader }) => {
  const { name } = await upload(page.request, 'Doomed.pdf', await handbook('doomed'));
  await reader.reload();
  const remove = reader.getByRole('button', { name: `Delete ${name}` });
  await remove.click();
  const dialog = reader.getByRole('dialog', { name: 'Delete this document?' });
  await expect(dialog.getByRole('button', { name: 'Keep it' })).toBeFocused();
  await reader.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await remove.click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await expect(dialog).toBeHidden();
  await expect(reader.getByText(name)).toBeHidden();
  await expect(reader.getByRole('button', { name: 'Add PDFs' })).toBeFocused();
});
