import { render } from 'svelte/server';
import { expect, test } from 'vitest';
import { parseMarkdown } from '../text/markdown';
import Blocks from './Blocks.svelte';

const source = {
  id: 1,
  documentId: 'd',
  documentName: 'Handbook.pdf',
  page: 4,
  start: 0,
  end: 9,
  quote: 'the quote',
  rects: [{ x0: 0.1, y0: 0.1, x1: 0.5, y1: 0.2 }],
};

function markup(text: string): string {
  const citation = (id: number) => (id === 1 ? source : undefined);
  const { body } = render(Blocks, { props: { blocks: parseMarkdown(text, (id) => id === 1), citation } });
  return body.replaceAll(/<!--.*?-->/g, '').replaceAll(/ class="[^"]*"/g, '');
}

test('an answer becomes paragraphs, lists, emphasis and code', () => {
  expect(markup('a **b**\n\n- c\n- `d`')).toMatch(
    /<p>a <strong>b<\/strong>\s*<\/p>\s*<ul><li>c\s*<\/li><li><code>d<\/code>/,
  );
});

test('a marker becomes a button that says where it leads', () => {
  const html = markup('It is so [1].');
  expect(html).toContain('aria-label="Source 1: page 4 of Handbook.pdf"');
  expect(html).toMatch(/<button[^>]*>1<\/button>/);
});

test('a marker without a citation is no button', () => {
  expect(markup('It is so [2].')).not.toContain('<button');
});

test('a link shows its host and takes nothing along', () => {
  const html = markup('[here](https://a.example/x)');
  expect(html).toContain('rel="noopener noreferrer nofollow"');
  expect(html).toContain('(a.example)');
});

test.each([
  '<img src=x onerror=alert(1)>',
  '![x](https://evil.example/?leak)',
  '<script>alert(1)</script>',
  '[x](javascript:alert(1))',
  '"><svg onload=alert(1)>',
  '```\n</code><script>alert(1)</script>\n```',
  '<iframe src="//evil.example">',
])('%s makes no element of its own', (hostile) => {
  expect(markup(hostile)).not.toMatch(/<(img|script|svg|iframe|a)\b/);
});
