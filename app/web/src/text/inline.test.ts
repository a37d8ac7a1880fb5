import { describe, expect, test } from 'vitest';
import { parseInline, type Inline } from './inline';

const text = (words: string): Inline => ({ type: 'text', text: words });
const strong = (...children: Inline[]): Inline => ({ type: 'strong', children });
const emphasis = (...children: Inline[]): Inline => ({ type: 'emphasis', children });
const citation = (id: number): Inline => ({ type: 'citation', id });
const link = (href: string, words = href): Inline => ({
  type: 'link',
  href,
  host: new URL(href).host,
  text: words,
});

const parse = (source: string) => parseInline(source, (id) => id <= 3);

describe('emphasis', () => {
  test.each<[string, Inline[]]>([
    ['a *b* c', [text('a '), emphasis(text('b')), text(' c')]],
    ['**b**', [strong(text('b'))]],
    ['***b***', [emphasis(strong(text('b')))]],
    ['**a *b* c**', [strong(text('a '), emphasis(text('b')), text(' c'))]],
    ['_a_ and snake_case_name', [emphasis(text('a')), text(' and snake_case_name')]],
    ['2 * 3 * 4', [text('2 * 3 * 4')]],
    ['**half', [text('**half')]],
    ['half**', [text('half**')]],
    ['\\*plain\\*', [text('*plain*')]],
    ['**bold**[1]', [strong(text('bold')), citation(1)]],
  ])('%s', (source, inlines) => {
    expect(parse(source)).toEqual(inlines);
  });
});

describe('citation markers', () => {
  test.each<[string, Inline[]]>([
    ['It is so [1].', [text('It is so '), citation(1), text('.')]],
    ['so [1][2]', [text('so '), citation(1), citation(2)]],
    ['so [1, 3]', [text('so '), citation(1), citation(3)]],
    ['unknown [7] stays text', [text('unknown [7] stays text')]],
    ['[1, 7] stays text, too', [text('[1, 7] stays text, too')]],
    ['`[1]` in code is code', [{ type: 'code', text: '[1]' }, text(' in code is code')]],
    ['half a marker [1', [text('half a marker [1')]],
    ['[2024] is a year', [text('[2024] is a year')]],
  ])('%s', (source, inlines) => {
    expect(parse(source)).toEqual(inlines);
  });
});

describe('links', () => {
  test.each<[string, Inline[]]>([
    ['[here](https://a.example/x)', [link('https://a.example/x', 'here')]],
    ['[1](https://a.example/)', [link('https://a.example/', '1')]],
    ['see https://a.example/x.', [text('see '), link('https://a.example/x'), text('.')]],
    ['<https://a.example/x>', [link('https://a.example/x')]],
    ['[bank](https://bank.example@evil.example/)', [link('https://bank.example@evil.example/', 'bank')]],
  ])('%s', (source, inlines) => {
    expect(parse(source)).toEqual(inlines);
  });

  test('show the host that they really lead to', () => {
    expect(parse('[bank](https://bank.example@evil.example/)')).toMatchObject([{ host: 'evil.example' }]);
  });

  test.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    '//a.example',
    '/api/v1/session',
    'vbscript:x',
  ])('never lead to %s', (target) => {
    expect(parse(`[x](${target})`).some(({ type }) => type === 'link')).toBe(false);
  });
});

describe('what could load or run something', () => {
  test('an image is its description', () => {
    expect(parse('![a cat](https://evil.example/?q=secret)')).toEqual([text('a cat')]);
  });

  test.each(['<img src=x onerror=alert(1)>', '<script>alert(1)</script>', '<b>x</b>', '&lt;b&gt;'])(
    '%s is text',
    (html) => {
      expect(parse(html)).toEqual([text(html)]);
    },
  );
});

describe('lines', () => {
  test.each<[string, Inline[]]>([
    ['a\nb', [text('a b')]],
    ['a  \nb', [text('a'), { type: 'break' }, text('b')]],
    ['a\\\nb', [text('a'), { type: 'break' }, text('b')]],
    ['`` a`b ``', [{ type: 'code', text: 'a`b' }]],
  ])('%j', (source, inlines) => {
    expect(parse(source)).toEqual(inlines);
  });
});

test.each(['*', '_', '[', '`', '**a ', '[a](', '![', 'http://', '<', '\\', '*a_'])(
  '%j over and over is read in linear time',
  (piece) => {
    const source = piece.repeat(30_000 / piece.length);
    expect(parse(source).length).toBeGreaterThan(0);
  },
);
