import { addresses, ask, expect, test, upload } from './page';
import { planted } from './handbook.mjs';
import { handbook } from './sample.mjs';

test('an answer is shown while it comes, with markers that work before it is done', async ({
  book,
  reader,
  model,
}) => {
  expect(book.name).not.toBe('');
  await model.course('hold');
  const turn = await ask(reader, planted.question);
  await expect(turn).toContainText('In short:');
  await expect(turn).toHaveAttribute('aria-busy', 'true');
  await expect(turn.getByRole('region', { name: 'Sources' })).toHaveCount(0);
  await expect(reader.getByRole('button', { name: 'Stop the answer' })).toBeVisible();

  await model.course('run');
  await expect(turn).toHaveAttribute('aria-busy', 'false');
  await expect(turn.getByRole('region', { name: 'Sources' })).toContainText(planted.sentence.slice(0, 60));
  await expect(turn.locator('strong')).toHaveText('In short:');
  await expect(turn.locator('li').first()).toBeVisible();
  await expect(reader.locator('[data-announcements]')).toContainText('End of the answer');
});

test('stopping keeps what has come and lets the model rest', async ({ book, reader, model }) => {
  expect(book.name).not.toBe('');
  const before = await model.abandoned();
  await model.course('hold');
  const turn = await ask(reader, planted.question);
  await expect(turn).toContainText('In short:');
  await reader.getByRole('button', { name: 'Stop the answer' }).click();
  await expect(turn).toContainText('You stopped this answer.');
  await expect(turn).toContainText('In short:');
  await expect.poll(model.abandoned).toBe(before + 1);
});

test('an answer that breaks off says so and can be asked for again', async ({ book, reader, model }) => {
  expect(book.name).not.toBe('');
  await model.course('break');
  const turn = await ask(reader, planted.question);
  await expect(turn.getByRole('alert')).toContainText('The answer broke off.');
  await model.course('run');
  await turn.getByRole('button', { name: 'Ask again' }).click();
  const turns = reader.getByRole('article');
  await expect(turns).toHaveCount(2);
  await expect(turns.last().getByRole('region', { name: 'Sources' })).toBeVisible();
});

test('when the model cannot be asked, the documents are quoted and the reader is told', async ({
  book,
  reader,
  model,
}) => {
  await model.course('refuse');
  const turn = await ask(reader, planted.question);
  await expect(turn).toContainText('The language model could not be asked');
  await expect(turn).toContainText(planted.sentence);
  await expect(turn.getByRole('region', { name: 'Sources' })).toContainText(book.name);
});

test('a marker shows its quote when it is pointed at, and Escape takes it away', async ({ book, reader }) => {
  const turn = await ask(reader, planted.question);
  const marker = turn.getByRole('button', { name: `Source 1: page ${planted.page} of ${book.name}` });
  await marker.first().hover();
  const tip = reader.getByRole('tooltip');
  await expect(tip).toContainText(planted.sentence);
  await expect(tip).toContainText(`page ${planted.page}`);
  await reader.keyboard.press('Escape');
  await expect(tip).toBeHidden();
});

test('only the chosen documents are asked', async ({ page, book, reader }) => {
  const other = await upload(page.request, 'Other.pdf', await handbook('other'));
  await reader.reload();
  await reader.getByRole('checkbox', { name: `Ask only ${other.name}` }).check();
  await expect(reader.getByText('Asking 1 document only.')).toBeVisible();
  const turn = await ask(reader, planted.question);
  await expect(turn).toContainText(`Asked of ${other.name}`);
  const sources = turn.getByRole('region', { name: 'Sources' });
  await expect(sources).toContainText(other.name);
  await expect(sources).not.toContainText(book.name);
});

test.describe('without a model', () => {
  test.use({ address: addresses.extractive });

  test('an answer quotes the documents word for word and says that it does', async ({ book, reader }) => {
    const turn = await ask(reader, planted.question);
    await expect(turn).toContainText('word for word');
    await expect(turn).toContainText(planted.sentence);
    await expect(turn.getByRole('region', { name: 'Sources' })).toContainText(
      `${book.name} · page ${planted.page}`,
    );
  });
});
