// What every page test stands on: the address, a signed-in reader, documents, and a watch over the
// page that fails the test when it says something in the console or speaks to anyone but its server.
import { expect, test as base, type APIRequestContext, type Locator, type Page } from '@playwright/test';
import { handbook } from './sample.mjs';
import { credentials } from './serve.mjs';

export interface Uploaded {
  id: string;
  name: string;
}

interface Fixtures {
  /** Address of the page; a test without a model overrides it. */
  address: string;
  watched: undefined;
  /** A reader who has signed in and sees the workspace. */
  reader: Page;
  /** The handbook, read and ready, and no other document. */
  book: Uploaded;
  model: {
    course: (name: 'run' | 'hold' | 'break' | 'refuse') => Promise<void>;
    abandoned: () => Promise<number>;
  };
}

export const addresses = {
  generated: process.env.PAGE_GENERATED ?? '',
  extractive: process.env.PAGE_EXTRACTIVE ?? '',
};

export const test = base.extend<Fixtures>({
  address: [addresses.generated, { option: true }],
  baseURL: async ({ address }, use) => {
    await use(address);
  },
  watched: [
    async ({ page, address }, use) => {
      const complaints: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error' && !isExpected(message.text())) complaints.push(message.text());
      });
      page.on('pageerror', (error) => complaints.push(String(error)));
      page.on('request', (request) => {
        const { protocol, origin } = new URL(request.url());
        if (protocol !== 'blob:' && origin !== address) complaints.push(`request to ${request.url()}`);
      });
      await use(undefined);
      expect(complaints).toEqual([]);
    },
    { auto: true },
  ],
  reader: async ({ page }, use) => {
    await signIn(page.request);
    await page.goto('/');
    await expect(page.getByRole('heading', { name: 'Documents' })).toBeVisible();
    await use(page);
  },
  book: async ({ page }, use) => {
    const book = await upload(page.request, 'Looking after ChatPDF.pdf', await handbook('shared'));
    await deleteAll(page.request, book.id);
    await use(book);
  },
  model: async ({ page }, use) => {
    const url = `${process.env.PAGE_MODEL ?? ''}/course`;
    await use({
      course: async (name) => {
        await page.request.put(url, { data: name });
      },
      abandoned: async () =>
        ((await (await page.request.get(url)).json()) as { abandoned: number }).abandoned,
    });
    await page.request.put(url, { data: 'run' });
  },
});

export { expect };

// Chromium reports every refused request in the console; the tests look at what the page makes of it.
function isExpected(text: string): boolean {
  return /^Failed to load resource: the server responded with a status of (401|404|413|415|422)/.test(text);
}

export async function signIn(request: APIRequestContext): Promise<void> {
  const response = await request.post('/api/v1/session', { data: credentials });
  expect(response.status()).toBe(204);
}

/** Uploads a PDF behind the page's back and waits until it has been read. */
export async function upload(request: APIRequestContext, name: string, buffer: Buffer): Promise<Uploaded> {
  await signIn(request);
  const file = { name, mimeType: 'application/pdf', buffer };
  const response = await request.post('/api/v1/documents', { multipart: { file } });
  expect(response.ok()).toBe(true);
  const { document } = (await response.json()) as { document: Uploaded };
  await expect
    .poll(
      async () =>
        ((await (await request.get(`/api/v1/documents/${document.id}`)).json()) as { state: string }).state,
    )
    .toBe('ready');
  return document;
}

/** Deletes every document, or every other one. */
export async function deleteAll(request: APIRequestContext, kept?: string): Promise<void> {
  await signIn(request);
  const { documents } = (await (await request.get('/api/v1/documents?limit=100')).json()) as {
    documents: Uploaded[];
  };
  for (const { id } of documents) if (id !== kept) await request.delete(`/api/v1/documents/${id}`);
}

/** Chooses files as the file dialog would. */
export function choose(page: Page, files: { name: string; buffer: Buffer }[]): Promise<void> {
  const chosen = files.map((file) => ({ ...file, mimeType: 'application/pdf' }));
  return page.getByLabel('PDF files').setInputFiles(chosen);
}

/** Asks, and gives the turn that the answer grows in. */
export async function ask(page: Page, question: string): Promise<Locator> {
  await page.getByLabel('Your question').fill(question);
  await page.getByRole('button', { name: 'Ask', exact: true }).click();
  return page.getByRole('article').filter({ has: page.getByRole('heading', { name: question }) });
}
